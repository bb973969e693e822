// The summary of a region: one row per alpha, sorted and filtered by the coordinator.

import {h, icon, replace} from './dom.js';
import {count, r} from './format.js';
import {correlationColour} from './colours.js';
import {saveResult} from './export.js';
import {filterBar} from './filters.js';
import {RemoteRows} from './source.js';
import {table} from './table.js';
import {attempt, toast} from './ui.js';

export const alphaLink = (region, id) => (id ? h('a', {class: 'id', href: `#/regions/${region}/alphas/${encodeURIComponent(id)}`},
    id) : '–');

// A correlation with a mark in its colour.
export function paintR(cell, value) {
    if (typeof value !== 'number') return;
    const mark = h('i', {class: 'mark'});
    mark.style.background = correlationColour(value);
    cell.prepend(mark);
}

export function summaryColumns(region) {
    const number = (name, label, title) => ({name, label, title, kind: 'number', show: r, paint: paintR});
    return [
        {name: 'alpha_id', label: 'Alpha', kind: 'id', show: (id) => alphaLink(region, id)},
        number('max_correlation', 'Max', 'Largest r with another alpha'), number('min_correlation', 'Min', 'Smallest r'),
        number('avg_correlation', 'Mean', 'Mean of r'), number('median_correlation', 'Median', 'Exact median of r'),
        {name: 'most_correlated_alpha_id', label: 'Most like', kind: 'id', show: (id) => alphaLink(region, id)},
        {name: 'least_correlated_alpha_id', label: 'Least like', kind: 'id', show: (id) => alphaLink(region, id)},
        number('max_abs_correlation', 'Max |r|', 'Largest |r|'),
        {name: 'pair_count', label: 'Pairs', kind: 'number', show: count, title: 'Pairs with enough common days'},
    ];
}

// A table of a result whose rows are alphas: a row opens its alpha, and the button saves all rows as CSV.
export function resultTable(label, region, path, source, columns, fileName, options = {}) {
    const list = table(label, source, columns, {...options, open: (row) => {
        location.hash = `#/regions/${region.region}/alphas/${encodeURIComponent(row.alpha_id)}`; }});
    const none = h('p', {class: 'muted nothing', hidden: true}, 'No alpha passes these filters.');
    const draw = source.onchange;
    source.onchange = () => {
        draw();
        none.hidden = source.total > 0;
    };
    source.onerror = (error) => toast(error.message, true);
    const save = h('button', {onclick: (event) => attempt(event.currentTarget, () => saveResult(path, source, fileName()))},
        icon('download'), 'CSV');
    return {list, none, save};
}

export async function show(root, region, context) {
    const columns = summaryColumns(region.region);
    const path = `/v1/regions/${region.region}/results/correlation`;
    const source = new RemoteRows(path, {columns: columns.map((column) => column.name), sort: context.query.get('sort')
        || '-max_correlation',
        filters: context.query.getAll('filter'),
        extra: Object.fromEntries(['universe', 'delay', 'type'].map((name) => [name, context.query.get(name) || '']))});
    const {list, none, save} = resultTable(`Correlations of ${region.region}`, region, path, source, columns,
        () => `correlation-${region.region}`);
    const bar = filterBar(source, columns, region, () => list.reload());
    bar.append(h('div', {class: 'tools'}, list.total, save));
    replace(root, bar, h('section', {class: 'card', 'aria-label': 'Summary'}, list.node, none));
    context.onLeave(list.stop);
    await list.reload();
}
