// The audit log: who changed what, and who was refused.

import {h, replace} from './dom.js';
import {get} from './api.js';
import {time} from './format.js';
import {empty, pageHead} from './ui.js';

export async function show(context) {
    const answer = await get('/v1/audit', {signal: context.signal});
    const entries = answer.entries || answer.audit || [];
    replace(context.root, pageHead('Audit log'), h('section', {class: 'card', 'aria-label': 'Audit log'}, entries.length
        ? h('div', {class: 'scroll'}, h('table', {class: 'rows'}, h('thead', {},
            h('tr', {}, ['When', 'Who', 'Role', 'What', 'On', 'Status', 'From']
            .map((name) => h('th', {scope: 'col'}, name)))), h('tbody', {}, entries.map((entry) => h('tr', {},
            h('td', {class: 'muted'}, time(entry.happened_at)), h('th', {scope: 'row', class: 'name'}, entry.actor),
                h('td', {}, entry.role || '–'),
            h('td', {}, entry.action), h('td', {class: 'mono'}, entry.subject || entry.path || '–'),
                h('td', {}, entry.status || '–'),
            h('td', {class: 'mono'}, entry.peer || '–'))))))
        : empty('Nothing recorded yet')));
}
