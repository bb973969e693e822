// Schedules: jobs that start by the clock or when a region's PnL has changed.

import {h, icon, replace} from './dom.js';
import {get, post, remove} from './api.js';
import {time} from './format.js';
import {ask, attempt, badge, empty, pageHead, toast} from './ui.js';

const kinds = ['correlation', 'clusters', 'features', 'selection', 'cross-correlation'];

export async function show(context) {
    const body = h('tbody', {});
    const none = empty('No schedules', 'One can run a correlation every evening, or whenever the PnL of a region has changed.');
    const table = h('div', {class: 'scroll'}, h('table', {class: 'rows'},
        h('thead', {}, h('tr', {}, ['Name', 'Job', 'When', 'Next',
        'Last job', 'State', ''].map((name) => h('th', {scope: 'col'}, name || h('span', {class: 'unseen'}, 'Actions'))))),
            body));
    const load = async () => {
        const {schedules} = await get('/v1/schedules', {signal: context.signal});
        replace(body, schedules.map((schedule) => row(schedule, context, load)));
        table.hidden = !schedules.length;
        none.hidden = schedules.length > 0;
    };
    const add = h('button', {class: 'primary', onclick: () => make(add, load)}, icon('plus'), 'Schedule');
    replace(context.root, pageHead('Schedules', {tools: context.may('operator') && add}),
        h('section', {class: 'card', 'aria-label': 'Schedules'}, table, none));
    await load();
}

async function make(button, load) {
    const values = await ask('A new schedule', {action: 'Add', fields: [
        {name: 'name', label: 'Name', placeholder: 'nightly', required: true},
        {name: 'kind', label: 'Job', choices: kinds}, {name: 'region', label: 'Region', placeholder: 'USA', required: true},
        {name: 'cron', label: 'When', placeholder: '30 22 * * 1-5',
            hint: 'Minute, hour, day, month, weekday; empty: when the PnL of the region has changed.'},
        {name: 'zone', label: 'Time zone', value: 'UTC'}]});
    if (!values) return;
    const body = {name: values.name, time_zone: values.zone || 'UTC', job: {kind: values.kind,
        region: values.region.toUpperCase()}};
    if (values.cron) body.cron = values.cron;
    else body.on_change = true;
    if (await attempt(button, () => post('/v1/schedules', body), `Schedule ${values.name} is added`)) load().catch(() => {});
}

function row(schedule, context, load) {
    const id = schedule.schedule_id ?? schedule.id ?? schedule.name;
    const path = `/v1/schedules/${encodeURIComponent(id)}`;
    const act = (event, action, done) => attempt(event.currentTarget, action,
        done).then(load).catch((error) => toast(error.message, true));
    const job = schedule.job || {};
    return h('tr', {}, h('th', {scope: 'row', class: 'name'}, h('b', {}, schedule.name)),
        h('td', {}, `${job.kind} ${job.region}`),
        h('td', {}, schedule.on_change ? 'when the PnL has changed' : [h('span', {class: 'mono'}, schedule.cron), ' ',
            h('span', {class: 'muted small'}, schedule.time_zone)]),
        h('td', {}, schedule.paused ? '–' : time(schedule.next_at)),
        h('td', {}, schedule.last_job_id ? h('a', {href: `#/jobs/${schedule.last_job_id}`}, schedule.last_job_id) : '–',
            schedule.last_error && h('div', {class: 'small bad'}, schedule.last_error)),
        h('td', {}, badge(schedule.paused ? 'paused' : 'connected', schedule.paused ? 'paused' : 'active')),
        h('td', {class: 'number'}, context.may('operator') && [
            h('button', {class: 'small', onclick: (event) => act(event,
                () => post(`${path}/${schedule.paused ? 'resume' : 'pause'}`))},
                schedule.paused ? 'Resume' : 'Pause'), ' ',
            h('button', {class: 'small danger', onclick: async (event) => {
                const button = event.currentTarget;
                if (await ask(`Remove the schedule ${schedule.name}?`, {action: 'Remove', isDangerous: true})) {
                    act({currentTarget: button}, () => remove(path), 'Removed');
                }
            }}, 'Remove')]));
}
