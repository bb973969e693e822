// The tile map of a running job: the triangle of all pairs of blocks, each cell in the colour of its state.

import {h, replace} from './dom.js';
import {get} from './api.js';
import {canvas, hideTip, place, showTip} from './canvas.js';
import {colour} from './theme.js';

const names = {q: 'queued', l: 'being computed', m: 'merged', f: 'failed once', '-': 'partly done', '.': ''};
const paints = {q: 'tile-queued', l: 'tile-leased', m: 'tile-merged', f: 'tile-failed', '-': 'tile-mixed'};

export function tileMap(id) {
    let map = null;
    const side = (width, height) => Math.max(1, Math.min(width, height));
    const chart = canvas(340, 'Tile map', (context, width, height) => {
        if (!map) return;
        const cell = side(width, height) / map.edge;
        const gap = cell > 6 ? 1 : 0;
        const inks = Object.fromEntries(Object.entries(paints).map(([key, name]) => [key, colour(name)]));
        for (let row = 0; row < map.edge; row += 1) {
            for (let column = 0; column < map.edge; column += 1) {
                const ink = inks[map.cells[row * map.edge + column]];
                if (!ink) continue;
                context.fillStyle = ink;
                const [x, y] = [Math.round(column * cell), Math.round(row * cell)];
                context.fillRect(x, y, Math.round((column + 1) * cell) - x - gap, Math.round((row + 1) * cell) - y - gap);
            }
        }
    });
    chart.node.classList.add('tiles');
    chart.node.addEventListener('pointermove', (event) => {
        if (!map) return;
        const [x, y] = place(chart.node, event);
        const cell = side(chart.node.clientWidth, chart.node.clientHeight) / map.edge;
        const [row, column] = [Math.floor(y / cell), Math.floor(x / cell)];
        const state = row < map.edge && column < map.edge ? names[map.cells[row * map.edge + column]] : '';
        showTip(event, state ? `Row ${row + 1}, column ${column + 1}: ${state}` : '');
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
