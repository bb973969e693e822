// A plain table of few rows, kept up to date in place; on a phone each row becomes a card whose cells say their column.

import {h, reconcile, replace} from './dom.js';

// columns: [{name, kind: 'number'|'name'|'line'|'long'}]; a column without a name has buttons.
export function listTable(label, columns) {
    const body = h('tbody', {});
    const head = columns.map(({name, kind}) => h('th', {scope: 'col', class: kind === 'number' && 'number'},
        name || h('span', {class: 'unseen'}, 'Actions')));
    const node = h('div', {class: 'scroll'}, h('table', {class: 'rows stacked', 'aria-label': label},
        h('thead', {}, h('tr', {}, head)), body));
    // What has nothing to say takes no line of a card.
    const looks = (content, {name, kind}) => `${kind || (name ? '' : 'buttons')} ${content === '–' ? 'none' : ''}`.trim();
    const cell = (content, {name, kind}) => h(kind === 'name' ? 'th' : 'td', {
        scope: kind === 'name' && 'row', class: looks(content, {name, kind}) || null, 'data-label': kind === 'name' ? null : name,
    }, h('div', {}, content));

    // cellsOf: the contents of a row, one for each column. A row is made anew when its item has changed, or half a minute on,
    // since it may say how long ago something was; the focus stays on its button.
    function update(items, keyOf, cellsOf) {
        const moment = Math.floor(Date.now() / 30000);
        reconcile(body, items, keyOf, () => h('tr', {}), (row, item) => {
            const shown = `${moment} ${JSON.stringify(item)}`;
            if (row.dataset.shown === shown) return;
            row.dataset.shown = shown;
            const held = [...row.querySelectorAll('a, button')].indexOf(document.activeElement);
            replace(row, cellsOf(item).map((content, i) => cell(content, columns[i])));
            if (held >= 0) row.querySelectorAll('a, button')[held]?.focus();
        });
        node.hidden = !items.length;
    }
    return {node, update};
}

// Calls something now and then while a view is shown and somebody can see it; what fails is tried again.
export function repeatedly(context, milliseconds, action) {
    const timer = setInterval(() => { if (!document.hidden) action().catch(() => {}); }, milliseconds);
    context.onLeave(() => clearInterval(timer));
}
