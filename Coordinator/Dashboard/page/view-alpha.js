// One alpha: its PnL and drawdown, its neighbours, its formula with the operators marked, and what the jobs say of it.

import {h, icon, replace} from './dom.js';
import {get} from './api.js';
import {clusterColour} from './colours.js';
import {count, fixed, heading, isNumber, percent, r, short, time} from './format.js';
import {axis, plot} from './plots.js';
import {alphaLink, paintR} from './tab-summary.js';
import {card, empty, facts, fill, pageHead, stat} from './ui.js';

const book = 10000000;

export async function show(context) {
    const [region, id] = context.path;
    const path = `/v1/regions/${region}/alphas/${encodeURIComponent(id)}`;
    const alpha = await get(path, {signal: context.signal});
    context.title(id);
    const curve = h('div', {});
    const correlation = alpha.correlation || {};
    const tile = (label, value, more) => {
        const one = stat(label);
        one.value.textContent = value;
        one.more.textContent = more || '';
        return one.node;
    };
    replace(context.root,
        pageHead(h('span', {class: 'mono-head'}, id), {crumb: [h('a', {href: '#/regions'}, 'Results'), ' / ',
            h('a', {href: `#/regions/${region}/summary`}, region)]}),
        h('div', {class: 'stack'},
            h('div', {class: 'stats'}, tile('Largest r', r(correlation.max_correlation), correlation.most_correlated_alpha_id
                && `with ${correlation.most_correlated_alpha_id}`), tile('Smallest r', r(correlation.min_correlation),
                correlation.least_correlated_alpha_id && `with ${correlation.least_correlated_alpha_id}`),
            tile('Median r', r(correlation.median_correlation), `mean ${r(correlation.avg_correlation)}`),
            tile('Sharpe', fixed(alpha.features?.sharpe ?? Number(alpha.metadata?.is_sharpe || NaN)),
                alpha.features?.annual_return !== undefined
                && `${percent(alpha.features.annual_return, 1)} a year`)),
            h('div', {class: 'grid two'}, h('div', {class: 'stack'}, curve, alpha.code ? card('Formula', formula(alpha)) : null),
                h('div', {class: 'stack'}, neighbours('Most like', alpha.most_correlated, region),
                    neighbours('Least like', alpha.least_correlated, region))),
            h('div', {class: 'grid half'}, card('About', about(alpha)), card('Features', features(alpha.features)))));
    fill(curve, async () => pnl(await get(`${path}/pnl`, {signal: context.signal}), context, id));
}

function pnl(data, context, id) {
    let peak = -Infinity;
    // What lies below the highest value so far, as a share of the book; where there is no value there is none.
    const drawdown = data.pnl.map((value) => {
        if (!isNumber(value)) return null;
        peak = Math.max(peak, value);
        return (value - peak) / book;
    });
    const worst = drawdown.reduce((low, value) => (value !== null && value < low ? value : low), 0);
    const chart = plot(context, `PnL and drawdown of ${id}; largest drawdown ${percent(worst, 1)}`, 380, () => ({
        traces: [{x: data.dates, y: data.pnl, mode: 'lines', name: 'PnL', line: {color: clusterColour(0), width: 1.7},
            connectgaps: false,
            hovertemplate: '%{y:$,.0f}'},
        {x: data.dates, y: drawdown, mode: 'lines', name: 'Drawdown', yaxis: 'y2', fill: 'tozeroy',
            line: {color: clusterColour(1), width: 1.2},
            hovertemplate: '%{y:.2%}'}],
        layout: {margin: {l: 62, r: 14, t: 8, b: 34}, xaxis: axis({type: 'date', showgrid: false, anchor: 'y2'}),
            yaxis: axis({domain: [0.36, 1], tickprefix: '$', tickformat: '.2~s', title: {text: 'Cumulative PnL'}}),
            yaxis2: axis({domain: [0, 0.26], tickformat: '~%', title: {text: 'Drawdown'}})}}));
    const known = data.pnl.filter(isNumber);
    return card('PnL', h('div', {}, chart.node), {tools: [
        h('span', {class: 'muted small'}, known.length
            ? `$${short(known[known.length - 1])} over ${count(known.length)} days, worst drawdown `
            + percent(worst, 1) : 'no days'),
        h('button', {class: 'small', onclick: () => chart.png(`pnl-${id}`)}, icon('download'), 'PNG')]});
}

