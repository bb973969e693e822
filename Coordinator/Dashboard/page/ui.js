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
    lost: 'bad', cancelled: '', draining: 'warn', paused: 'warn', active: 'good', delivered: 'good', 'given up': 'bad',
    leased: 'busy', merging: 'busy', merged: 'good',
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

// Asks before something happens. fields: [{name, label, type, value, hint, choices, list, when}], where `when` says by the other
// values whether it is asked. Resolves with their values, or with null; with what `send` makes of them where that is given, and
// then the question stays, with what was wrong, until it has worked.
export function ask(title, {text, fields = [], action = 'OK', dismiss = 'Keep as it is', isDangerous = false, send} = {}) {
    return new Promise((resolve) => {
        const asked = fields.map((field) => ({field, ...askedFor(field)}));
        const values = () => Object.fromEntries(asked.map(({field, node}) => [field.name,
            node.type === 'checkbox' ? node.checked : node.value.trim()]));
        const suit = () => {
            const now = values();
            for (const {field, node, holder} of asked.filter(({field: one}) => one.when)) {
                holder.hidden = node.disabled = !field.when(now);
            }
        };
        let outcome = null;
        const trouble = h('p', {class: 'note bad', role: 'alert', hidden: true});
        const yes = h('button', {type: 'submit', class: isDangerous ? 'danger' : 'primary'}, action);
        const form = h('form', {method: 'dialog', oninput: suit, onsubmit: async (event) => {
            event.preventDefault();
            yes.disabled = true;
            try {
                outcome = send ? await send(values()) : values();
                dialog.close();
            } catch (error) {
                trouble.hidden = false;
                trouble.textContent = error.message;
            }
            yes.disabled = false;
        }}, text && h('p', {class: 'muted'}, text), asked.map(({holder}) => holder), trouble,
        h('div', {class: 'actions'}, h('button', {type: 'button', onclick: () => dialog.close()}, dismiss), yes));
        const dialog = h('dialog', {'aria-labelledby': 'dialog-title'}, h('h2', {id: 'dialog-title'}, title), form);
        dialog.addEventListener('close', () => {
            resolve(outcome);
            dialog.remove();
        });
        suit();
        document.body.append(dialog);
        dialog.showModal();
    });
}

function askedFor(field) {
    const node = input(field);
    if (field.type === 'checkbox') return {node, holder: h('label', {class: 'check'}, node, field.label)};
    const offers = field.list && h('datalist', {id: `${node.id}-list`}, field.list.map((value) => h('option', {value})));
    if (offers) node.setAttribute('list', offers.id);
    if (field.hint) node.setAttribute('aria-describedby', `${node.id}-hint`);
    return {node, holder: h('div', {class: 'field'}, h('label', {for: node.id}, field.label), node, offers,
        field.hint && h('span', {class: 'hint', id: `${node.id}-hint`}, field.hint))};
}

let inputs = 0;
export function input({name, type = 'text', value = '', choices, placeholder, min, max, step, required, checked}) {
    inputs += 1;
    const id = `field-${inputs}-${name}`;
    if (choices) {
        return h('select', {id, name, value}, choices.map((choice) => {
            const [key, label] = Array.isArray(choice) ? choice : [choice, choice];
            return h('option', {value: key, selected: String(key) === String(value)}, label);
        }));
    }
    if (type === 'checkbox') return h('input', {id, name, type, checked});
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
