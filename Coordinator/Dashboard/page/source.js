// Where a table's rows come from: pages of a result on the coordinator, or a list that the page has already.

import {get, query} from './api.js';

const page = 200;

// Rows of a result, fetched as they come into sight; sorting and filtering is the coordinator's.
export class RemoteRows {
    constructor(path, {columns, filters = [], sort = '', extra = {}} = {}) {
        Object.assign(this, {path, columns, filters, sort, extra, total: 0, pages: new Map(), onchange: () => {},
            onerror: () => {}});
        this.generation = 0;
    }

    parameters() {
        return {...this.extra, filter: this.filters, sort: this.sort};
    }

    // Begins anew after a change of filters or order.
    async load() {
        this.generation += 1;
        this.pages.clear();
        this.abort?.abort();
        this.abort = new AbortController();
        await this.fetch(0);
    }

    async fetch(number) {
        const generation = this.generation;
        this.pages.set(number, null);
        try {
            const answer = await get(this.path + query({...this.parameters(), columns: this.columns?.join(','), limit: page,
                offset: number * page}), {signal: this.abort?.signal});
            if (generation !== this.generation) return;
            this.names = answer.columns;
            this.pages.set(number, answer.rows);
            this.total = answer.total ?? Math.max(this.total, number * page + answer.rows.length + (answer.next_offset ? 1 : 0));
            this.onchange();
        } catch (error) {
            if (generation !== this.generation || error.name === 'AbortError') return;
            this.pages.delete(number);
            this.onerror(error);
        }
    }

    // undefined where a row is still on its way.
    row(index) {
        const number = Math.floor(index / page);
        if (!this.pages.has(number)) {
            this.fetch(number);
            return undefined;
        }
        const values = this.pages.get(number)?.[index - number * page];
        return values && Object.fromEntries(this.names.map((name, i) => [name, values[i]]));
    }
}

// Rows that are here already, such as those of a selection.
export class LocalRows {
    constructor(rows, {sort = ''} = {}) {
        Object.assign(this, {all: rows, rows, sort, total: rows.length, filters: [], onchange: () => {}, onerror: () => {}});
    }

    async load() {
        const tests = this.filters.map((filter) => test(filter));
        this.rows = tests.length ? this.all.filter((row) => tests.every((passes) => passes(row))) : [...this.all];
        const sign = this.sort.startsWith('-') ? -1 : 1;
        const name = this.sort.replace(/^-/, '');
        if (name) this.rows.sort((a, b) => compare(a[name], b[name], sign));
        this.total = this.rows.length;
        this.onchange();
    }

    row(index) { return this.rows[index]; }
}

// What is missing comes last either way, as it does where the coordinator sorts.
function compare(a, b, sign) {
    if (a === b) return 0;
    if (a === null || a === undefined) return 1;
    if (b === null || b === undefined) return -1;
    return a < b ? -sign : sign;
}

function test(filter) {
    const [column, operator, ...rest] = filter.split(':');
    const text = rest.join(':');
    const value = Number(text);
    return (row) => {
        const own = row[column];
        if (operator === 'null') return own === null || own === undefined;
        if (operator === 'notnull') return own !== null && own !== undefined;
        if (own === null || own === undefined) return false;
        const other = typeof own === 'number' ? value : text;
        return {lt: own < other, le: own <= other, gt: own > other, ge: own >= other, eq: own === other,
            ne: own !== other}[operator];
    };
}
