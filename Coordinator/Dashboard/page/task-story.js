// What has become of one task of a running job: picked in the tile map, or by its number.

import {h, replace, setText} from './dom.js';
import {get} from './api.js';
import {count} from './format.js';
import {badge, input, setBadge} from './ui.js';

// onpick(task or null) is told which task is shown.
export function taskStory(id, onpick) {
    const field = input({name: 'task', type: 'number', min: 0, step: 1, placeholder: '0', required: true});
    const state = badge('');
    const words = h('p', {class: 'small muted'});
    const story = h('ol', {class: 'story'});
    const found = h('div', {class: 'stack tight', role: 'status', hidden: true}, h('p', {}, h('b', {}), ' ', state), words,
        story);
    const form = h('form', {class: 'field', onsubmit: (event) => {
        event.preventDefault();
        pick(Number(field.value));
    }}, h('label', {for: field.id}, 'A task\u2019s story'), h('div', {class: 'beside'}, field,
        h('button', {type: 'submit'}, 'Show')), h('span', {class: 'hint'}, 'Click a tile, or give the number of a task.'));
    let [task, stage] = [null, ''];

    function clear() {
        task = null;
        found.hidden = true;
        onpick(null);
    }

    function pick(number, signal) {
        task = number;
        field.value = number;
        onpick(number);
        return look(signal).catch(() => {});
    }

    async function look(signal) {
        if (task === null) return;
        const mine = task;
        let answer = null;
        let trouble = '';
        try {
            answer = (await get(`/v1/jobs/${id}/explain?task=${mine}`, {signal})).task;
        } catch (error) {
            if (error.name === 'AbortError') return;
            trouble = error.message;
        }
        if (mine !== task) return;
        found.hidden = false;
        setText(found.querySelector('b'), `Task ${count(mine)}`);
        state.hidden = !answer;
        if (answer) setBadge(state, answer.state);
        const lines = answer?.story || [];
        setText(words, trouble || (lines.length ? `Since stage ${answer.stage} began` : {queued: 'It waits for a worker.',
            merged: 'One lease and its merge, nothing else.'}[answer.state] || `In stage ${answer.stage}`));
        if (story.dataset.shown !== lines.join('\n')) {
            story.dataset.shown = lines.join('\n');
            replace(story, lines.map((line) => h('li', {}, line)));
        }
    }

    return {
        node: h('div', {class: 'stack tight'}, form, found), pick,
        // Follows the job: numbers of one stage mean nothing in the next.
        follow(map, signal) {
            field.max = Math.max(0, map.task_count - 1);
            if (stage && stage !== map.stage) clear();
            stage = map.stage;
            return look(signal);
        },
    };
}
