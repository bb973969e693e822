// The regions: what each holds, and what has been computed of it.

import {h, replace} from './dom.js';
import {get} from './api.js';
import {ago, count, counted, heading} from './format.js';
import {empty, facts, pageHead} from './ui.js';

const tabs = {correlation: 'summary', clusters: 'map', 'cluster-methods': 'tree', selection: 'unique'};

export async function show(context) {
    const {regions} = await get('/v1/regions', {signal: context.signal});
    replace(context.root, pageHead('Results'), regions.length
        ? h('div', {class: 'grid regions'}, regions.map((region) => card(region, context)))
        : h('section', {class: 'card'}, empty('No regions yet', 'Import PnL with ',
            h('code', {}, 'alphagrid db import FILE --region USA'), '.')));
}

function card(region, context) {
    const done = (region.results || []).filter((result) => result.rows > 0);
    const {submitted = 0, unsubmitted = 0} = region.alphas || {};
    return h('section', {class: 'card', 'aria-label': region.region},
        h('h2', {}, h('a', {href: `#/regions/${region.region}/summary`}, region.region)),
        facts([
            ['Alphas', `${count(submitted)} submitted${unsubmitted ? `, ${count(unsubmitted)} not` : ''}`],
            ['Days', region.first_day && `${region.first_day} to ${region.last_day}`],
            ['Convention', region.convention], ['Window', region.window],
                ['Min overlap', region.min_overlap && count(region.min_overlap)]]),
        done.length ? h('table', {class: 'sparse'}, h('tbody', {}, done.map((result) => h('tr', {},
            h('th', {scope: 'row'}, tabs[result.result]
                ? h('a', {href: `#/regions/${region.region}/${tabs[result.result]}`}, heading(result.result.replaceAll('-', ' ')))
                : heading(result.result.replaceAll('-', ' '))),
            h('td', {class: 'number'}, counted(result.rows, 'row')),
            h('td', {class: 'number muted small'}, ago(result.last_updated))))))
            : h('p', {class: 'muted'}, 'Nothing computed yet. ', context.may('operator')
                && h('a', {href: `#/jobs/new?kind=correlation&region=${region.region}`}, 'Start a correlation')));
}
