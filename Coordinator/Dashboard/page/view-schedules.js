// Schedules: jobs that begin by the clock or when a region's PnL has changed.

import {h, icon, replace} from './dom.js';
import {get, post, remove} from './api.js';
import {ago, ahead, duration, heading} from './format.js';
import {kinds} from './kinds.js';
import {listTable, repeatedly} from './list-table.js';
import {ask, attempt, badge, empty, pageHead} from './ui.js';

const columns = [{name: 'Name', kind: 'name'}, {name: 'Job'}, {name: 'When'}, {name: 'Next'}, {name: 'Last'}, {name: 'State'},
    {name: ''}];

export async function show(context) {
    const none = empty('No schedules', 'One can run a correlation every evening, or whenever the PnL of a region has changed.');
    const mayChange = context.may('operator');
    const table = listTable('Schedules', mayChange ? columns : columns.slice(0, -1));
    const load = async () => {
        const {schedules} = await get('/v1/schedules', {signal: context.signal});
        table.update(schedules, (schedule) => schedule.schedule_id, (schedule) => cells(schedule, mayChange, load));
        none.hidden = schedules.length > 0;
    };
    const add = h('button', {class: 'primary', onclick: () => make(load)}, icon('plus'), 'Schedule');
    replace(context.root, pageHead('Schedules', {tools: mayChange && add,
        lead: h('p', {}, 'Jobs that begin by themselves.')}),
    h('section', {class: 'card', 'aria-label': 'Schedules'}, table.node, none));
    await load();
    repeatedly(context, 3000, load);
}

async function make(load) {
    const regions = await get('/v1/regions').then((answer) => answer.regions.map((one) => one.region)).catch(() => []);
    const isTimed = (values) => values.when === 'cron';
    const made = await ask('A new schedule', {action: 'Add', dismiss: 'Cancel', send: (values) => post('/v1/schedules',
        request(values)), fields: [
        {name: 'name', label: 'Name', placeholder: 'nightly', required: true},
        {name: 'kind', label: 'Job', choices: Object.entries(kinds).map(([name, {title}]) => [name, title])},
        regions.length ? {name: 'region', label: 'Region', choices: regions}
            : {name: 'region', label: 'Region', placeholder: 'USA', required: true},
        {name: 'when', label: 'When', choices: [['change', 'The PnL of the region has changed'], ['cron', 'At certain times']]},
        {name: 'pause', label: 'Least pause', type: 'number', min: 0, step: 'any', value: '5', when: (values) => !isTimed(values),
            hint: 'Minutes between two of its jobs, however often the PnL changes.'},
        {name: 'cron', label: 'Times', placeholder: '30 22 * * 1-5', required: true, when: isTimed,
            hint: 'Minute, hour, day, month, weekday; or @hourly, @daily, @weekly.'},
        {name: 'zone', label: 'Time zone', value: ownZone(), list: zones(), required: true, when: isTimed},
        {name: 'priority', label: 'Priority', type: 'number', placeholder: '0', min: -1000, max: 1000,
            hint: 'Larger runs first.'}]});
    if (made) load().catch(() => {});
}

// What is asked for by the answers to the questions above.
export function request(values) {
    const job = {kind: values.kind, region: values.region.toUpperCase()};
    if (values.priority !== '') job.priority = Number(values.priority);
    if (values.when === 'cron') return {name: values.name, cron: values.cron, time_zone: values.zone, job};
    const wanted = {name: values.name, on_change: true, job};
    if (values.pause !== '') wanted.min_pause_seconds = Math.round(Number(values.pause) * 60);
    return wanted;
}

function ownZone() {
    const name = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
    return name.includes('/') && !name.startsWith('Etc/') ? name : 'UTC';
}

const zones = () => ['UTC', ...(Intl.supportedValuesOf ? Intl.supportedValuesOf('timeZone') : [])];

function cells(schedule, mayChange, load) {
    const {job, last_job_id: last, last_error: error, next_at: next} = schedule;
    const row = [
        h('b', {}, schedule.name),
        [h('a', {href: `#/regions/${job.region}/summary`}, job.region), ' ', heading(job.kind),
            job.priority ? h('div', {class: 'small muted'}, `priority ${job.priority}`) : null],
        schedule.on_change
            ? ['When the PnL has changed', schedule.min_pause_seconds > 0
                && h('div', {class: 'small muted'}, `at most every ${duration(schedule.min_pause_seconds)}`)]
            : [inWords(schedule.cron) || h('span', {class: 'mono'}, schedule.cron),
                h('div', {class: 'small muted'}, inWords(schedule.cron) ? `${schedule.cron} · ${schedule.time_zone}`
                    : schedule.time_zone)],
        schedule.paused ? '–' : schedule.on_change ? h('span', {class: 'muted'}, 'with the next change')
            : next ? [ahead(next).when, h('div', {class: 'small muted'}, ahead(next).left)] : '–',
        last || error ? [last && h('a', {href: `#/jobs/${last}`}, `Job ${last}`),
            schedule.last_at && h('div', {class: 'small muted'}, ago(schedule.last_at)),
            error && h('div', {class: 'small bad'}, error)] : '–',
        badge(schedule.paused ? 'paused' : 'active'),
    ];
    return mayChange ? [...row, buttons(schedule, load)] : row;
}

function buttons({schedule_id: id, name, paused}, load) {
    const again = () => load().catch(() => {});
    const [path, verb] = [`/v1/schedules/${id}`, paused ? 'Resume' : 'Pause'];
    const turn = h('button', {class: 'small', 'aria-label': `${verb} ${name}`, onclick: async () => {
        await attempt(turn, () => post(`${path}/${verb.toLowerCase()}`), `${name} is ${paused ? 'resumed' : 'paused'}`);
        again();
    }}, verb);
    const drop = h('button', {class: 'small danger', 'aria-label': `Remove ${name}`, onclick: async () => {
        const isSure = await ask(`Remove the schedule ${name}?`, {action: 'Remove', isDangerous: true,
            text: 'Jobs that it has begun stay.'});
        if (!isSure) return;
        await attempt(drop, () => remove(path), `${name} is removed`);
        again();
    }}, 'Remove');
    return h('div', {class: 'tools'}, turn, drop);
}

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

// A cron expression as a sentence, null for those that are better read as they are: '30 22 * * 1-5' -> '22:30, Monday to Friday'.
export function inWords(cron) {
    const fields = {'@hourly': '0 * * * *', '@daily': '0 0 * * *', '@midnight': '0 0 * * *'}[cron] || cron;
    const [minute, hour, day, month, weekday, more] = fields.trim().split(/\s+/);
    if (more !== undefined || day !== '*' || month !== '*' || !/^\d{1,2}$/.test(minute)) return null;
    if (hour === '*' && weekday === '*') return minute === '0' ? 'Every hour' : `${minute} min past every hour`;
    if (!/^\d{1,2}$/.test(hour)) return null;
    const clock = `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;
    if (weekday === '*') return `${clock} every day`;
    const span = /^([0-7])(?:-([0-7]))?$/.exec(weekday);
    if (!span) return null;
    return span[2] ? `${clock}, ${days[span[1]]} to ${days[span[2]]}` : `${clock} every ${days[span[1]]}`;
}
