// What the grid says of itself, live: server-sent events where there are any, else a look every two seconds. Views
// subscribe to topics and get the latest value at once.

import {get, offers} from './api.js';

const latest = new Map();
const listeners = new Map();
const history = [];
const historyMax = 300;
const tasks = [];
const tasksMax = 2000;
const jobsMax = 100;
let arrived = [];
let delivery = 0;
let source = null;
let timer = 0;
let isOn = false;

export function on(topic, handler) {
    if (!listeners.has(topic)) listeners.set(topic, new Set());
    listeners.get(topic).add(handler);
    if (latest.has(topic)) handler(latest.get(topic));
    return () => listeners.get(topic).delete(handler);
}

export const last = (topic) => latest.get(topic);

function tell(topic, value) {
    latest.set(topic, value);
    for (const handler of [...(listeners.get(topic) || [])]) handler(value);
}

export async function start() {
    if (isOn) return;
    isOn = true;
    tell('link', {state: 'connecting'});
    if (await offers('/v1/events')) listen();
    else poll();
}

export function stop() {
    isOn = false;
    if (source) source.close();
    source = null;
    clearTimeout(timer);
    clearTimeout(delivery);
    delivery = 0;
    arrived = [];
    latest.clear();
    history.length = 0;
    tasks.length = 0;
}

function listen() {
    let silence = 0;
    // A connection that was lost without a word shows only by its silence; the server sends a comment every 15 s.
    const heard = () => {
        clearTimeout(silence);
        tell('link', {state: 'live'});
    };
    source = new EventSource('/v1/events');
    source.addEventListener('open', heard);
    source.addEventListener('status', (event) => { heard(); takeStatus(JSON.parse(event.data)); });
    source.addEventListener('workers', (event) => { heard(); takeWorkers(JSON.parse(event.data).workers); });
    source.addEventListener('jobs', (event) => { heard(); takeJobs(JSON.parse(event.data).jobs); });
    source.addEventListener('job', (event) => { heard(); takeJob(JSON.parse(event.data)); });
    source.addEventListener('tasks', (event) => { heard(); takeTasks(JSON.parse(event.data)); });
    source.addEventListener('error', () => {
        if (!isOn || !source) return;
        tell('link', {state: 'lost'});
        if (source.readyState !== EventSource.CLOSED) return;
        // The browser gives up where the answer was an error, such as too many streams: then looks are as good.
        source = null;
        poll();
    });
    // The stream begins with what is there now; the list of jobs reaches further back.
    refreshJobs();
}

async function poll() {
    if (!isOn) return;
    try {
        const [status, open, newest, workers] = await Promise.all([get('/v1/status'),
            get('/v1/jobs?limit=1000&state=queued,planning,running,publishing'), get('/v1/jobs?limit=50'), get('/v1/workers')]);
        if (!isOn) return;
        takeStatus(status);
        takeJobs([...open.jobs, ...newest.jobs]);
        takeWorkers(workers.workers);
        tell('link', {state: 'polling'});
    } catch (error) {
        if (!isOn || error.status === 401) return;
        tell('link', {state: 'lost', detail: error.message});
    }
    timer = setTimeout(poll, document.hidden ? 10000 : 2000);
}

export async function refreshJobs() {
    try {
        takeJobs((await get('/v1/jobs?limit=50')).jobs);
    } catch (error) {
        if (error.status !== 401) tell('link', {state: 'lost', detail: error.message});
    }
}

function takeStatus(status) {
    const now = Date.now();
    // Over five seconds: tasks end in bursts, and nobody wants to read those.
    const before = history.findLast((point) => now - point.at >= 5000) || history[0];
    const seconds = before ? (now - before.at) / 1000 : 0;
    const rate = seconds > 0 ? Math.max(0, status.tasks_done_total - before.done) / seconds : 0;
    const gigaflops = history[history.length - 1]?.gigaflops;
    history.push({at: now, done: status.tasks_done_total, rate, gigaflops});
    if (history.length > historyMax) history.shift();
    tell('status', status);
    tell('history', history);
}

function takeWorkers(workers) {
    const point = history[history.length - 1];
    if (point) point.gigaflops = workers.reduce((sum, worker) => sum + (worker.gigaflops_per_second || 0), 0);
    tell('workers', workers);
}

function takeJobs(list) {
    const jobs = new Map((latest.get('jobs') || []).map((job) => [job.job_id, job]));
    for (const job of list) jobs.set(job.job_id, job);
    tell('jobs', kept([...jobs.values()]));
    for (const job of list) tell(`job:${job.job_id}`, job);
}

// The newest, and those that have not ended, however many are newer: what runs is the oldest of a long queue.
export function kept(jobs) {
    return jobs.toSorted((a, b) => b.job_id - a.job_id).filter((job, place) => place < jobsMax || !isFinal(job));
}

// Those of a list for whoever looks at the whole: what goes on before what waits for it, and of both no more than can be read.
export function foremost(jobs) {
    const active = jobs.filter((job) => !isFinal(job)).sort((a, b) => (a.state === 'queued') - (b.state === 'queued'));
    return [...active, ...jobs.filter(isFinal)].slice(0, Math.max(6, Math.min(50, active.length)));
}

// A stream begins with every job at once, and views are told of all of them together.
function takeJob(job) {
    arrived.push(job);
    if (delivery) return;
    delivery = setTimeout(() => {
        delivery = 0;
        takeJobs(arrived.splice(0));
    }, 20);
}

function takeTasks(batch) {
    const now = Date.now();
    // A second's tasks come at once: those of a worker are put one behind the other, as it did them.
    const taken = new Map();
    const placed = batch.tasks.toReversed().map((task) => {
        const since = taken.get(task.worker) || 0;
        taken.set(task.worker, Math.min(1500, since + (task.milliseconds || 0)));
        return {...task, at: now - since};
    });
    tasks.push(...placed.toReversed());
    if (tasks.length > tasksMax) tasks.splice(0, tasks.length - tasksMax);
    tell('tasks', tasks);
}

export const isFinal = (job) => ['done', 'failed', 'cancelled'].includes(job.state);

// The stage that the coordinator computes by itself at the moment, without tasks.
export const inCoordinator = (job) => (job.stages || []).find((stage) => stage.in_coordinator
    && stage.tasks_done < stage.tasks_total);

// Share of all tasks of the stages known so far.
export function progress(job) {
    if (job.state === 'done') return 1;
    const total = (job.stages || []).reduce((sum, stage) => sum + stage.tasks_total, 0);
    const done = (job.stages || []).reduce((sum, stage) => sum + stage.tasks_done, 0);
    return total ? done / total : 0;
}
