// Pieces of the interface that views share: cards, badges, states of waiting and of nothing there, dialogs, messages.

import {h, icon, replace} from './dom.js';
import {fixed} from './format.js';

export function card(title, body, {tools, flush, id} = {}) {
    const heading = h('h2', {id}, title);
    return h('section', {class: 'card', 'aria-label': typeof title === 'string' ? title : null},
        h('header', {}, heading, tools && h('div', {class: 'tools'}, tools)),
        h('div', {class: flush ? 'flush' : 'body'}, body));
}

export function pageHead(title, {crumb, lead, tools} = {}) {
    return h('div', {class: 'head'},
        h('div', {class: 'lead'}, crumb && h('span', {class: 'crumb'}, crumb), h('h1', {tabindex: '-1'}, title), lead),
        tools && h('div', {class: 'tools'}, tools));
}

const tones = {
    done: 'good', connected: 'good', running: 'busy', planning: 'busy', publishing: 'busy', queued: '', failed: 'bad',
        suspect: 'bad',
    lost: 'bad', cancelled: '', draining: 'warn', paused: 'warn',
};

export function badge(state, label = state) {
    return h('span', {class: `badge ${tones[state] ?? ''}`}, label);
}

export function setBadge(node, state) {
    const name = `badge ${tones[state] ?? ''}`;
    if (node.className !== name) node.className = name;
    if (node.textContent !== state) node.textContent = state;
}

export function stateOf(job) {
    return job.paused && !['done', 'failed', 'cancelled'].includes(job.state) ? 'paused' : job.state;
}

export function bar(label) {
    return h('div', {class: 'bar', role: 'progressbar', 'aria-label': label, 'aria-valuemin': 0, 'aria-valuemax': 100},
        h('div', {}));
}

export function setBar(node, share, tone = '') {
    const value = Math.max(0, Math.min(1, share || 0)) * 100;
    node.firstChild.style.width = `${value}%`;
    node.setAttribute('aria-valuenow', Math.floor(value));
    node.setAttribute('aria-valuetext', `${fixed(Math.floor(value), 0)} per cent`);
    node.className = `bar ${tone}`;
}

export function stat(label) {
    const value = h('dd', {}, '–');
    const more = h('small', {});
    return {node: h('dl', {class: 'stat'}, h('dt', {}, label), value, more), value, more};
}

export function facts(list) {
    return h('dl', {class: 'facts'}, list.filter(([, value]) => value !== undefined && value !== null && value !== '')
        .map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
}

export function waiting(what = 'Loading') {
    return h('div', {class: 'waiting', role: 'status'}, h('i', {}), h('i', {}), h('i', {}), h('span', {class: 'unseen'}, what));
}

export function empty(title, ...more) {
    return h('div', {class: 'empty'}, icon('empty'), h('b', {}, title), more.length ? h('p', {}, more) : null);
}

export function failure(error, retry) {
    return h('div', {class: 'empty', role: 'alert'}, h('b', {}, error.status === 404 ? 'Not there' : 'That did not work'),
        h('p', {}, error.message), retry && h('button', {onclick: retry}, 'Try again'));
}

// Shows a state of waiting in a node until a promise has what replaces it.
export async function fill(node, make) {
    const again = () => fill(node, make);
    replace(node, waiting());
    node.setAttribute('aria-busy', 'true');
    try {
        replace(node, await make());
    } catch (error) {
        if (error.name !== 'AbortError') replace(node, failure(error, again));
    } finally {
        node.removeAttribute('aria-busy');
    }
}

export function announce(text) {
    const node = document.getElementById('announcer');
    if (node && node.textContent !== text) node.textContent = text;
}

export function toast(text, isBad = false) {
    const node = h('div', {class: `toast ${isBad ? 'bad' : ''}`, role: isBad ? 'alert' : 'status'}, text);
    document.getElementById('toasts').append(node);
    setTimeout(() => node.remove(), isBad ? 9000 : 4500);
}

// Runs what a button asks for: one at a time, and a failure becomes a message.
export async function attempt(button, action, done) {
    button.disabled = true;
    try {
        const value = await action();
        if (done) toast(typeof done === 'function' ? done(value) : done);
        return value;
    } catch (error) {
        toast(error.message, true);
        return undefined;
    } finally {
        button.disabled = false;
    }
}

// Asks before something happens. fields: [{name, label, type, value, hint, choices}]; resolves with their values, or with null.
export function ask(title, {text, fields = [], action = 'OK', isDangerous = false} = {}) {
    return new Promise((resolve) => {
        const inputs = fields.map((field) => [field, input(field)]);
        const form = h('form', {method: 'dialog', onsubmit: (event) => { event.preventDefault(); dialog.close('yes'); }},
            text && h('p', {class: 'muted'}, text),
            inputs.map(([field, node]) => h('div', {class: 'field'}, h('label', {for: node.id}, field.label), node,
                field.hint && h('span', {class: 'hint'}, field.hint))),
            h('div', {class: 'actions'}, h('button', {type: 'button', onclick: () => dialog.close('')}, 'Keep as it is'),
                h('button', {type: 'submit', class: isDangerous ? 'danger' : 'primary'}, action)));
        const dialog = h('dialog', {'aria-labelledby': 'dialog-title'}, h('h2', {id: 'dialog-title'}, title), form);
        dialog.addEventListener('close', () => {
            const values = Object.fromEntries(inputs.map(([field, node]) => [field.name, node.value.trim()]));
            resolve(dialog.returnValue === 'yes' ? values : null);
            dialog.remove();
        });
        document.body.append(dialog);
        dialog.showModal();
    });
}

let inputs = 0;
export function input({name, type = 'text', value = '', choices, placeholder, min, max, step, required}) {
    inputs += 1;
    const id = `field-${inputs}-${name}`;
    if (choices) {
        return h('select', {id, name, value}, choices.map((choice) => {
            const [key, label] = Array.isArray(choice) ? choice : [choice, choice];
            return h('option', {value: key, selected: String(key) === String(value)}, label);
        }));
    }
    return h('input', {id, name, type, value, placeholder, min, max, step, required, autocomplete: 'off', spellcheck: 'false'});
}

export function segments(label, choices, chosen, onchange) {
    const node = h('div', {class: 'segments', role: 'group', 'aria-label': label});
    for (const [key, name] of choices) {
        node.append(h('button', {type: 'button', 'aria-pressed': String(key === chosen), onclick: (event) => {
            for (const button of node.children) button.setAttribute('aria-pressed', String(button === event.currentTarget));
            onchange(key);
        }}, name));
    }
    return node;
}
