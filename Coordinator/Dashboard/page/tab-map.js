// The map of a region: every alpha where UMAP, t-SNE or PCA puts it, coloured by its cluster or by a feature. What a lasso
// selects becomes a table.

import {h, icon, replace} from './dom.js';
import {allRows} from './api.js';
import {clusterColour, featureColour} from './colours.js';
import {saveCanvas, saveRows} from './export.js';
import {count, fixed, heading, isNumber, r} from './format.js';
import {scatter} from './scatter.js';
import {LocalRows} from './source.js';
import {summaryColumns} from './tab-summary.js';
import {table} from './table.js';
import {colour} from './theme.js';
import {empty, input, segments, toast} from './ui.js';

const layouts = ['umap', 'tsne', 'pca'];
const features = ['sharpe', 'annual_return', 'volatility', 'max_drawdown', 'sortino', 'calmar', 'skew', 'kurtosis', 'hit_rate',
    'stability',
    'hurst', 'day_count'];
const summary = ['max_correlation', 'avg_correlation', 'median_correlation', 'min_correlation'];

export async function show(root, region, context) {
    const path = `/v1/regions/${region.region}/results/clusters`;
    const {columns, rows} = await allRows(path, {columns: 'alpha_id,method,label,coordinates'}, {signal: context.signal});
    const world = sortOut(columns, rows);
    if (!world.layouts.length) {
        replace(root, h('section', {class: 'card'}, empty('No layout was computed', 'Clusters with the method ',
            h('code', {}, 'umap'),
            ' place every alpha on a map. ', h('a', {href: `#/jobs/new?kind=clusters&region=${region.region}`}, 'Start one'))));
        return;
    }
    const state = {layout: world.layouts[0], by: world.labels.length ? `label:${world.labels[0]}` : ''};
    const place = h('div', {class: 'scatter'});
    const legend = h('div', {class: 'stack tight'});
    const chosen = h('div', {});
    let plot = null;
    const build = () => {
        plot?.stop();
        const layout = world.coordinates.get(state.layout);
        plot = scatter(`Map of the alphas of ${region.region} by ${state.layout}`, layout, {
            tipOf: (i) => tipOf(world, layout.ids[i], values),
            onopen: (i) => { location.hash = `#/regions/${region.region}/alphas/${encodeURIComponent(layout.ids[i])}`; },
            onselect: (list) => select(list.map((i) => layout.ids[i]), region, chosen, context)});
        replace(place, plot.node);
        paint();
    };
    let values = null;
    let asked = 0;
    const paint = async () => {
        asked += 1;
        const mine = asked;
        const layout = world.coordinates.get(state.layout);
        const [what, name] = state.by.split(':');
        values = null;
        if (what === 'label') colourByLabel(plot, layout, world.labelsBy.get(name), legend, name);
        else {
            try {
                const found = await featureValues(region, what, name, context);
                // Something else may have been chosen while they were on their way.
                if (mine !== asked || context.signal.aborted) return;
                values = found;
                colourByValue(plot, layout, values, legend, name);
            } catch (error) {
                if (error.name !== 'AbortError') toast(error.message, true);
            }
        }
    };
    const by = input({name: 'colour', value: state.by, choices: [
        ...world.labels.map((name) => [`label:${name}`, `Cluster of ${name}`]),
        ...summary.map((name) => [`correlation:${name}`, heading(name)]),
        ...(region.results || []).some((result) => result.result === 'features' && result.rows)
            ? features.map((name) => [`features:${name}`, heading(name)]) : []]});
    by.addEventListener('change', () => { state.by = by.value; paint(); });
    const bar = h('div', {class: 'filters'},
        world.layouts.length > 1 && segments('Layout', world.layouts.map((name) => [name, name.toUpperCase()]), state.layout,
            (name) => { state.layout = name; build(); }),
        h('div', {class: 'filter'}, h('label', {class: 'unseen', for: by.id}, 'Colour by'), by),
        segments('Pointer', [['move', 'Move'], ['lasso', 'Lasso']], 'move', (mode) => plot.mode(mode)),
        h('button', {class: 'quiet', onclick: () => plot.reset()}, 'Reset view'),
        h('div', {class: 'tools'},
            h('span', {class: 'muted small'}, `${count(world.coordinates.get(state.layout).count)} alphas`),
            h('button', {onclick: () => saveCanvas(plot.node, `map-${region.region}`, colour('surface'))}, icon('download'),
                'PNG')));
    replace(root, bar, h('section', {class: 'card', 'aria-label': 'Map'}, h('div', {class: 'split map'}, place,
        h('div', {class: 'aside'}, legend, h('p', {class: 'muted small'},
            'The wheel zooms, dragging moves or turns. With Shift or Lasso, draw around alphas to list them.')))), chosen);
    build();
    context.onLeave(() => plot.stop());
}

