// A new job: what to compute, on what, and what it will take before anything starts.

import {h, replace} from './dom.js';
import {get, offers, post} from './api.js';
import {bytes, count, duration, heading, short} from './format.js';
import {conventions, kinds, parameters} from './kinds.js';
import {attempt, card, facts, failure, input, pageHead, waiting} from './ui.js';

export async function show(context) {
    const [regions, canPlan] = await Promise.all([
        get('/v1/regions', {signal: context.signal}).then((answer) => answer.regions).catch(() => []), offers('/v1/plan')]);
    let kind = context.query.get('kind') in kinds ? context.query.get('kind') : 'correlation';
    const wanted = context.query.get('region') || regions[0]?.region || '';
    const fields = common(regions, wanted);
    const special = h('div', {class: 'row'});
    const plan = h('div', {});
    let own = [];
    const choose = (name) => {
        kind = name;
        own = (parameters[kind] || []).map(([key, label, options]) => [key, label, input({name: key, ...options}), options.hint]);
        replace(special, own.map(([, label, node, hint]) => field(label, node, hint)));
        special.hidden = !own.length;
        fields.pairs.hidden = !kinds[kind].pairs;
        fields.top.parentNode.hidden = !kinds[kind].top;
        fields.pool.placeholder = kinds[kind].pool || 'submitted';
        forecast();
    };
    const request = () => {
        const body = {kind, region: fields.region.value.trim().toUpperCase()};
        for (const name of ['pool', 'convention',
            'window']) if (fields[name].value.trim()) body[name] = fields[name].value.trim();
        for (const name of ['min_overlap', 'priority']) if (fields[name].value !== '') body[name] = Number(fields[name].value);
        if (fields.precision.value) body.precision = fields.precision.value;
        if (fields.fresh.checked) body.fresh = true;
        if (kinds[kind].top && fields.top.value !== '') body.top = Number(fields.top.value);
        if (kinds[kind].pairs && fields.threshold.value !== '') body.threshold = Number(fields.threshold.value);
        if (kinds[kind].pairs && fields.absolute.checked) body.absolute = true;
        const params = Object.fromEntries(own.map(([key, , node]) => [key, node.value.trim()]).filter(([, value]) =>
            value !== ''));
        if (Object.keys(params).length) body.params = params;
        return body;
    };
    let pause = 0;
    let asked = 0;
    const forecast = () => {
        clearTimeout(pause);
        if (!canPlan) return;
        pause = setTimeout(async () => {
            asked += 1;
            const mine = asked;
            if (!plan.firstChild) replace(plan, waiting('Planning'));
            try {
                const answer = await post('/v1/plan', request(), {signal: context.signal});
                if (mine === asked) replace(plan, showPlan(answer));
            } catch (error) {
                if (mine === asked && error.name !== 'AbortError') replace(plan, failure(error));
            }
        }, 350);
    };
    const start = h('button', {type: 'submit', class: 'primary'}, 'Start the job');
    const form = h('form', {class: 'form', oninput: forecast, onsubmit: async (event) => {
        event.preventDefault();
        const job = await attempt(start, () => post('/v1/jobs', request()), (made) => `Job ${made.job_id} is submitted`);
        if (job) location.hash = `#/jobs/${job.job_id}`;
    }},
    h('fieldset', {}, h('legend', {class: 'unseen'}, 'Kind of job'), h('div', {class: 'choices'},
        Object.entries(kinds).map(([name, {title, text}]) => h('label', {},
            h('input', {type: 'radio', name: 'kind', value: name, checked: name === kind, onchange: () => choose(name)}),
            h('b', {}, title), text)))),
    h('div', {class: 'row'}, field('Region', fields.region), field('Pool', fields.pool,
        'submitted, unsubmitted, super, regular, or one of your own')),
    special, fields.pairs,
    h('details', {open: false}, h('summary', {}, 'More settings'), h('div', {class: 'row'},
        field('Convention', fields.convention), field('Window', fields.window, '4y, 400d or all'),
        field('Min overlap', fields.min_overlap, 'common returns that a pair needs'), field('Precision', fields.precision),
        field('Priority', fields.priority, 'larger runs first'), field('Neighbours kept', fields.top,
            'of each alpha, at either end'),
        h('label', {class: 'check'}, fields.fresh, 'Compute all pairs again'))),
    h('div', {class: 'actions'}, start, h('a', {class: 'button', href: '#/jobs'}, 'Back')));
    replace(context.root, pageHead('New job', {crumb: h('a', {href: '#/jobs'}, 'Jobs')}),
        h('div', {class: canPlan ? 'split' : ''}, h('section', {class: 'card padded'}, form), canPlan
            && card('What it takes', plan)));
    choose(kind);
}

