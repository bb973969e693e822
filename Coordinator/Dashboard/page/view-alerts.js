// Alerts: pairs that have become too alike since the last publication.

import {h, replace} from './dom.js';
import {get} from './api.js';
import {ago, r} from './format.js';
import {alphaLink, paintR} from './tab-summary.js';
import {empty, pageHead} from './ui.js';

export async function show(context) {
    const answer = await get('/v1/alerts', {signal: context.signal});
    const alerts = answer.alerts || [];
    replace(context.root, pageHead('Alerts'), h('section', {class: 'card', 'aria-label': 'Alerts'}, alerts.length
        ? h('div', {class: 'scroll'}, h('table', {class: 'rows'}, h('thead', {},
            h('tr', {}, ['When', 'Region', 'Alpha', 'Alpha', 'r', 'Job']
            .map((name) => h('th', {scope: 'col', class: name === 'r' ? 'number' : ''}, name)))),
                h('tbody', {}, alerts.map(row))))
        : empty('No alerts', 'New pairs beyond the limit will be listed here after each correlation.')));
}

// Names of the fields as they may be.
function row(alert) {
    const [a, b] = [alert.alpha_id_a ?? alert.a ?? alert.alpha_id, alert.alpha_id_b ?? alert.b ?? alert.other_alpha_id];
    const value = alert.correlation ?? alert.r;
    const cell = h('td', {class: 'number'}, r(value));
    paintR(cell, value);
    return h('tr', {}, h('td', {class: 'muted'}, ago(alert.created_at ?? alert.happened_at)), h('td', {}, alert.region),
        h('td', {}, alphaLink(alert.region, a)), h('td', {}, alphaLink(alert.region, b)), cell,
        h('td', {}, alert.job_id ? h('a', {href: `#/jobs/${alert.job_id}`}, alert.job_id) : '–'));
}