// Rows of all methods -> labels by method, and coordinates as flat arrays by layout.
function sortOut(columns, rows) {
    const [id, method, label, coordinates] = ['alpha_id', 'method', 'label', 'coordinates'].map((name) => columns.indexOf(name));
    const world = {labelsBy: new Map(), coordinates: new Map(), labels: [], layouts: []};
    const placed = new Map();
    for (const row of rows) {
        const name = row[method];
        if (row[label] !== null && row[label] !== undefined) {
            if (!world.labelsBy.has(name)) world.labelsBy.set(name, new Map());
            world.labelsBy.get(name).set(row[id], row[label]);
        }
        if (row[coordinates]?.length >= 2) {
            if (!placed.has(name)) placed.set(name, []);
            placed.get(name).push(row);
        }
    }
    for (const [name, list] of placed) {
        const dimensions = Math.min(3, list[0][coordinates].length);
        const at = new Float32Array(list.length * dimensions);
        list.forEach((row, i) => { for (let d = 0; d < dimensions; d += 1) at[i * dimensions + d] = row[coordinates][d]; });
        world.coordinates.set(name, {ids: list.map((row) => row[id]), count: list.length, at, dimensions});
    }
    const rank = (list, name) => (list.indexOf(name) + 99) % 99;
    world.layouts = [...placed.keys()].sort((a, b) => rank(layouts, a) - rank(layouts, b));
    // First the one of density, unless it found nothing but noise.
    const isEmpty = (name) => ![...world.labelsBy.get(name).values()].some((one) => one >= 0);
    world.labels = [...world.labelsBy.keys()].sort((a, b) => isEmpty(a) - isEmpty(b)
        || (a === 'hdbscan' ? -1 : b === 'hdbscan' ? 1 : a < b ? -1 : 1));
    return world;
}

function swatch(ink, text) {
    const mark = h('i', {});
    mark.style.background = ink;
    return h('span', {}, mark, text);
}

function colourByLabel(plot, layout, labels, legend, name) {
    const sizes = new Map();
    const of = new Uint16Array(layout.count);
    const most = Math.max(-1, ...(labels ? labels.values() : []));
    const paints = Array.from({length: most + 2}, (_, i) => clusterColour(i - 1));
    layout.ids.forEach((id, i) => {
        const label = labels?.get(id) ?? -1;
        of[i] = label + 1;
        sizes.set(label, (sizes.get(label) || 0) + 1);
    });
    plot.colours(paints, of);
    const shown = [...sizes].sort(([a], [b]) => (a < 0) - (b < 0) || a - b).slice(0, 14);
    replace(legend, h('h2', {class: 'minor'}, `Clusters of ${name}`), h('div', {class: 'legend column'},
        shown.map(([label, size]) => swatch(clusterColour(label),
        `${label < 0 ? 'Noise' : `Cluster ${label}`} · ${count(size)}`)), sizes.size > shown.length
        && h('span', {}, `and ${count(sizes.size - shown.length)} more`)));
}

