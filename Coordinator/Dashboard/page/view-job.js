// One job: its stages and tiles while it runs, what it was asked, how it ended, and what may be done about it.

import {h, icon, reconcile, replace, setText} from './dom.js';
import {get, offers, post} from './api.js';
import {between, bytes, count, eta, flop, heading, percent, r, short, time} from './format.js';
import * as live from './live.js';
import {describe} from './job-rows.js';
import {taskStory} from './task-story.js';
import {tileMap} from './tilemap.js';
import {ask, attempt, badge, bar, card, empty, facts, pageHead, setBadge, setBar, stat, stateOf} from './ui.js';

export async function show(context) {
    const id = Number(context.path[0]);
    let job = await get(`/v1/jobs/${id}`, {signal: context.signal});
    const has = Object.fromEntries(await Promise.all(['pause', 'resume', 'retry', 'priority', 'explain', 'tiles', 'cancel'].map(
        async (name) => [name, await offers(`/v1/jobs/{id}/${name}`)])));
    has.cancel = true;
    context.title(`Job ${id}`);
    const parts = layout(context, job, id);
    const apply = (next) => {
        job = {...job, ...next};
        render(parts, job);
        replace(parts.tools, context.may('operator') ? actions(id, job, has, apply) : null);
    };
    apply(job);
    context.on(`job:${id}`, apply);
    context.onLeave(parts.map.stop);
    // Tiles and the sentence are asked for while the job runs; the rest comes by itself.
    let timer = 0;
    const look = async () => {
        if (context.signal.aborted) return;
        if (has.tiles && job.state === 'running') {
            const isThere = await parts.map.update(context.signal);
            parts.mapCard.hidden = !isThere;
            parts.story.node.hidden = !isThere || !has.explain;
            if (isThere && has.explain) await parts.story.follow(parts.map.shown(), context.signal);
        }
        if (has.explain && !live.isFinal(job)) {
            const answer = await get(`/v1/jobs/${id}/explain`, {signal: context.signal}).catch(() => null);
            if (answer) setText(parts.sentence, answer.sentence.replace(/^./, (c) => c.toUpperCase()));
        }
        if (!live.isFinal(job)) {
            if (!live.last(`job:${id}`)) apply(await get(`/v1/jobs/${id}`, {signal: context.signal}).catch(() => job));
            timer = setTimeout(look, 1200);
        } else {
            parts.mapCard.hidden = true;
            parts.story.node.hidden = true;
            apply(await get(`/v1/jobs/${id}`, {signal: context.signal}).catch(() => job));
        }
    };
    context.onLeave(() => clearTimeout(timer));
    look().catch(() => {});
}

function layout(context, job, id) {
    const parts = {
        state: badge(''), tools: h('div', {class: 'tools'}), sentence: h('p', {class: 'sentence', 'aria-live': 'polite'}),
        whole: bar(`Progress of job ${id}`), stages: h('ol', {class: 'stages'}), trouble: h('div', {}),
        asked: h('div', {}), made: h('div', {}),
        stats: {done: stat('Progress'), left: stat('Time left'), rate: stat('Speed'), size: stat('Size')},
    };
    parts.story = taskStory(id, (task) => parts.map.mark(task));
    parts.map = tileMap(id, (task) => parts.story.pick(task, context.signal));
    parts.mapCard = parts.map.node;
    parts.mapCard.hidden = true;
    parts.story.node.hidden = true;
    parts.stagesCard = card('Stages and tiles', h('div', {class: 'tiled'}, parts.mapCard,
        h('div', {class: 'stack'}, parts.stages, parts.story.node)));
    parts.right = h('div', {class: 'stack'}, card('Result', parts.made), card('Request', parts.asked));
    parts.below = h('div', {class: 'grid two'}, parts.stagesCard, parts.right);
    replace(context.root,
        pageHead([h('span', {}, heading(job.kind)), ` ${job.region}`], {
            crumb: [h('a', {href: '#/jobs'}, 'Jobs'), ` / ${id}`], tools: [parts.state, parts.tools]}),
        h('div', {class: 'stack'}, h('section', {class: 'card padded', 'aria-label': 'State'},
            h('div', {class: 'stack tight'}, parts.sentence, parts.whole)),
            parts.trouble,
            h('div', {class: 'stats'}, Object.values(parts.stats).map((one) => one.node)),
            parts.below));
    return parts;
}

