// The dendrogram of a hierarchical method. Only the topmost merges are drawn; a branch opens by a click.

import {h, icon, replace} from './dom.js';
import {allRows} from './api.js';
import {clusterColour} from './colours.js';
import {count, fixed, heading} from './format.js';
import {axis, plot} from './plots.js';
import {colour} from './theme.js';
import {card, empty, input} from './ui.js';

const leavesMax = 60;

export async function show(root, region, context) {
    const {columns, rows} = await allRows(`/v1/regions/${region.region}/results/cluster-methods`, {},
        {signal: context.signal, page: 100});
    const methods = rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
    const trees = methods.filter((method) => method.heights?.length);
    replace(root, trees.length ? tree(trees, region, context) : h('section', {class: 'card'},
        empty('No hierarchical method was run',
        'Clusters with the methods average, ward, complete or single have a dendrogram. ',
        h('a', {href: `#/jobs/new?kind=clusters&region=${region.region}`}, 'Start one'))), about(methods));
}

function tree(trees, region, context) {
    let method = trees[0];
    let path = [];
    const body = h('div', {});
    const up = h('button', {class: 'small', onclick: () => { path.pop(); draw(); }}, 'Up');
    const choice = input({name: 'method', choices: trees.map((one) => one.method), value: method.method});
    choice.setAttribute('aria-label', 'Method');
    choice.addEventListener('change', () => {
        method = trees.find((one) => one.method === choice.value);
        path = [];
        draw();
    });
    let chart = null;
    const draw = () => {
        up.disabled = !path.length;
        const n = method.alpha_ids.length;
        const top = path[path.length - 1] ?? n + method.heights.length - 1;
        const drawn = branches(method, top);
        chart = plot(context, `Dendrogram of ${region.region} by ${method.method}`, 420, () => ({
            traces: [{x: drawn.x, y: drawn.y, mode: 'lines', line: {color: colour('accent'), width: 1.4}, hoverinfo: 'skip'},
                {x: drawn.leaves.map((leaf) => leaf.x), y: drawn.leaves.map((leaf) => leaf.y), mode: 'markers', marker: {
                    size: drawn.leaves.map((leaf) => Math.min(16, 5 + Math.log2(leaf.size) * 1.4)),
                    color: drawn.leaves.map((leaf) => (leaf.size > 1 ? clusterColour(1) : clusterColour(0)))},
                customdata: drawn.leaves.map((leaf) => leaf.node), hovertemplate: '%{text}<extra></extra>',
                text: drawn.leaves.map((leaf) => (leaf.size > 1 ? `${count(leaf.size)} alphas, joined at ${fixed(leaf.y, 3)}`
                    : escaped(leaf.id)))}],
            layout: {hovermode: 'closest', margin: {l: 56, r: 14, t: 10, b: 30},
                xaxis: axis({tickvals: drawn.leaves.map((leaf) => leaf.x), ticktext: drawn.leaves.map((leaf) => (leaf.size > 1
                    ? `(${leaf.size})` : escaped(leaf.id))), tickangle: -60, tickfont: {size: 10}, showgrid: false,
                        zeroline: false}),
                yaxis: axis({title: {text: 'Distance'}, rangemode: 'tozero'})},
            onclick: (event) => {
                const node = event.points[0]?.customdata;
                if (node === undefined) return;
                if (node < n) location.hash = `#/regions/${region.region}/alphas/${encodeURIComponent(method.alpha_ids[node])}`;
                else { path.push(node); draw(); }
            }}));
        replace(body, chart.node);
    };
    draw();
    return card('Dendrogram', h('div', {class: 'stack tight'}, body, h('p', {class: 'muted small'},
        `The ${leavesMax} topmost branches; a click on one opens it, on a single alpha its page.`)), {tools: [
        h('div', {class: 'filter'}, choice), up,
        h('button', {class: 'small', onclick: () => chart.png(`dendrogram-${region.region}`)}, icon('download'), 'PNG')]});
}

// Plotly reads a few tags in texts; an id is only ever a text.
export const escaped = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;');

// The part of a linkage below a node, cut where it has enough branches.
function branches(method, top) {
    const n = method.alpha_ids.length;
    const height = (node) => (node < n ? 0 : method.heights[node - n]);
    const open = new Set();
    const fringe = [top];
    while (fringe.length && fringe.length + open.size < leavesMax * 2 && fringe.filter((node) => node >= n).length) {
        fringe.sort((a, b) => height(b) - height(a));
        const node = fringe.shift();
        if (node < n || fringe.length + 2 > leavesMax) break;
        open.add(node);
        fringe.push(method.left_nodes[node - n], method.right_nodes[node - n]);
    }
    const drawn = {x: [], y: [], leaves: []};
    const walk = (node) => {
        if (!open.has(node)) {
            const x = drawn.leaves.length;
            drawn.leaves.push({x, y: height(node), node, size: node < n ? 1 : method.sizes[node - n],
                id: method.alpha_ids[node]});
            return x;
        }
        const [left, right] = [method.left_nodes[node - n], method.right_nodes[node - n]];
        const [a, b] = [walk(left), walk(right)];
        drawn.x.push(a, a, b, b, null);
        drawn.y.push(height(left), height(node), height(node), height(right), null);
        return (a + b) / 2;
    };
    walk(top);
    return drawn;
}

function about(methods) {
    const figures = (method) => Object.entries({...method.parameters, ...method.figures}).slice(0, 8)
        .map(([name, value]) => `${heading(name)} ${typeof value === 'number' ? fixed(value, 3) : value}`).join(' · ');
    return card('Methods', h('div', {class: 'scroll'}, h('table', {}, h('thead', {},
        h('tr', {}, h('th', {scope: 'col'}, 'Method'),
        h('th', {scope: 'col', class: 'number'}, 'Clusters'), h('th', {scope: 'col', class: 'number'}, 'Noise'),
        h('th', {scope: 'col', class: 'number'}, 'Silhouette'), h('th', {scope: 'col'}, 'Parameters and figures'))),
    h('tbody', {}, methods.map((method) => h('tr', {}, h('th', {scope: 'row', class: 'name'}, method.method),
        h('td', {class: 'number'}, count(method.clusters)), h('td', {class: 'number'}, count(method.noise)),
        h('td', {class: 'number'}, fixed(method.silhouette, 3)), h('td', {class: 'small muted'}, figures(method),
            (method.notes || []).map((note) => h('div', {class: 'warn'}, note)))))))), {flush: true});
}
