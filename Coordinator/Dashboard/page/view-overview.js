// What is going on: jobs with their progress, workers, throughput, the task stream, and what went wrong.

import {h, reconcile, replace, setText} from './dom.js';
import {bytes, count, counted, duration, flop, percent, short} from './format.js';
import * as live from './live.js';
import {jobTable} from './job-rows.js';
import {taskStream} from './stream.js';
import {throughput} from './throughput.js';
import {announce, badge, bar, card, empty, pageHead, setBadge, setBar, stat} from './ui.js';

export function show(context) {
    const stats = {jobs: stat('Jobs'), slots: stat('Busy slots'), rate: stat('Tasks'), flops: stat('Compute'),
        leader: stat('Coordinator')};
    const jobs = jobTable('Latest jobs');
    const none = empty('No jobs yet', 'Import PnL with ', h('code', {}, 'alphagrid db import FILE --region USA'),
        ', then start a correlation.');
    const rate = throughput('Tasks per second', 'rate', 'tasks/s');
    const flops = throughput('Compute', 'gigaflops', 'GFLOP/s');
    const stream = taskStream();
    const workers = h('div', {class: 'worker-list'});
    const errors = h('div', {});
    const streamCard = card('Task stream', stream.node);
    streamCard.hidden = true;
    replace(context.root, pageHead('Overview', {tools: context.may('operator')
        && h('a', {class: 'button primary', href: '#/jobs/new'}, 'New job')}),
        h('div', {class: 'stack'}, h('div', {class: 'stats'}, Object.values(stats).map((one) => one.node)), errors,
            card('Jobs', [jobs.node, none], {flush: true, tools: h('a', {href: '#/jobs'}, 'All jobs')}),
            h('div', {class: 'grid two'},
                h('div', {class: 'stack'}, card('Throughput', h('div', {class: 'grid half'}, rate.node, flops.node)), streamCard),
                card('Workers', workers, {tools: h('a', {href: '#/workers'}, 'All workers')}))));
    const running = new Map();
    context.on('status', (status) => showStatus(stats, errors, status));
    context.on('history', (list) => {
        rate.update(list);
        flops.update(list);
        const point = list[list.length - 1];
        setText(stats.rate.value, point ? `${short(point.rate)}/s` : '–');
    });
    context.on('jobs', (list) => {
        const shown = live.foremost(list);
        jobs.update(shown);
        jobs.node.hidden = !shown.length;
        none.hidden = shown.length > 0;
        for (const job of list) {
            if (running.has(job.job_id)
                && live.isFinal(job)) announce(`Job ${job.job_id}, ${job.kind} ${job.region}: ${job.state}`);
            if (live.isFinal(job)) running.delete(job.job_id);
            else running.set(job.job_id, true);
        }
    });
    context.on('workers', (list) => {
        showWorkers(workers, list);
        stream.workers(list);
        setText(stats.flops.value, flop(list.reduce((sum, worker) => sum + (worker.gigaflops_per_second || 0), 0)));
        const share = shareOfPeak(list);
        setText(stats.flops.more, share === null ? '' : `${percent(share)} of the measured peak`);
    });
    context.on('tasks', (list) => {
        streamCard.hidden = false;
        stream.tasks(list);
    });
    context.onLeave(() => { rate.stop(); flops.stop(); stream.stop(); });
}

function showStatus(stats, errors, status) {
    setText(stats.jobs.value, `${count(status.jobs_running)} running`);
    setText(stats.jobs.more, `${count(status.jobs_queued)} queued`);
    setText(stats.slots.value, `${count(status.slots_busy)} of ${count(status.slots_total)}`);
    setText(stats.slots.more, counted(status.workers_connected, 'worker'));
    setText(stats.rate.more, `${count(status.tasks_done_total)} in all`);
    setText(stats.leader.value, status.database_reachable ? 'Leads' : 'No database');
    stats.leader.value.className = status.database_reachable ? '' : 'bad';
    const standbys = Array.isArray(status.standbys) ? status.standbys : [];
    stats.leader.node.title = [status.leader && `leads: ${status.leader.holder}`,
        ...standbys.map((one) => `waits: ${one.holder}`)].filter(Boolean).join('\n');
    const waiting = standbys.length ? `, ${counted(standbys.length, 'standby', 'standbys')}` : '';
    setText(stats.leader.more, `epoch ${status.epoch}, up ${duration(status.uptime_seconds)}${waiting}`);
    const text = status.last_error || '';
    if (errors.dataset.text === text) return;
    errors.dataset.text = text;
    replace(errors, text && h('div', {class: 'note bad', role: 'alert'}, h('b', {}, 'Last error  '), text));
    errors.hidden = !text;
}

// Of all slots that compute now: what they do of what they could.
export function shareOfPeak(workers) {
    let done = 0;
    let possible = 0;
    for (const worker of workers) {
        const peak = worker.peak_float64_gigaflops_per_second;
        if (!peak || !worker.running) continue;
        done += worker.gigaflops_per_second || 0;
        possible += peak * worker.slots;
    }
    return possible ? done / possible : null;
}

function showWorkers(node, list) {
    if (!list.length) {
        replace(node, empty('No workers', 'Start one with ', h('code', {}, 'alphagrid-worker --connect tcp://HOST:5710'), '.'));
        return;
    }
    if (node.firstElementChild?.classList.contains('empty')) node.replaceChildren();
    reconcile(node, list.slice(0, 12), (worker) => worker.worker, (worker) => h('div', {class: 'worker'},
        h('div', {}, h('span', {class: 'id'}, worker.worker), h('span', {class: 'small muted'})), badge(''),
            bar(`Busy slots of ${worker.worker}`)),
    (row, worker) => {
        setText(row.firstChild.lastChild, `${fixedRate(worker)} · ${bytes(worker.cached_bytes)} cached`);
        setBadge(row.children[1], worker.state);
        setBar(row.lastChild, worker.slots ? worker.running / worker.slots : 0, worker.state === 'lost' ? 'still' : '');
    });
}

const fixedRate = (worker) => `${worker.running} of ${worker.slots} slots · ${flop(worker.gigaflops_per_second)}`;
