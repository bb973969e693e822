// The correlations of a region as a heatmap in the order of clusters: each cell is the r of the largest |r| behind it. Dragging
// a rectangle, or + and -, zooms; the coordinator then computes just that window.

import {h, icon, replace} from './dom.js';
import {get, query} from './api.js';
import {canvas, hideTip, place, showTip} from './canvas.js';
import {clusterColour, correlationColour, correlationTable} from './colours.js';
import {saveCanvas} from './export.js';
import {count, r} from './format.js';
import {colour} from './theme.js';
import {failure, segments, toast} from './ui.js';

const cells = 240;
const strip = 10;
// What the coordinator computes in a moment; of more, a window on the diagonal is shown.
const spanMax = 4000;

export async function show(root, region, context) {
    const path = `/v1/regions/${region.region}/matrix`;
    const hasClusters = (region.results || []).some((result) => result.result === 'clusters' && result.rows);
    const method = hasClusters ? await methodOf(region, context) : null;
    let order = hasClusters ? 'cluster' : 'id';
    let data = null;
    let image = null;
    let drag = null;
    let asked = 0;
    const windows = [];
    const submitted = region.alphas?.submitted || 0;
    // Of more than one window the last one ends with the matrix, which lacks alphas without PnL.
    const alphas = submitted > spanMax ? (await get(path + query({rows: '0:1', columns: '0:1', size: 1}),
        {signal: context.signal})).count : submitted;
    let start = 0;
    const whole = () => (alphas > spanMax ? [[start, Math.min(alphas, start + spanMax)],
        [start, Math.min(alphas, start + spanMax)]] : [null, null]);
    const step = (by) => {
        start = Math.max(0, Math.min(alphas - spanMax, start + by));
        windows.length = 0;
        load();
    };
    const words = h('p', {class: 'muted', role: 'status'});
    const back = h('button', {disabled: true, onclick: () => { windows.pop(); load(); }}, 'Zoom out');
    const chart = canvas(480, 'Correlation heatmap; + and \u2212 zoom', draw, {tabindex: 0});
    const inner = (width) => width - (data?.labels ? strip + 3 : 0);

    function draw(context2d, width) {
        if (!image) return;
        const left = width - inner(width);
        context2d.imageSmoothingEnabled = false;
        context2d.drawImage(image, left, left, inner(width), inner(width));
        if (data.labels) labels(context2d, width, left);
        if (drag?.to) {
            const [x, y, wide, tall] = rectangle(drag);
            context2d.fillStyle = 'rgb(127 127 127 / 25%)';
            context2d.fillRect(x, y, wide, tall);
            context2d.strokeStyle = colour('text');
            context2d.strokeRect(x + 0.5, y + 0.5, wide - 1, tall - 1);
        }
    }

    // Clusters along both edges; the columns are those of the rows when the window lies on the diagonal.
    function labels(context2d, width, left) {
        const step = inner(width) / data.labels.length;
        const isSquare = data.rows.from === data.columns.from && data.rows.to === data.columns.to;
        data.labels.forEach((label, i) => {
            context2d.fillStyle = clusterColour(label);
            context2d.fillRect(0, left + i * step, strip, Math.ceil(step));
            if (isSquare) context2d.fillRect(left + i * step, 0, Math.ceil(step), strip);
        });
    }

    function paint() {
        const table = correlationTable();
        const [tall, wide] = [data.values.length, data.values[0]?.length || 0];
        image = document.createElement('canvas');
        Object.assign(image, {width: Math.max(1, wide), height: Math.max(1, tall)});
        const pixels = image.getContext('2d').createImageData(Math.max(1, wide), Math.max(1, tall));
        for (let i = 0; i < tall; i += 1) {
            for (let j = 0; j < wide; j += 1) {
                const value = data.values[i][j];
                const at = (i * wide + j) * 4;
                if (value === null) continue;
                const from = Math.round((Math.max(-1, Math.min(1, value)) + 1) * 256) * 3;
                pixels.data.set(table.subarray(from, from + 3), at);
                pixels.data[at + 3] = 255;
            }
        }
        image.getContext('2d').putImageData(pixels, 0, 0);
    }

    async function load() {
        asked += 1;
        const mine = asked;
        chart.node.setAttribute('aria-busy', 'true');
        const [rows, columns] = windows[windows.length - 1] || whole();
        try {
            const answer = await get(path + query({order, size: cells, method: order === 'cluster' ? method : null,
                rows: rows?.join(':'), columns: columns?.join(':')}),
                {signal: context.signal});
            if (mine !== asked) return;
            data = answer;
            paint();
            describe();
            chart.redraw();
        } catch (error) {
            if (mine !== asked || error.name === 'AbortError') return;
            if (data) toast(error.message, true);
            else replace(root, h('section', {class: 'card'}, failure(error, () => show(root, region, context))));
            windows.pop();
        } finally {
            chart.node.removeAttribute('aria-busy');
            back.disabled = !windows.length;
        }
    }

    function describe() {
        const {rows, columns} = data;
        const each = Math.max(rows.step, columns.step);
        words.textContent =
            `${count(rows.to - rows.from)} by ${count(columns.to - columns.from)} of ${count(data.count)} alphas, `
            + (each > 1 ? `each cell the strongest of ${count(rows.step)} by ${count(columns.step)} pairs.`
                : 'each cell one pair.');
    }

    function cellAt(x, y) {
        const width = chart.node.clientWidth;
        const left = width - inner(width);
        const [i, j] = [Math.floor((y - left) / inner(width) * data.values.length),
            Math.floor((x - left) / inner(width) * data.values[0].length)];
        return i >= 0 && j >= 0 && i < data.values.length && j < data.values[0].length ? [i, j] : null;
    }

    function zoom([i0, j0], [i1, j1]) {
        const span = (axis, a, b) => [axis.from + a * axis.step, Math.min(axis.to, axis.from + (b + 1) * axis.step)];
        windows.push([span(data.rows, Math.min(i0, i1), Math.max(i0, i1)),
            span(data.columns, Math.min(j0, j1), Math.max(j0, j1))]);
        load();
    }

    chart.node.addEventListener('pointerdown', (event) => {
        if (!data || event.button) return;
        chart.node.setPointerCapture(event.pointerId);
        drag = {from: place(chart.node, event), to: null};
        hideTip();
    });
    chart.node.addEventListener('pointermove', (event) => {
        if (!data) return;
        const [x, y] = place(chart.node, event);
        if (drag) {
            if (Math.hypot(x - drag.from[0], y - drag.from[1]) > 4) drag.to = [x, y];
            chart.redraw();
            return;
        }
        const cell = cellAt(x, y);
        showTip(event, cell ? tipOf(data, cell) : '');
    });
    chart.node.addEventListener('pointerleave', hideTip);
    chart.node.addEventListener('pointerup', () => {
        const clamp = ([x, y]) => {
            const width = chart.node.clientWidth;
            const fit = (value) => Math.max(width - inner(width), Math.min(width - 0.01, value));
            return cellAt(fit(x), fit(y));
        };
        const done = drag;
        drag = null;
        if (!done) return;
        if (done.to) zoom(clamp(done.from), clamp(done.to));
        else openPair(data, cellAt(...done.from), region);
        chart.redraw();
    });
    chart.node.addEventListener('keydown', (event) => {
        if (!data) return;
        const n = data.values.length;
        if ((event.key === '+' || event.key === '=') && n > 8) zoom([Math.floor(n / 4), Math.floor(n / 4)],
            [Math.ceil(n * 3 / 4) - 1, Math.ceil(n * 3 / 4) - 1]);
        else if (event.key === '-'
            && windows.length) { windows.pop(); load(); } else if (event.key === '0') { windows.length = 0; load(); }
    });
    replace(root, h('div', {class: 'filters'},
        segments('Order', [['cluster', 'By cluster'], ['id', 'By id']].filter(([key]) => key === 'id' || hasClusters), order,
            (next) => {
            order = next;
            windows.length = 0;
            load();
        }), back, alphas > spanMax && [h('button', {onclick: () => step(-spanMax / 2)}, 'Earlier'),
            h('button', {onclick: () => step(spanMax / 2)}, 'Later')], words,
                h('div', {class: 'tools'}, h('button', {onclick: () =>
            saveCanvas(chart.node, `heatmap-${region.region}`, colour('surface'))},
            icon('download'), 'PNG'))),
    h('section', {class: 'card padded', 'aria-label': 'Heatmap'}, h('div', {class: 'split heat'},
        h('div', {class: 'square'}, chart.node),
        h('div', {class: 'stack'}, scale(), h('p', {class: 'muted small'},
            'Drag a rectangle to look closer; the window is computed when it is asked for. '
            + 'A click on a single pair opens its alpha. Blank means that no pair is defined.'),
        hasClusters ? null : h('p', {class: 'note'}, 'Run clusters to see the alphas in the order of their clusters.')))));
    context.onLeave(() => { chart.stop(); hideTip(); });
    await load();
}