function common(regions, wanted) {
    const region = regions.length
        ? input({name: 'region', choices: regions.map((one) => one.region), value: wanted})
        : input({name: 'region', value: wanted, placeholder: 'USA', required: true});
    const fields = {
        region, pool: input({name: 'pool', placeholder: 'submitted'}), convention: input({name: 'convention',
            choices: conventions}),
        window: input({name: 'window', placeholder: 'as the region has it'}),
            top: input({name: 'top', type: 'number', placeholder: '10', min: 1, max: 100}),
        min_overlap: input({name: 'min_overlap', type: 'number', placeholder: 'as the region has it', min: 2}),
        precision: input({name: 'precision', choices: [['', 'float64'], ['float32', 'float32']]}),
        priority: input({name: 'priority', type: 'number', placeholder: '0', min: -1000, max: 1000}),
        threshold: input({name: 'threshold', type: 'number', placeholder: 'none', min: -1, max: 1, step: 0.01}),
        absolute: h('input', {type: 'checkbox'}), fresh: h('input', {type: 'checkbox'}),
    };
    fields.pairs = h('div', {class: 'row'}, field('Threshold', fields.threshold, 'keep every pair with r from here on'),
        h('label', {class: 'check'}, fields.absolute, 'Go by |r|'));
    return fields;
}

function field(label, node, hint) {
    if (hint) node.setAttribute('aria-describedby', `${node.id}-hint`);
    return h('div', {class: 'field'}, h('label', {for: node.id}, label), node, hint
        && h('span', {class: 'hint', id: `${node.id}-hint`}, hint));
}

function showPlan(plan) {
    const span = plan.predicted_low_seconds === undefined ? ''
        : ` (${duration(plan.predicted_low_seconds)} to ${duration(plan.predicted_high_seconds)})`;
    return h('div', {class: 'stack tight'},
        plan.predicted_seconds !== undefined && h('p', {}, h('b', {class: 'big'}, `about ${duration(plan.predicted_seconds)}`),
            h('span', {class: 'muted small'}, span)),
        facts([
            ['Alphas', count(plan.alphas)], ['Days', plan.days && count(plan.days)], ['Tiles', plan.tiles && count(plan.tiles)],
            ['Tasks', count(plan.tasks)], ['Work', plan.flops && `${short(plan.flops)}FLOP`],
                ['Panel', plan.panel_bytes && bytes(plan.panel_bytes)],
            ['To workers', plan.bytes_to_workers && bytes(plan.bytes_to_workers)],
            ['Coordinator', plan.coordinator_memory_bytes && `${bytes(plan.coordinator_memory_bytes)} of memory`],
            ['A worker', plan.worker_memory_bytes && `${bytes(plan.worker_memory_bytes)} of memory`],
            ...(plan.stages || []).map((stage) => [heading(stage.name), stage.in_coordinator
                ? 'in the coordinator' : `${count(stage.tasks)} tasks${stage.repeats ? ' each time' : ''}`])]),
        plan.basis && h('p', {class: 'muted small'}, plan.basis));
}
