// A table of any length: only the rows in sight are in the page. Arrow keys walk through it, Enter opens a row, and the
// headings sort.

import {h, icon, replace, setText} from './dom.js';
import {count} from './format.js';

const rowHeight = 36;
const spare = 8;
// Browsers lay out no more than some 30 million pixels.
const rowsMax = 800000;

// columns: [{name, label, kind: 'number'|'id'|'text', show(value, row), paint(value)}]
export function table(label, source, columns, {open, height = 'calc(100vh - 300px)', sortable = true} = {}) {
    let at = 0;
    let drawn = '';
    const body = h('tbody', {});
    const head = h('tr', {}, columns.map((column) => heading(column)));
    const grid = h('table', {class: 'vtable', 'aria-label': label, 'aria-rowcount': -1}, h('thead', {}, head), body);
    const view = h('div', {class: 'vscroll', tabindex: '0', role: 'region', 'aria-label': `${label}, scrollable`}, grid);
    view.style.maxHeight = height;
    const total = h('span', {class: 'muted small', role: 'status'});

    function heading(column) {
        const cell = h('th', {scope: 'col', class: column.kind === 'number' ? 'number' : ''});
        if (!sortable) return append(cell, column.label);
        const button = h('button', {class: 'sort', title: column.title, onclick: () => {
            const isFirst = source.sort.replace(/^-/, '') !== column.name;
            source.sort = isFirst ? (column.kind === 'number' ? `-${column.name}` : column.name)
                : source.sort.startsWith('-') ? column.name : `-${column.name}`;
            reload();
        }}, column.label);
        return append(cell, button);
    }

    function markSort() {
        columns.forEach((column, i) => {
            const isMine = source.sort.replace(/^-/, '') === column.name;
            const direction = source.sort.startsWith('-') ? 'descending' : 'ascending';
            if (isMine) head.children[i].setAttribute('aria-sort', direction);
            else head.children[i].removeAttribute('aria-sort');
        });
    }

    function makeRow(index) {
        const row = source.row(index);
        const cells = columns.map((column) => {
            if (!row) return h('td', {}, h('i', {class: 'pending'}));
            const value = row[column.name];
            const shown = column.show ? column.show(value, row) : value ?? '–';
            const cell = h('td', {class: column.kind || ''}, shown);
            if (column.paint) column.paint(cell, value);
            return cell;
        });
        return h('tr', {'aria-rowindex': index + 2, class: index === at ? 'at' : '', 'data-index': index}, cells);
    }

    function draw(isForced) {
        const most = Math.min(source.total, rowsMax);
        const first = Math.max(0, Math.floor(view.scrollTop / rowHeight) - spare);
        const last = Math.min(most, Math.ceil((view.scrollTop + view.clientHeight) / rowHeight) + spare);
        const key = `${first}-${last}-${at}-${most}`;
        if (!isForced && key === drawn) return;
        drawn = key;
        const rows = [];
        for (let index = first; index < last; index += 1) rows.push(makeRow(index));
        const blank = (rowsOut) => rowsOut > 0 && h('tr', {'aria-hidden': 'true', class: 'blank',
            style: {height: `${rowsOut * rowHeight}px`}},
            h('td', {colspan: columns.length}));
        // The parity of the stripes must not change while one scrolls.
        replace(body, blank(first), first % 2 ? h('tr', {'aria-hidden': 'true', class: 'blank'}) : null, rows,
            blank(most - last));
        grid.setAttribute('aria-rowcount', most + 1);
        setText(total, source.total === 1 ? '1 row' : `${count(source.total)} rows`);
    }

    function move(to) {
        at = Math.max(0, Math.min(source.total - 1, to));
        const top = at * rowHeight;
        const room = view.clientHeight - rowHeight * 2;
        if (top < view.scrollTop) view.scrollTop = top;
        else if (top > view.scrollTop + room) view.scrollTop = top - room;
        draw(true);
    }

    let frame = 0;
    view.addEventListener('scroll', () => {
        if (!frame) frame = requestAnimationFrame(() => { frame = 0; draw(); });
    }, {passive: true});
    view.addEventListener('keydown', (event) => {
        if (event.target !== view) return;
        const page = Math.floor(view.clientHeight / rowHeight) - 2;
        const steps = {ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0,
            End: source.total - 1};
        if (event.key in steps) {
            event.preventDefault();
            move(steps[event.key]);
        } else if (event.key === 'Enter' && open && source.row(at)) open(source.row(at));
    });
    body.addEventListener('click', (event) => {
        const row = event.target.closest('tr[data-index]');
        if (!row || event.target.closest('a, button')) return;
        at = Number(row.dataset.index);
        draw(true);
        if (open && source.row(at)) open(source.row(at));
    });

    async function reload() {
        view.scrollTop = 0;
        at = 0;
        markSort();
        grid.setAttribute('aria-busy', 'true');
        await source.load();
        grid.removeAttribute('aria-busy');
    }
    source.onchange = () => draw(true);
    const observer = new ResizeObserver(() => draw());
    observer.observe(view);
    return {node: view, total, reload, stop: () => observer.disconnect()};
}

function append(cell, child) {
    cell.append(child);
    if (child instanceof Node) cell.firstChild.append(icon('next'));
    return cell;
}
