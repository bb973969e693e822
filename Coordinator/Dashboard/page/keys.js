// Keyboard shortcuts: g and a letter goes somewhere, others act on the view. They rest while somebody types.

import {h} from './dom.js';
import {switchTheme} from './theme.js';

const places = {o: ['#/', 'Overview'], j: ['#/jobs', 'Jobs'], n: ['#/jobs/new', 'New job'], w: ['#/workers', 'Workers'],
    r: ['#/regions', 'Results'], s: ['#/schedules', 'Schedules'], a: ['#/alerts', 'Alerts']};
const marks = [['?', 'These shortcuts'], ['/', 'Search or filter in this view'], ['t', 'Light or dark'],
    ['\u2191 \u2193', 'Through the rows of a table'], ['Enter', 'Open the row'], ['+ \u2212 0', 'Zoom a heatmap, and back'],
    ['Esc', 'Close, or clear a selection']];

let waitsForPlace = 0;

export function startKeys() {
    addEventListener('keydown', (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
        const at = event.target;
        if (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName)
            || document.querySelector('dialog[open]')) return;
        if (waitsForPlace) {
            clearTimeout(waitsForPlace);
            waitsForPlace = 0;
            const place = places[event.key];
            if (place) {
                event.preventDefault();
                location.hash = place[0];
            }
            return;
        }
        if (event.key === 'g') waitsForPlace = setTimeout(() => { waitsForPlace = 0; }, 1500);
        else if (event.key === '?') showKeys();
        else if (event.key === 't') switchTheme();
        else if (event.key === '/') {
            const field = document.querySelector('main input[type="search"]');
            if (field) {
                event.preventDefault();
                field.focus();
            }
        }
    });
}

export function showKeys() {
    const rows = [...Object.entries(places).map(([key, [, name]]) => [`g ${key}`, `Go to ${name}`]), ...marks];
    const dialog = h('dialog', {'aria-labelledby': 'keys-title'}, h('h2', {id: 'keys-title'}, 'Keyboard shortcuts'),
        h('table', {}, h('tbody', {}, rows.map(([keys, what]) => h('tr', {},
            h('th', {scope: 'row'}, keys.split(' ').map((key) => [h('kbd', {}, key), ' '])), h('td', {}, what))))),
        h('div', {class: 'actions'}, h('button', {class: 'primary', onclick: () => dialog.close()}, 'Close')));
    dialog.addEventListener('close', () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
}