function render(parts, job) {
    setBadge(parts.state, stateOf(job));
    if (live.isFinal(job) || !parts.sentence.textContent) setText(parts.sentence,
        describe(job).replace(/^./, (c) => c.toUpperCase()));
    const tone = job.state === 'failed' ? 'bad' : job.state === 'done' ? 'good' : job.paused || job.state === 'cancelled'
        ? 'still' : '';
    setBar(parts.whole, live.progress(job), tone);
    const done = (job.stages || []).reduce((sum, stage) => sum + stage.tasks_done, 0);
    const total = (job.stages || []).reduce((sum, stage) => sum + stage.tasks_total, 0);
    setText(parts.stats.done.value, percent(live.progress(job)));
    setText(parts.stats.done.more, total ? `${count(done)} of ${count(total)} tasks` : '');
    const isOver = live.isFinal(job);
    setText(parts.stats.left.node.firstChild, isOver ? 'Took' : 'Time left');
    setText(parts.stats.left.value, isOver ? between(job.started_at, job.finished_at) : eta(job).replace(/ left.*/, '') || '–');
    setText(parts.stats.left.more, isOver ? `ended ${time(job.finished_at)}` : (/\((.*)\)/.exec(eta(job)) || ['', ''])[1]);
    setText(parts.stats.rate.value, job.tiles_per_second ? `${short(job.tiles_per_second)} tiles/s` : '–');
    setText(parts.stats.rate.more, job.gigaflops_per_second
        ? `${flop(job.gigaflops_per_second)}${job.peak_share ? `, ${percent(job.peak_share)} of peak` : ''}` : '');
    setText(parts.stats.size.value, job.alpha_count ? `${count(job.alpha_count)} alphas` : '–');
    setText(parts.stats.size.more, job.day_count ? `${count(job.day_count)} days` : '');
    drawStages(parts.stages, job.stages || []);
    // Stages are kept while a coordinator remembers the job, so an old one has none to show.
    const isBare = isOver && !(job.stages || []).length;
    parts.stagesCard.hidden = isBare;
    parts.below.className = isBare ? '' : 'grid two';
    parts.right.className = isBare ? 'grid half' : 'stack';
    if (!parts.stages.children.length) replace(parts.stages, h('li', {}, h('span', {class: 'muted'}, 'Not planned yet.')));
    replace(parts.trouble, job.error && h('p', {class: 'note bad', role: 'alert'}, job.error),
        (job.warnings || []).map((warning) => h('p', {class: 'note warn'}, warning)));
    parts.trouble.className = job.error || (job.warnings || []).length ? 'stack tight' : '';
    parts.trouble.hidden = !parts.trouble.children.length;
    made(parts.made, job);
    asked(parts.asked, job);
}

// By their places: stages may have the same name, as the passes of a spanning tree have.
export function drawStages(list, stages) {
    reconcile(list, stages, (stage, index) => `${index} ${stage.name}`, (stage) => h('li', {}, h('span', {}, heading(stage.name)),
        h('span', {class: 'muted small'}), bar(`Stage ${stage.name}`)), (row, stage) => {
        const isDone = stage.tasks_done === stage.tasks_total;
        setText(row.children[1], stage.in_coordinator ? `in the coordinator${isDone ? ', done' : ''}`
            : `${count(stage.tasks_done)} of ${count(stage.tasks_total)}`);
        setBar(row.lastChild, stage.tasks_total ? stage.tasks_done / stage.tasks_total : 0,
            stage.tasks_total && isDone ? 'good' : '');
    });
    return list;
}

