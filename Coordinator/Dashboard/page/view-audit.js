// The audit log: who changed what, and who was refused.

import {h, replace} from './dom.js';
import {get, query} from './api.js';
import {heading, time} from './format.js';
import {listTable} from './list-table.js';
import {empty, failure, pageHead} from './ui.js';

const columns = [{name: 'When', kind: 'line'}, {name: 'Who', kind: 'name'}, {name: 'What', kind: 'line'},
    {name: 'About', kind: 'long'}, {name: 'Status', kind: 'number'}, {name: 'From', kind: 'line'},
    {name: 'Request', kind: 'long'}];
const nobody = '(nobody)';

export async function show(context) {
    const table = listTable('Audit log', columns);
    const none = empty('Nothing is recorded', 'Nothing of that kind, as far back as the log goes.');
    none.hidden = true;
    const trouble = h('div', {});
    const more = h('button', {hidden: true, onclick: () => load(before)}, 'Older entries');
    let [entries, before, asked] = [[], null, 0];
    const seen = {actor: new Set(), action: new Set()};
    const load = async (from) => {
        asked += 1;
        const mine = asked;
        try {
            const answer = await get(`/v1/audit${query({limit: 100, before: from, actor: actor.node.value.trim(),
                action: action.node.value.trim()})}`, {signal: context.signal});
            if (mine !== asked) return;
            entries = from ? [...entries, ...answer.entries] : answer.entries;
            before = answer.next_before || null;
            replace(trouble);
            for (const entry of answer.entries) {
                seen.actor.add(entry.actor || nobody);
                seen.action.add(entry.action);
            }
            for (const one of [actor, action]) one.offer(seen);
            table.update(entries, (entry) => entry.audit_id, cells);
            none.hidden = entries.length > 0;
            more.hidden = !before;
        } catch (error) {
            if (error.name !== 'AbortError') replace(trouble, failure(error, () => load(from)));
        }
    };
    const actor = filter('actor', 'Who', context, () => load());
    const action = filter('action', 'What', context, () => load());
    replace(context.root, pageHead('Audit log', {lead: h('p', {}, 'Who changed what, and who was refused.')}),
        h('div', {class: 'stack'},
            h('div', {class: 'filters', role: 'search', 'aria-label': 'Audit log'}, actor.holder, action.holder),
            h('section', {class: 'card', 'aria-label': 'Entries'}, trouble, table.node, none,
                h('div', {class: 'more'}, more))));
    await load();
}

// A field that offers what has been seen so far; what is asked for has to be written as the log has it.
function filter(name, label, context, onchange) {
    const list = h('datalist', {id: `audit-${name}`});
    const node = h('input', {type: 'search', placeholder: `${label}, as the log has it`, 'aria-label': label, list: list.id,
        autocomplete: 'off', spellcheck: 'false', value: context.query.get(name) || ''});
    let pause = 0;
    node.addEventListener('input', () => {
        clearTimeout(pause);
        pause = setTimeout(onchange, 300);
    });
    context.onLeave(() => clearTimeout(pause));
    return {node, holder: h('div', {class: 'filter grow'}, node, list), offer: (seen) => replace(list,
        [...seen[name]].sort().map((value) => h('option', {value})))};
}

function cells(entry) {
    const {status} = entry;
    const about = [entry.region, entry.subject].filter(Boolean).join(' ');
    const rest = entry.detail && typeof entry.detail === 'object' ? Object.entries(entry.detail)
        .map(([name, value]) => `${heading(name).toLowerCase()} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
        .join(', ') : '';
    return [
        h('span', {class: 'muted'}, time(entry.happened_at)),
        [h('b', {}, entry.actor || nobody), entry.role && h('div', {class: 'small muted'}, entry.role)],
        entry.action,
        about || rest ? [about, rest && h('div', {class: 'small muted'}, rest)] : '–',
        // Without a status the coordinator ended before it could say how the change went.
        status ? h('span', {class: status >= 400 ? 'bad' : ''}, status) : entry.method ? '?' : '–',
        entry.peer ? h('span', {class: 'mono'}, entry.peer) : '–',
        entry.method ? h('span', {class: 'mono'}, `${entry.method} ${entry.path}`) : h('span', {class: 'muted'},
            'on the database')];
}
