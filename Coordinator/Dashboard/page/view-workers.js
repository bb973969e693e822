// Workers: what each can do, does and has done; draining one and taking it back.

import {h, reconcile, replace, setText} from './dom.js';
import {offers, post} from './api.js';
import {bytes, count, duration, flop, percent} from './format.js';
import {ask, attempt, badge, bar, empty, pageHead, setBadge, setBar} from './ui.js';

const columns = [['Worker'], ['State'], ['Slots', 1], ['Speed', 1], ['Of peak', 1], ['Cache', 1], ['Tasks done', 1], ['Heard', 1],
    ['']];

export async function show(context) {
    const canUndo = await offers('/v1/workers/{id}/undrain');
    const body = h('tbody', {});
    const table = h('div', {class: 'scroll'}, h('table', {class: 'rows'},
        h('thead', {}, h('tr', {}, columns.map(([name, isNumber]) => h('th',
        {scope: 'col', class: isNumber ? 'number' : ''}, name || h('span', {class: 'unseen'}, 'Actions'))))), body));
    const none = empty('No workers', 'Start one with ', h('code', {}, 'alphagrid-worker --connect tcp://HOST:5710'),
        ' on any host.');
    none.hidden = true;
    replace(context.root, pageHead('Workers'), h('section', {class: 'card', 'aria-label': 'Workers'}, table, none));
    context.on('workers', (list) => {
        table.hidden = !list.length;
        none.hidden = list.length > 0;
        reconcile(body, list, (worker) => worker.worker, (worker) => make(worker, context, canUndo), update);
    });
}

function make(worker, context, canUndo) {
    return h('tr', {}, h('th', {scope: 'row', class: 'name'}, h('span', {class: 'id'}, worker.worker),
        h('div', {class: 'small muted'})),
        h('td', {}, badge('')), h('td', {class: 'number slots'}, h('span', {}), bar(`Busy slots of ${worker.worker}`)),
            h('td', {class: 'number'}),
        h('td', {class: 'number'}), h('td', {class: 'number'}), h('td', {class: 'number'}), h('td', {class: 'number muted'}),
        h('td', {class: 'number'}, context.may('operator') && [
            h('button', {class: 'small', onclick: (event) => drain(event.currentTarget, worker.worker, canUndo)}, 'Drain'),
            canUndo && h('button', {class: 'small', hidden: true, onclick: (event) => attempt(event.currentTarget,
                () => post(`/v1/workers/${encodeURIComponent(worker.worker)}/undrain`), `${worker.worker} takes work again`)},
                    'Take back')]));
}

async function drain(button, name, hasDeadline) {
    const values = await ask(`Drain ${name}?`,
        {action: 'Drain', text: 'It gets no new tasks, finishes what it has in hand, and leaves.',
        fields: hasDeadline ? [{name: 'reason', label: 'Reason'}, {name: 'deadline', label: 'Seconds until it leaves anyway',
            type: 'number', min: 1,
            placeholder: 'no deadline'}] : []});
    if (!values) return;
    const request = {};
    if (values.reason) request.reason = values.reason;
    if (values.deadline) request.deadline_seconds = Number(values.deadline);
    await attempt(button, () => post(`/v1/workers/${encodeURIComponent(name)}/drain`, request), `${name} drains`);
}

function update(row, worker) {
    const [name, state, slots, speed, share, cache, tasks, heard, tools] = row.children;
    const why = worker.drain_reason ? ` · ${worker.drain_reason}` : '';
    setText(name.lastChild, `${worker.host} · ${worker.profile}${why}`);
    setBadge(state.firstChild, worker.state);
    setText(slots.firstChild, `${worker.running} of ${worker.slots}`);
    setBar(slots.lastChild, worker.slots ? worker.running / worker.slots : 0, worker.state === 'lost' ? 'still' : '');
    setText(speed, flop(worker.gigaflops_per_second));
    const peak = (worker.peak_float64_gigaflops_per_second || 0) * worker.slots;
    setText(share, peak && worker.running ? percent(worker.gigaflops_per_second / peak) : '–');
    setText(cache, `${bytes(worker.cached_bytes)} of ${bytes(worker.memory_bytes)}`);
    setText(tasks, count(worker.tasks_done) + (worker.tasks_failed ? `, ${count(worker.tasks_failed)} failed` : ''));
    setText(heard, `${duration(worker.heartbeat_age_seconds)} ago`);
    heard.className = `number ${worker.heartbeat_age_seconds > 5 ? 'bad' : 'muted'}`;
    const [first, second] = tools.children;
    if (first) first.hidden = worker.state !== 'connected';
    if (second) second.hidden = worker.state !== 'draining';
}
