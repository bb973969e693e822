// Filters of a result: quick ones by universe, delay and type, and any column against a number or a text, shown as chips.

import {h, icon, replace} from './dom.js';
import {heading} from './format.js';
import {ask, input} from './ui.js';

const operators = [['lt', '<'], ['le', '\u2264'], ['gt', '>'], ['ge', '\u2265'], ['eq', '='], ['ne', '\u2260'],
    ['null', 'is missing'],
    ['notnull', 'is there']];
const signs = Object.fromEntries(operators);

// state: {filters: [...], extra: {universe, delay, type}}; onchange is called after each change of it.
export function filterBar(state, columns, region, onchange, example = 'max_correlation < 0.3') {
    const chips = h('div', {class: 'chips', 'aria-label': 'Filters'});
    const quick = [['universe', 'Universe', region.universes], ['delay', 'Delay', region.delays], ['type', 'Type', region.types]]
        .filter(([, , values]) => values && values.length > 1)
        .map(([name, label, values]) => {
            const node = input({name, choices: [['', `Any ${label.toLowerCase()}`],
                ...values.map((value) => [value, name === 'delay'
                ? `Delay ${value}` : value])], value: state.extra[name] ?? ''});
            node.setAttribute('aria-label', label);
            node.addEventListener('change', () => {
                state.extra[name] = node.value;
                onchange();
            });
            return h('div', {class: 'filter'}, node);
        });
    const search = h('input', {type: 'search', placeholder: example, 'aria-label': 'Add a filter',
        autocomplete: 'off',
        spellcheck: 'false', title: 'A column, a comparison and a value, or the id of an alpha; then Enter'});
    search.addEventListener('keydown', (event) => {
        if (event.key !== 'Enter') return;
        event.preventDefault();
        const filter = parse(search.value, columns);
        search.setAttribute('aria-invalid', String(!filter));
        if (!filter) return;
        search.value = '';
        add(filter);
    });
    search.addEventListener('input', () => search.removeAttribute('aria-invalid'));
    const add = (filter) => {
        if (!state.filters.includes(filter)) state.filters.push(filter);
        render();
        onchange();
    };
    const choose = async () => {
        const values = await ask('Add a filter', {action: 'Add', fields: [
            {name: 'column', label: 'Column', choices: columns.map((column) => [column.name, column.label])},
            {name: 'operator', label: 'Comparison', choices: operators},
            {name: 'value', label: 'Value', placeholder: '0.3'}]});
        if (!values) return;
        add([values.column, values.operator, ...(/null$/.test(values.operator) ? [] : [values.value])].join(':'));
    };
    const render = () => replace(chips, state.filters.map((filter) => {
        const [name, operator, ...rest] = filter.split(':');
        const text = `${heading(name)} ${signs[operator] || operator} ${rest.join(':')}`.trim();
        return h('span', {class: 'chip'}, text, h('button', {'aria-label': `Remove the filter ${text}`, onclick: () => {
            state.filters.splice(state.filters.indexOf(filter), 1);
            render();
            onchange();
            search.focus();
        }}, icon('close')));
    }));
    render();
    return h('div', {class: 'filters', role: 'search'}, h('div', {class: 'filter grow'}, search), quick,
        h('button', {onclick: choose}, icon('plus'), 'Filter'), chips);
}

// 'max_correlation < 0.3' -> 'max_correlation:lt:0.3'; a lone word is an alpha's id; null for what is neither.
export function parse(text, columns) {
    const words = /^\s*([a-z_][\w ]*?)\s*(<=|>=|!=|<>|==|<|>|=|\u2264|\u2265|\u2260)\s*(.+?)\s*$/i.exec(text);
    if (!words) {
        const id = text.trim();
        return id && !/\s/.test(id) ? `alpha_id:eq:${id}` : null;
    }
    const name = words[1].toLowerCase().replaceAll(' ', '_');
    const column = columns.find((one) => one.name === name || one.label.toLowerCase() === words[1].toLowerCase());
    if (!column) return null;
    const operator = {'<': 'lt', '<=': 'le', '\u2264': 'le', '>': 'gt', '>=': 'ge', '\u2265': 'ge', '=': 'eq', '==': 'eq',
        '!=': 'ne',
        '<>': 'ne', '\u2260': 'ne'}[words[2]];
    if (column.kind === 'number' && !Number.isFinite(Number(words[3]))) return null;
    return `${column.name}:${operator}:${words[3]}`;
}
