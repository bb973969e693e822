// The results of one region, as tabs that each have an address.

import {h, replace} from './dom.js';
import {get} from './api.js';
import {ago, counted} from './format.js';
import {empty, failure, pageHead, waiting} from './ui.js';

const tabs = [
    ['summary', 'Summary', 'correlation', () => import('./tab-summary.js')],
    ['heatmap', 'Heatmap', null, () => import('./tab-heatmap.js')],
    ['map', 'Map', 'clusters', () => import('./tab-map.js')],
    ['tree', 'Dendrogram', 'cluster-methods', () => import('./tab-tree.js')],
    ['unique', 'Selection', 'selection', () => import('./tab-unique.js')],
    ['usage', 'Formulas', null, () => import('./tab-usage.js')],
];

export async function show(context) {
    const [name, wanted = 'summary'] = context.path;
    const {regions} = await get('/v1/regions', {signal: context.signal});
    const region = regions.find((one) => one.region === name);
    if (!region) {
        replace(context.root, pageHead(name), h('section', {class: 'card'}, empty('There is no such region',
            h('a', {href: '#/regions'}, 'All regions'))));
        return;
    }
    const tab = tabs.find(([key]) => key === wanted);
    context.title(`${tab ? tab[1] : 'Results'} of ${name}`);
    const body = h('div', {class: 'stack'}, waiting());
    const correlation = (region.results || []).find((result) => result.result === 'correlation');
    const about = [counted(region.alphas?.submitted || 0, 'alpha'), region.convention, region.window,
        correlation?.last_updated && `computed ${ago(correlation.last_updated)}`].filter(Boolean).join(' · ');
    replace(context.root,
        pageHead(name, {crumb: h('a', {href: '#/regions'}, 'Results'), lead: h('p', {}, about), tools: context.may('operator')
            && h('a', {class: 'button', href: `#/jobs/new?region=${name}`}, 'Compute')}),
        h('nav', {class: 'tabs', 'aria-label': `Results of ${name}`}, tabs.map(([key, label]) => h('a',
            {href: `#/regions/${name}/${key}`, 'aria-current': key === wanted ? 'page' : null}, label))), body);
    if (!tab) {
        replace(body, h('section', {class: 'card'}, empty(`There is no view '${wanted}'`,
            h('a', {href: `#/regions/${name}/summary`}, 'Summary'))));
        return;
    }
    const result = tab[2] && (region.results || []).find((one) => one.result === tab[2]);
    if (tab[2] && !(result && result.rows)) {
        const kind = {correlation: 'correlation', clusters: 'clusters', 'cluster-methods': 'clusters',
            selection: 'selection'}[tab[2]];
        replace(body, h('section', {class: 'card'}, empty('Nothing computed yet', context.may('operator')
            ? h('a', {href: `#/jobs/new?kind=${kind}&region=${name}`}, `Start a job of kind ${kind}`)
                : `It needs a job of kind ${kind}.`)));
        return;
    }
    try {
        const view = await tab[3]();
        if (!context.signal.aborted) await view.show(body, region, context);
    } catch (error) {
        if (error.name !== 'AbortError') replace(body, h('section', {class: 'card'}, failure(error, context.again)));
    }
}