function made(node, job) {
    const isPublic = job.result_table && !job.result_table.endsWith('_jobs');
    const isClusters = job.kind === 'clusters';
    const tab = job.kind === 'selection' ? 'unique' : isClusters ? 'map' : 'summary';
    const key = [job.digest, job.result_table, job.profile, job.panel_hash, job.state].join();
    if (node.dataset.key === key) return;
    node.dataset.key = key;
    replace(node, job.result_table || job.profile || job.panel_hash ? facts([
        ['Table', job.result_table && h('span', {class: 'mono'}, job.result_table)],
        ['Digest', job.digest && h('span', {class: 'digest'}, job.digest)],
        ['Profile', job.profile && h('span', {class: 'mono'}, job.profile)],
        ['Panel', job.panel_hash && h('span', {class: 'digest'}, job.panel_hash.slice(0, 16))],
    ]) : empty('Nothing published yet'),
    isPublic && h('p', {class: 'after'}, h('a', {class: 'button', href: `#/regions/${job.region}/${tab}`}, 'Open the results')));
}

function asked(node, job) {
    const extra = Object.entries(job.params || {}).sort(([a], [b]) => (a < b ? -1 : 1));
    const key = JSON.stringify([job.priority, extra, job.started_at]);
    if (node.dataset.key === key) return;
    node.dataset.key = key;
    replace(node, facts([
        ['Pool', job.pool], ['Convention', job.convention], ['Window', job.window], ['Min overlap', count(job.min_overlap)],
        ['Precision', job.precision], ['Block edge', count(job.block_edge)], ['Neighbours', count(job.top)],
        ['Threshold', job.threshold === undefined ? null : r(job.threshold) + (job.absolute ? ' of |r|' : '')],
        ['Priority', count(job.priority)], ...extra.map(([name, value]) => [heading(name), value]),
        ['Submitted', time(job.submitted_at)], ['Started', job.started_at && time(job.started_at)],
        ['Resumed', job.resumed_at && time(job.resumed_at)], ['Kept state', job.panel_bytes && bytes(job.panel_bytes)],
    ]));
}

function actions(id, job, has, apply) {
    const call = (name, body) => post(`/v1/jobs/${id}/${name}`, body);
    const reason = {name: 'reason', label: 'Reason', placeholder: 'For those who look at it later'};
    const act = (name, label, mark, options) => has[name] && h('button',
        {class: options.danger ? 'danger' : '', onclick: async (event) => {
        const button = event.currentTarget;
        const values = options.fields ? await ask(options.title, {fields: options.fields, action: options.action || label,
            isDangerous: options.danger,
            text: options.text}) : {};
        if (!values) return;
        const next = await attempt(button, () => call(name, options.body ? options.body(values) : values), options.done);
        if (!next) return;
        if (name === 'retry') location.hash = `#/jobs/${next.job_id}`;
        else apply(next);
    }}, icon(mark), label);
    if (live.isFinal(job)) {
        return ['failed', 'cancelled'].includes(job.state) && act('retry', 'Run again', 'retry',
            {done: 'Submitted as a new job'});
    }
    const canPause = ['queued', 'planning', 'running'].includes(job.state);
    return [
        canPause && !job.paused && act('pause', 'Pause', 'pause', {title: `Pause job ${id}?`, fields: [reason],
            text: 'Tasks that run finish; no new ones start until it is resumed.', done: 'Paused'}),
        job.paused && act('resume', 'Resume', 'play', {done: 'Resumed'}),
        act('priority', 'Priority', 'next', {title: 'Change the priority',
            fields: [{name: 'priority', label: 'Priority', type: 'number',
            value: job.priority, min: -1000, max: 1000, required: true,
                hint: 'Larger runs first; bulk work has 0, a recompute 100.'}],
        body: (values) => ({priority: Number(values.priority)}), done: 'Priority changed'}),
        canPause && act('cancel', 'Cancel', 'cancel', {title: `Cancel job ${id}?`, fields: [reason], danger: true,
            action: 'Cancel the job',
            text: 'What it has computed so far is thrown away.', done: 'Cancelled'}),
    ];
}
