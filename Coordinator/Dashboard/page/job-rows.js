// A job as a row with its progress, kept up to date in place.

import {h, reconcile, setText} from './dom.js';
import {ago, between, count, duration, eta, percent, short, time} from './format.js';
import {inCoordinator, isFinal, progress} from './live.js';
import {badge, bar, setBadge, setBar, stateOf} from './ui.js';

export function jobTable(label) {
    const body = h('tbody', {});
    const node = h('div', {class: 'scroll'}, h('table', {class: 'rows jobs', 'aria-label': label}, h('thead', {}, h('tr', {},
        h('th', {scope: 'col', class: 'number'}, 'Job'), h('th', {scope: 'col'}, 'What'), h('th', {scope: 'col'}, 'State'),
        h('th', {scope: 'col', class: 'wide'}, 'Progress'), h('th', {scope: 'col', class: 'number'}, 'Alphas'),
        h('th', {scope: 'col'}, 'Submitted'), h('th', {scope: 'col', class: 'number'}, 'Took'))), body));
    return {node, update: (jobs) => reconcile(body, jobs, (job) => job.job_id, make, update)};
}

function make(job) {
    const link = h('a', {href: `#/jobs/${job.job_id}`}, h('b', {}, job.kind), ` ${job.region}`);
    return h('tr', {},
        h('td', {class: 'number muted'}, job.job_id),
        h('td', {class: 'what'}, link, h('div', {class: 'small muted'}, job.pool)),
        h('td', {}, badge('')),
        h('td', {class: 'wide'}, bar(`Progress of job ${job.job_id}`), h('div', {class: 'small muted'})),
        h('td', {class: 'number'}), h('td', {class: 'muted'}), h('td', {class: 'number muted'}));
}

function update(row, job) {
    const [, , state, doing, alphas, submitted, took] = row.children;
    setBadge(state.firstChild, stateOf(job));
    const tone = job.state === 'failed' ? 'bad' : job.state === 'done' ? 'good' : job.state === 'cancelled' || job.paused
        ? 'still' : '';
    setBar(doing.firstChild, progress(job), tone);
    setText(doing.lastChild, describe(job));
    setText(alphas, count(job.alpha_count));
    setText(submitted, ago(job.submitted_at));
    submitted.title = time(job.submitted_at);
    setText(took, job.started_at ? between(job.started_at, job.finished_at) : '–');
}

// One line on where a job is.
export function describe(job) {
    if (job.state === 'failed') return job.error || 'failed';
    if (job.state === 'cancelled') return job.reason ? `cancelled: ${job.reason}` : 'cancelled';
    if (job.state === 'done') return job.result_table ? `published in ${job.result_table}` : 'done';
    if (job.paused) return job.reason ? `paused: ${job.reason}` : 'paused';
    if (job.state === 'queued') return 'waits its turn';
    if (job.state === 'planning') return 'reads the region and cuts tiles';
    if (job.state === 'publishing') return 'replaces the region\u2019s rows';
    const alone = inCoordinator(job);
    if (alone) return `${alone.name}, in the coordinator`;
    const parts = [percent(progress(job)), eta(job)];
    if (job.tiles_per_second) parts.push(`${short(job.tiles_per_second)} tiles/s`);
    return parts.filter(Boolean).join(' · ');
}

export {duration, isFinal};