const kept = new Map();
async function featureValues(region, result, name, context) {
    // A later job has other values.
    const job = (region.results || []).find((one) => one.result === result)?.job_id;
    const key = `${region.region} ${result} ${name} ${job}`;
    if (!kept.has(key)) {
        const {rows} = await allRows(`/v1/regions/${region.region}/results/${result}`, {columns: `alpha_id,${name}`},
            {signal: context.signal});
        kept.set(key, new Map(rows));
        // A handful is enough for going to and fro.
        if (kept.size > 12) kept.delete(kept.keys().next().value);
    }
    return kept.get(key);
}

function colourByValue(plot, layout, values, legend, name) {
    const numbers = layout.ids.map((id) => values.get(id));
    const known = numbers.filter(isNumber).sort((a, b) => a - b);
    // Without the outermost hundredth at either end, so that one stray value does not take all the colours.
    const [low, high] = [known[Math.floor(known.length * 0.01)] ?? 0, known[Math.ceil(known.length * 0.99) - 1] ?? 1];
    const steps = 64;
    const paints = [clusterColour(-1), ...Array.from({length: steps}, (_, i) => featureColour(i / (steps - 1)))];
    plot.colours(paints, Uint16Array.from(numbers, (value) => (isNumber(value)
        ? 1 + Math.round(Math.max(0, Math.min(1, (value - low) / (high - low || 1))) * (steps - 1)) : 0)));
    const ramp = h('div', {class: 'ramp'});
    ramp.style.background = `linear-gradient(to right, ${Array.from({length: 17}, (_, i) => featureColour(i / 16)).join(', ')})`;
    replace(legend, h('h2', {class: 'minor'}, heading(name)), ramp, h('div', {class: 'ramp-ends small muted'},
        h('span', {}, fixed(low, 3)),
        h('span', {}, fixed(high, 3))));
}

function tipOf(world, id, values) {
    const labels = [...world.labelsBy].slice(0, 4).map(([name, map]) => `${name}: ${map.get(id) === undefined ? '–'
        : map.get(id) < 0 ? 'noise' : `cluster ${map.get(id)}`}`);
    const value = values?.get(id);
    return [id, ...labels, isNumber(value) ? `value ${fixed(value, 4)}` : ''].filter(Boolean).join('\n');
}

async function select(ids, region, node, context) {
    if (!ids.length) {
        node.replaceChildren();
        return;
    }
    const columns = summaryColumns(region.region);
    const names = columns.map((column) => column.name);
    try {
        const wanted = new Set(ids);
        const {rows} = await correlations(region, names, context);
        const list = rows.filter((row) => wanted.has(row[0])).map((row) =>
            Object.fromEntries(names.map((name, i) => [name, row[i]])));
        const source = new LocalRows(list, {sort: '-max_correlation'});
        const view = table('Selected alphas', source, columns, {height: '360px', open: (row) => {
            location.hash = `#/regions/${region.region}/alphas/${encodeURIComponent(row.alpha_id)}`; }});
        const mean = list.reduce((sum, row) => sum + (row.avg_correlation || 0), 0) / (list.length || 1);
        replace(node, h('section', {class: 'card', 'aria-label': 'Selected alphas'},
            h('header', {}, h('h2', {}, `${count(list.length)} selected`),
            h('span', {class: 'muted small'}, `mean of their mean r ${r(mean)}`), h('div', {class: 'tools'},
                h('button', {class: 'small', onclick: () => saveRows(source.rows, names, `selected-${region.region}`)},
                    icon('download'), 'CSV'))),
        view.node));
        context.onLeave(view.stop);
        await view.reload();
    } catch (error) {
        if (error.name !== 'AbortError') toast(error.message, true);
    }
}

let lastRows = null;
async function correlations(region, names, context) {
    if (lastRows?.region !== region.region || lastRows.at < Date.now() - 60000) {
        const answer = await allRows(`/v1/regions/${region.region}/results/correlation`, {columns: names.join(',')},
            {signal: context.signal});
        lastRows = {region: region.region, at: Date.now(), rows: answer.rows};
    }
    return lastRows;
}
