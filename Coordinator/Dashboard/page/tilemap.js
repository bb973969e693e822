// The tile map of a running job: the triangle of all pairs of blocks, each cell in the colour of its state.

import {h, replace} from './dom.js';
import {get} from './api.js';
import {canvas, hideTip, place, showTip} from './canvas.js';
import {colour} from './theme.js';

const names = {q: 'queued', l: 'being computed', m: 'merged', f: 'failed once', '-': 'partly done', '.': ''};
const paints = {q: 'tile-queued', l: 'tile-leased', m: 'tile-merged', f: 'tile-failed', '-': 'tile-mixed'};

// Number of the first task that a cell stands for, as the coordinator numbers them; null where there is none.
export function taskAt(map, row, column) {
    const {edge, grid, upper, task_count: tasks} = map;
    if (!grid) {
        const [cell, cells] = [row * edge + column, edge * edge];
        const task = tasks <= cells ? cell : Math.ceil(cell * tasks / cells);
        return task < tasks ? task : null;
    }
    const {row_begin: top, row_end: bottom, column_begin: left, column_end: right, group} = grid;
    const origin = upper ? [0, 0] : [top, left];
    const extent = Math.max(1, right - origin[1], bottom - origin[0]);
    // Block row and block column.
    const [i, j] = [row, column].map((cell, k) => origin[k] + Math.ceil(cell * extent / edge));
    if (i < top || i >= bottom || j < left || j >= right || (upper && j < i)) return null;
    const first = i - (i - top) % group;
    const start = (chunk) => (upper ? chunk : left);
    let task = 0;
    for (let chunk = top; chunk < first; chunk += group) task += Math.ceil((right - start(chunk)) / group);
    return task + Math.floor((j - start(first)) / group);
}

// onpick(task) is called for a cell that is clicked.
export function tileMap(id, onpick) {
    let map = null;
    let picked = null;
    const side = (width, height) => Math.max(1, Math.min(width, height));
    const chart = canvas(340, 'Tile map', (context, width, height) => {
        if (!map) return;
        const cell = side(width, height) / map.edge;
        const gap = cell > 6 ? 1 : 0;
        const marked = [];
        const inks = Object.fromEntries(Object.entries(paints).map(([key, name]) => [key, colour(name)]));
        for (let row = 0; row < map.edge; row += 1) {
            for (let column = 0; column < map.edge; column += 1) {
                const ink = inks[map.cells[row * map.edge + column]];
                if (!ink) continue;
                context.fillStyle = ink;
                const [x, y] = [Math.round(column * cell), Math.round(row * cell)];
                const [wide, tall] = [Math.round((column + 1) * cell) - x - gap, Math.round((row + 1) * cell) - y - gap];
                context.fillRect(x, y, wide, tall);
                if (picked !== null && taskAt(map, row, column) === picked) marked.push([x, y, wide, tall]);
            }
        }
        context.strokeStyle = colour('text');
        context.lineWidth = 2;
        for (const [x, y, wide, tall] of marked) context.strokeRect(x + 1, y + 1, Math.max(2, wide - 2), Math.max(2, tall - 2));
    });
    chart.node.classList.add('tiles');
    // Row, column and state of the cell under a pointer; null where there is none.
    const under = (event) => {
        if (!map) return null;
        const [x, y] = place(chart.node, event);
        const cell = side(chart.node.clientWidth, chart.node.clientHeight) / map.edge;
        const [row, column] = [Math.floor(y / cell), Math.floor(x / cell)];
        const state = row < map.edge && column < map.edge ? names[map.cells[row * map.edge + column]] : '';
        return state ? {row, column, state} : null;
    };
    chart.node.addEventListener('pointermove', (event) => {
        const at = under(event);
        const task = at && taskAt(map, at.row, at.column);
        const name = task === null ? '' : `, task ${task}`;
        showTip(event, at ? `Row ${at.row + 1}, column ${at.column + 1}${name}: ${at.state}` : '');
    });
    chart.node.addEventListener('click', (event) => {
        const at = under(event);
        const task = at && taskAt(map, at.row, at.column);
        if (at && task !== null) onpick(task);
    });
    chart.node.addEventListener('pointerleave', hideTip);
    const legend = h('div', {class: 'legend'});
    const words = h('p', {class: 'unseen', 'aria-live': 'off'});
    const swatch = (key) => {
        const mark = h('i', {});
        mark.style.background = colour(paints[key]);
        return h('span', {}, mark, names[key]);
    };
    return {
        node: h('div', {class: 'stack tight'}, chart.node, legend, words),
        mark(task) {
            picked = task;
            chart.redraw();
        },
        shown: () => map,
        // Returns whether there was a map to show.
        async update(signal) {
            try {
                map = await get(`/v1/jobs/${id}/tiles`, {signal});
            } catch (error) {
                if (error.name === 'AbortError') return false;
                return map !== null;
            }
            if (!map.edge) return false;
            const found = new Set(map.cells);
            replace(legend, Object.keys(paints).filter((key) => found.has(key)).map(swatch));
            const merged = [...map.cells].filter((cell) => cell === 'm').length;
            const all = [...map.cells].filter((cell) => cell !== '.').length;
            words.textContent = `${merged} of ${all} cells of stage ${map.stage} are merged.`;
            chart.redraw();
            return true;
        },
        stop: chart.stop,
    };
}