// Whose clusters give the order: those of HDBSCAN, unless it found nothing but noise.
async function methodOf(region, context) {
    try {
        const path = `/v1/regions/${region.region}/results/cluster-methods`;
        const {rows} = await get(path + query({columns: 'method,clusters'}), {signal: context.signal});
        const good = rows.filter(([, clusters]) => clusters > 0).map(([name]) => name);
        return good.includes('hdbscan') ? 'hdbscan' : good[0] || null;
    } catch (error) {
        if (error.name === 'AbortError') throw error;
        return null;
    }
}

const rectangle = ({from, to}) => [Math.min(from[0], to[0]), Math.min(from[1], to[1]), Math.abs(to[0] - from[0]),
    Math.abs(to[1] - from[1])];

function tipOf(data, [i, j]) {
    const value = data.values[i][j];
    const [row, column] = [data.row_ids?.[i], data.column_ids?.[j]];
    const more = data.rows.step > 1 || data.columns.step > 1 ? ' and near' : '';
    return `${row ?? ''}${more}\n${column ?? ''}${more}\nr ${value === null ? 'undefined' : r(value)}`;
}

function openPair(data, cell, region) {
    if (!cell || data.rows.step > 1 || !data.row_ids?.[cell[0]]) return;
    location.hash = `#/regions/${region.region}/alphas/${encodeURIComponent(data.row_ids[cell[0]])}`;
}

// What the colours mean.
export function scale() {
    const ramp = h('div', {class: 'ramp'});
    const stops = Array.from({length: 21}, (_, i) => correlationColour(i / 10 - 1));
    ramp.style.background = `linear-gradient(to right, ${stops.join(', ')})`;
    return h('div', {}, h('h2', {class: 'minor'}, 'Correlation'), ramp,
        h('div', {class: 'ramp-ends small muted'}, h('span', {}, '\u22121'),
        h('span', {}, '0'), h('span', {}, '+1')));
}
