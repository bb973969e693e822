// Saves what is shown: tables as CSV, charts as PNG.

import {getBlob, query} from './api.js';
import {toast} from './ui.js';

export function saveBlob(blob, name) {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// The whole of a result with its filters and order, as the coordinator writes CSV: by as many rows at once as it gives, since
// between two requests a job may publish others.
export async function saveResult(path, source, name) {
    const parts = [];
    const page = 100000;
    for (let offset = 0; offset === 0 || offset < source.total; offset += page) {
        const blob = await getBlob(path + query({...source.parameters(), format: 'csv', limit: page, offset}),
            {accept: 'text/csv'});
        const text = await blob.text();
        parts.push(offset === 0 ? text : text.slice(text.indexOf('\n') + 1));
    }
    saveBlob(new Blob(parts, {type: 'text/csv'}), `${name}.csv`);
    toast(`${name}.csv is saved`);
}

// Rows of objects; what a spreadsheet would take for a formula is quoted with an apostrophe.
export function saveRows(rows, columns, name) {
    const cell = (value) => {
        if (value === null || value === undefined) return '';
        const text = typeof value === 'string' && /^[=+\-@\t]/.test(value) ? `'${value}` : String(value);
        return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    const lines = [columns.join(','), ...rows.map((row) => columns.map((column) => cell(row[column])).join(','))];
    saveBlob(new Blob([`${lines.join('\n')}\n`], {type: 'text/csv'}), `${name}.csv`);
    toast(`${name}.csv is saved`);
}

// On the ground of the page, since a transparent picture is black in half of all programs.
export function saveCanvas(node, name, ground) {
    const copy = document.createElement('canvas');
    copy.width = node.width;
    copy.height = node.height;
    const context = copy.getContext('2d');
    context.fillStyle = ground;
    context.fillRect(0, 0, copy.width, copy.height);
    context.drawImage(node, 0, 0);
    return new Promise((resolve) => copy.toBlob((blob) => {
        saveBlob(blob, `${name}.png`);
        toast(`${name}.png is saved`);
        resolve();
    }, 'image/png'));
}
