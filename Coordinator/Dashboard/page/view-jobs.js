// All jobs, newest first, with filters by state, kind and region; older ones on demand.

import {h, replace} from './dom.js';
import {get, query} from './api.js';
import {jobTable} from './job-rows.js';
import {empty, failure, input, pageHead} from './ui.js';

const kinds = ['correlation', 'cross-correlation', 'features', 'clusters', 'selection'];
const states = ['queued', 'planning', 'running', 'publishing', 'done', 'failed', 'cancelled', 'paused'];

export async function show(context) {
    const table = jobTable('Jobs');
    const none = empty('No such jobs', 'Nothing fits these filters.');
    const more = h('button', {hidden: true}, 'Older jobs');
    const known = new Map();
    let before = null;
    const state = input({name: 'state', choices: [['', 'Any state'], ...states], value: context.query.get('state') || ''});
    const kind = input({name: 'kind', choices: [['', 'Any kind'], ...kinds], value: context.query.get('kind') || ''});
    const region = input({name: 'region', type: 'search', placeholder: 'Region', value: context.query.get('region') || ''});
    const trouble = h('div', {});
    const isIn = (job, name) => (name === 'paused' ? job.paused : job.state === name);
    const render = () => {
        const fits = [...known.values()].filter((job) => (!state.value || isIn(job, state.value))
            && (!kind.value || job.kind === kind.value) && (!region.value || job.region === region.value.toUpperCase().trim()))
            .sort((a, b) => b.job_id - a.job_id);
        table.update(fits);
        table.node.hidden = !fits.length;
        none.hidden = fits.length > 0;
    };
    const load = async (from) => {
        try {
            const list = await get(`/v1/jobs${query({limit: 50, before: from, state: state.value, kind: kind.value,
                region: region.value.toUpperCase().trim()})}`, {signal: context.signal});
            for (const job of list.jobs) known.set(job.job_id, job);
            before = list.next_before || null;
            more.hidden = !before;
            trouble.replaceChildren();
            render();
        } catch (error) {
            if (error.name !== 'AbortError') replace(trouble, failure(error, () => load(from)));
        }
    };
    more.addEventListener('click', () => load(before));
    for (const node of [state, kind]) node.addEventListener('change', () => load());
    let pause = 0;
    region.addEventListener('input', () => { clearTimeout(pause); pause = setTimeout(() => load(), 250); });
    const named = (node, label) => h('div', {class: 'filter'}, h('label', {for: node.id, class: 'unseen'}, label), node);
    replace(context.root, pageHead('Jobs', {tools: [
        context.may('operator') && h('a', {class: 'button primary', href: '#/jobs/new'}, 'New job')]}),
    h('div', {class: 'stack'},
        h('div', {class: 'filters', role: 'search', 'aria-label': 'Jobs'}, named(state, 'State'), named(kind, 'Kind'),
            named(region, 'Region')),
        h('section', {class: 'card', 'aria-label': 'Jobs'}, trouble, table.node, none, h('div', {class: 'more'}, more))));
    await load();
    context.on('jobs', (list) => {
        for (const job of list) known.set(job.job_id, job);
        render();
    });
}
