// Alerts: pairs that a publication has made too alike; below, for admins, whom the coordinator tells of what happens.

import {h, replace} from './dom.js';
import {get, query} from './api.js';
import {ago, count, r} from './format.js';
import {correlationColour} from './colours.js';
import {listTable, repeatedly} from './list-table.js';
import {alphaLink} from './tab-summary.js';
import {empty, failure, input, pageHead} from './ui.js';
import {webhookCard} from './webhooks.js';

const page = 100;
const most = 10000;
const columns = [{name: 'Alpha', kind: 'name'}, {name: 'and'}, {name: 'r', kind: 'number'}, {name: 'Region'},
    {name: 'Days', kind: 'number'}, {name: 'Job', kind: 'number'}, {name: 'When', kind: 'line'}];

export async function show(context) {
    const regions = await get('/v1/regions', {signal: context.signal}).then((answer) => answer.regions).catch(() => []);
    const region = input({name: 'region', choices: [['', 'Any region'], ...regions.map((one) => one.region)],
        value: context.query.get('region') || ''});
    region.setAttribute('aria-label', 'Region');
    const table = listTable('Alerts', columns);
    const none = empty('No alerts', 'Pairs that a correlation brings beyond |r| of 0.8, and that were not there with the one '
        + 'before, will be listed here.');
    const more = h('button', {hidden: true, onclick: () => {
        limit = Math.min(most, limit + page);
        load().catch(() => {});
    }}, 'Older alerts');
    const trouble = h('div', {});
    let limit = page;
    const load = async () => {
        const wanted = region.value;
        try {
            const {alerts} = await get(`/v1/alerts${query({limit, region: wanted})}`, {signal: context.signal});
            if (wanted !== region.value) return;
            replace(trouble);
            table.update(alerts, (alert) => alert.alert_id, cells);
            none.hidden = alerts.length > 0;
            more.hidden = alerts.length < limit || limit === most;
        } catch (error) {
            if (error.name !== 'AbortError') replace(trouble, failure(error, load));
        }
    };
    region.addEventListener('change', () => {
        limit = page;
        load();
    });
    replace(context.root, pageHead('Alerts', {lead: h('p', {}, 'Pairs that have become too alike, or too opposite.')}),
        h('div', {class: 'stack'}, h('div', {class: 'filters', role: 'search', 'aria-label': 'Alerts'},
            h('div', {class: 'filter'}, region)),
        h('section', {class: 'card', 'aria-label': 'New pairs'}, trouble, table.node, none, h('div', {class: 'more'}, more)),
        context.may('admin') && webhookCard(context, regions.map((one) => one.region))));
    await load();
    repeatedly(context, 5000, load);
}

function cells(alert) {
    const mark = h('i', {class: 'mark'});
    mark.style.background = correlationColour(alert.correlation);
    return [alphaLink(alert.region, alert.alpha_a), alphaLink(alert.region, alert.alpha_b), [mark, r(alert.correlation)],
        alert.region, count(alert.days), h('a', {href: `#/jobs/${alert.job_id}`}, alert.job_id),
        h('span', {class: 'muted'}, ago(alert.created_at))];
}