function neighbours(title, list, region) {
    if (!list?.length) return card(title, empty('None known', 'They come with a correlation job.'));
    return card(title, h('table', {class: 'sparse'}, h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, 'Alpha'),
        h('th', {scope: 'col', class: 'number'}, 'r'),
        h('th', {scope: 'col', class: 'number'}, 'Days'))), h('tbody', {}, list.slice(0, 10).map((one) => {
        const cell = h('td', {class: 'number'}, r(one.r));
        paintR(cell, one.r);
        return h('tr', {}, h('td', {}, alphaLink(region, one.alpha_id)), cell, h('td', {class: 'number muted'}, count(one.n)));
    }))), {flush: true});
}

function formula(alpha) {
    const parts = [];
    let at = 0;
    for (const mark of [...(alpha.code_marks || [])].sort((a, b) => a.start - b.start)) {
        if (mark.start < at || mark.end > alpha.code.length) continue;
        parts.push(alpha.code.slice(at, mark.start), h('span', {class: `code-${mark.kind}`},
            alpha.code.slice(mark.start, mark.end)));
        at = mark.end;
    }
    parts.push(alpha.code.slice(at));
    return h('div', {class: 'stack tight'}, h('pre', {class: 'code', tabindex: '0', 'aria-label': 'Formula'}, parts),
        h('div', {class: 'legend code-legend'},
        ['operator', 'field', 'number', 'group'].filter((kind) => (alpha.code_marks || []).some((mark) => mark.kind === kind))
            .map((kind) => h('span', {class: `code-${kind}`}, kind))),
    alpha.code_error && h('p', {class: 'note warn'}, alpha.code_error));
}

function about(alpha) {
    const clusters = (alpha.clusters || []).filter((one) => one.label !== undefined && one.label !== null).map((one) => [
        heading(one.method), one.label < 0 ? 'noise'
            : `cluster ${one.label}${isNumber(one.probability) ? ` (${percent(one.probability)} sure)` : ''}`]);
    const known = Object.entries(alpha.metadata || {}).filter(([, value]) => value !== null && value !== '')
        .map(([name, value]) => [heading(name), /^\d{4}-\d\d-\d\dT/.test(value) ? time(value) : String(value)]);
    const chosen = alpha.selection && [['Selection', alpha.selection.is_chosen ? 'keep'
        : `not kept: ${alpha.selection.reason || 'no reason'}`],
        ['Unique', alpha.selection.is_unique ? 'yes' : 'no']];
    const cross = alpha.cross_correlation && [['Largest r with a submitted one',
        r(alpha.cross_correlation.max_correlation_with_submitted)],
        ['That one', alphaLink(alpha.region, alpha.cross_correlation.best_correlated_submitted_alpha)]];
    const rows = [['Description', alpha.description], ...known, ...clusters, ...(chosen || []), ...(cross || [])]
        .filter(([, value]) => value);
    return rows.length ? facts(rows) : empty('Nothing known', 'Metadata comes with ', h('code', {}, 'alphagrid db import-alphas'),
        '.');
}

function features(values) {
    const hidden = new Set(['alpha_id', 'job_id', 'convention', 'last_updated', 'window_start', 'window_end']);
    const rows = Object.entries(values || {}).filter(([name, value]) => !hidden.has(name) && !name.startsWith('rolling')
        && value !== null)
        .map(([name, value]) => [heading(name), isNumber(value) ? (Number.isInteger(value) ? count(value) : fixed(value, 4))
            : String(value)]);
    return rows.length ? h('div', {class: 'pairs'}, facts(rows)) : empty('Not computed yet', 'They come with a features job.');
}
