// What the formulas are made of: how many alphas use each operator and each data field.

import {h, icon, replace} from './dom.js';
import {get} from './api.js';
import {clusterColour} from './colours.js';
import {saveRows} from './export.js';
import {count, percent} from './format.js';
import {axis, plot} from './plots.js';
import {LocalRows} from './source.js';
import {table} from './table.js';
import {escaped} from './tab-tree.js';
import {card, empty} from './ui.js';

const shown = 24;

export async function show(root, region, context) {
    const usage = await get(`/v1/regions/${region.region}/usage`, {signal: context.signal});
    if (!usage.operators.length && !usage.fields.length) {
        replace(root, h('section', {class: 'card'}, empty('No formulas', 'They come with ',
            h('code', {}, `alphagrid db import-alphas FILE --region ${region.region}`), '.')));
        return;
    }
    replace(root, h('p', {class: 'muted'}, `Of ${count(usage.alphas)} alphas with a formula`,
        usage.unreadable ? `; ${count(usage.unreadable)} more cannot be read` : '', '.'),
    h('div', {class: 'grid half'}, part('Operators', usage.operators, usage.alphas, region, context, 0),
        part('Data fields', usage.fields, usage.alphas, region, context, 2)));
}

function part(title, list, alphas, region, context, hue) {
    const sorted = list.map((one) => ({...one, share: one.alphas / alphas}))
        .sort((a, b) => b.alphas - a.alphas || (a.name < b.name ? -1 : 1));
    const top = sorted.slice(0, shown).reverse();
    const name = `${title.toLowerCase().replace(' ', '-')}-${region.region}`;
    const chart = plot(context, `${title}: alphas that use each`, 60 + top.length * 20, () => ({
        traces: [{type: 'bar', orientation: 'h', x: top.map((one) => one.alphas), y: top.map((one) => escaped(one.name)),
            marker: {color: clusterColour(hue)}, hovertemplate: '%{y}: %{x} alphas<extra></extra>'}],
        layout: {hovermode: 'closest', bargap: 0.35, margin: {l: 10, r: 14, t: 6, b: 36}, xaxis: axis({title: {text: 'Alphas'}}),
            yaxis: axis({type: 'category', tickfont: {size: 11}, showgrid: false, ticks: 'outside', tickcolor: 'rgba(0,0,0,0)',
                ticklen: 4})}}));
    const rows = table(title, new LocalRows(sorted, {sort: '-alphas'}), [
        {name: 'name', label: 'Name', kind: 'id'},
        {name: 'alphas', label: 'Alphas', kind: 'number', show: count},
        {name: 'share', label: 'Share', kind: 'number', show: (share) => percent(share, 1)}], {height: '380px'});
    rows.reload();
    context.onLeave(rows.stop);
    return card(title, h('div', {class: 'stack'}, chart.node, rows.node), {tools: [
        h('button', {class: 'small', onclick: () => saveRows(sorted, ['name', 'alphas'], name)}, icon('download'), 'CSV'),
        h('button', {class: 'small', onclick: () => chart.png(name)}, icon('download'), 'PNG')]});
}
