// Whom the coordinator tells of what happens: addresses with their last messages, and the form for a new one.

import {h, icon, reconcile, replace} from './dom.js';
import {get, post, remove} from './api.js';
import {ago, fixed} from './format.js';
import {listTable, repeatedly} from './list-table.js';
import {announce, ask, attempt, badge, card, empty, failure, toast} from './ui.js';

const events = [['job.done', 'Tell of jobs that are done'], ['job.failed', 'Tell of jobs that have failed'],
    ['alert.correlation', 'Tell of pairs that have become too alike']];
const columns = [{name: 'Message', kind: 'name'}, {name: 'State'}, {name: 'Tries', kind: 'number'}, {name: 'Answer'},
    {name: 'When', kind: 'line'}];
const shownAtOnce = 5;
// The coordinator's own.
const defaultThreshold = 0.8;

export function webhookCard(context, regions) {
    const list = h('ul', {class: 'hooks'});
    const none = empty('No webhooks', 'One can post every new pair, and every job that ends, to an address of yours, signed.');
    none.hidden = true;
    const trouble = h('div', {});
    const load = async () => {
        try {
            const {webhooks} = await get('/v1/webhooks', {signal: context.signal});
            // The list is without messages; only one webhook that is asked for has them.
            const full = await Promise.all(webhooks.map((hook) => get(`/v1/webhooks/${hook.webhook_id}`,
                {signal: context.signal}).catch(() => hook)));
            replace(trouble);
            reconcile(list, full, (hook) => hook.webhook_id, (hook) => makeItem(hook, load), updateItem);
            none.hidden = full.length > 0;
        } catch (error) {
            if (error.name !== 'AbortError') replace(trouble, failure(error, load));
        }
    };
    const add = h('button', {onclick: () => make(regions, load)}, icon('plus'), 'Webhook');
    load();
    repeatedly(context, 5000, load);
    return card('Webhooks', [trouble, list, none], {tools: add, flush: true});
}

async function make(regions, load) {
    const hasAlerts = (values) => values['alert.correlation'];
    const made = await ask('A new webhook', {action: 'Add', dismiss: 'Cancel', send: (values) => post('/v1/webhooks',
        request(values)), fields: [
        {name: 'url', label: 'Address', placeholder: 'https://\u2026', required: true,
            hint: 'Of the public internet, by https, unless the coordinator allows others.'},
        ...events.map(([name, label]) => ({name, label, type: 'checkbox', checked: name !== 'job.done'})),
        {name: 'threshold', label: 'From |r|', type: 'number', min: 0.3, max: 1, step: 0.01,
            placeholder: `${defaultThreshold}`, hint: '0.3 to 1', when: hasAlerts},
        {name: 'region', label: 'Region', choices: [['', 'All regions'], ...regions]}]});
    if (!made) return;
    load();
    if (made.warning) toast(made.warning.replace(/^./, (c) => c.toUpperCase()), true);
    if (made.secret) showSecret(made);
}

// What is asked for by the answers to the questions above.
export function request(values) {
    const wanted = {url: values.url, events: events.map(([name]) => name).filter((name) => values[name])};
    if (values.region) wanted.region = values.region;
    if (values['alert.correlation'] && values.threshold !== '') wanted.threshold = Number(values.threshold);
    return wanted;
}

// The coordinator never says it again.
function showSecret(hook) {
    const field = h('input', {type: 'text', class: 'mono', readonly: true, value: hook.secret, id: 'webhook-secret'});
    const copy = h('button', {type: 'button', onclick: async () => {
        const isCopied = await navigator.clipboard?.writeText(hook.secret).then(() => true, () => false)
            || (field.select(), document.execCommand('copy'));
        copy.textContent = isCopied ? 'Copied' : 'Copy it by hand';
        announce(copy.textContent);
    }}, 'Copy');
    const dialog = h('dialog', {'aria-labelledby': 'secret-title'}, h('h2', {id: 'secret-title'}, 'The secret of this webhook'),
        h('div', {class: 'stack tight'},
            h('p', {class: 'muted'}, 'Receivers check the signature of a message with it. It is shown only now: keep it.'),
            h('div', {class: 'field'}, h('label', {for: field.id}, 'Secret'), h('div', {class: 'beside'}, field, copy)),
            h('div', {class: 'actions'}, h('button', {type: 'button', class: 'primary', onclick: () => dialog.close()},
                'I have kept it'))));
    dialog.addEventListener('close', () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    field.select();
}

function makeItem(hook, load) {
    const path = `/v1/webhooks/${hook.webhook_id}`;
    const table = listTable(`Messages to ${hook.url}`, columns);
    const node = h('li', {}, h('div', {class: 'hook-head'}, h('div', {class: 'lead'}, h('h3', {class: 'mono'}, hook.url),
        h('p', {class: 'small muted'}, scope(hook))), h('div', {class: 'tools'})), table.node, h('p', {class: 'small muted'}),
    h('button', {class: 'small', hidden: true, onclick: () => {
        node.isWhole = true;
        updateItem(node, node.hook);
    }}, 'Older messages'));
    const test = h('button', {class: 'small', 'aria-label': `Test ${hook.url}`, onclick: async () => {
        const sent = await attempt(test, () => trial(path));
        if (sent) toast(...outcome(sent));
        load();
    }}, 'Test');
    const drop = h('button', {class: 'small danger', 'aria-label': `Remove ${hook.url}`, onclick: async () => {
        const isSure = await ask('Remove this webhook?', {action: 'Remove', isDangerous: true,
            text: `${hook.url} is told of nothing any more, also not of what still waits for it.`});
        if (isSure && await attempt(drop, () => remove(path).then(() => true), 'The webhook is removed')) load();
    }}, 'Remove');
    node.querySelector('.tools').append(test, drop);
    node.table = table;
    return node;
}

function scope(hook) {
    const from = ` from |r| ${fixed(hook.threshold ?? defaultThreshold)}`;
    return [hook.events.map((event) => event + (event === 'alert.correlation' ? from : '')).join(', '),
        hook.region || 'all regions', `added ${ago(hook.created_at)}`].join(' · ');
}

function updateItem(node, hook) {
    node.hook = hook;
    const all = hook.deliveries || [];
    const shown = node.isWhole ? all : all.slice(0, shownAtOnce);
    node.table.update(shown, (one) => one.delivery_id, (one) => [
        h('span', {class: 'mono'}, one.event), badge(one.state), one.tries,
        one.error ? h('span', {class: one.state === 'delivered' ? '' : 'bad'}, one.error) : one.status ?? '–',
        h('span', {class: 'muted'}, ago(one.created_at))]);
    node.querySelector(':scope > p').textContent = all.length ? '' : 'No messages so far.';
    node.lastChild.hidden = shown.length === all.length;
}

// Sends a message, and waits a moment for how it goes.
async function trial(path) {
    let hook = await post(`${path}/test`);
    const id = hook.deliveries?.[0]?.delivery_id;
    const mine = () => hook.deliveries?.find((one) => one.delivery_id === id);
    for (let look = 0; look < 20 && mine()?.state === 'waiting' && !mine().tries; look += 1) {
        await new Promise((done) => { setTimeout(done, 500); });
        hook = await get(path);
    }
    return mine() || {state: 'waiting'};
}

function outcome({state, status, error}) {
    if (state === 'delivered') return [`The test was delivered: it answered with status ${status}`];
    return error ? [`The test was not delivered: ${error}`, true] : ['The test is on its way'];
}
