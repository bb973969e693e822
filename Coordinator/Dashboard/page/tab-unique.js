// The selection: which alphas to keep, in which order to submit them, and which are like no other.

import {h, replace} from './dom.js';
import {count, fixed, heading, r} from './format.js';
import {filterBar} from './filters.js';
import {RemoteRows} from './source.js';
import {alphaLink, paintR, resultTable} from './tab-summary.js';
import {segments} from './ui.js';

const views = {unique: ['is_unique:eq:true', 'Unique'], chosen: ['is_chosen:eq:true', 'To keep'],
    queue: ['submission_place:notnull', 'To submit'], all: [null, 'All']};

export async function show(root, region, context) {
    const path = `/v1/regions/${region.region}/results/selection`;
    const number = (name, label, digits = 2) => ({name, label, kind: 'number', show: (value) => fixed(value, digits)});
    const correlation = (name, label) => ({name, label, kind: 'number', show: r, paint: paintR});
    const id = (name, label) => ({name, label, kind: 'id', show: (value) => alphaLink(region.region, value)});
    const yes = (name, label) => ({name, label, show: (value) => (value ? h('span', {class: 'good'}, 'yes')
        : h('span', {class: 'muted'}, 'no'))});
    const columns = [id('alpha_id', 'Alpha'), yes('is_unique', 'Unique'), yes('is_chosen', 'Keep'), number('sharpe', 'Sharpe'),
        {name: 'conflicts', label: 'Conflicts', kind: 'number', show: count}, id('nearest_chosen', 'Nearest kept'),
        correlation('nearest_correlation', 'with r'), {name: 'submission_place', label: 'Place', kind: 'number', show: count},
        number('risk_parity_weight', 'Risk parity', 4),
        {name: 'reason', label: 'Why not', show: (value) => (value ? heading(value) : '–')}, id('blocked_by', 'Because of'),
        correlation('blocked_correlation', 'with r')];
    let view = context.query.get('view') in views ? context.query.get('view') : 'unique';
    const source = new RemoteRows(path, {columns: columns.map((column) => column.name), sort: '-sharpe'});
    const user = {filters: [], extra: source.extra};
    const {list, none, save} = resultTable(`Selection of ${region.region}`, region, path, source, columns,
        () => `${view}-${region.region}`, {height: 'calc(100vh - 340px)'});
    const reload = () => {
        source.filters = [views[view][0], ...user.filters].filter(Boolean);
        return list.reload();
    };
    const bar = filterBar(user, columns, region, reload, 'sharpe > 1.5');
    bar.prepend(segments('Which', Object.entries(views).map(([key, [, label]]) => [key, label]), view, (next) => {
        view = next;
        if (next === 'queue') source.sort = 'submission_place';
        reload();
    }));
    bar.append(h('div', {class: 'tools'}, list.total, save));
    replace(root, bar, h('section', {class: 'card', 'aria-label': 'Selection'}, list.node, none));
    context.onLeave(list.stop);
    await reload();
}
