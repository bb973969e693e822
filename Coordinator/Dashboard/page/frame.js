// The frame around every view: navigation, whether the page is live, who is signed in.

import {h, icon, setText} from './dom.js';
import {get, offers} from './api.js';
import {zone} from './format.js';
import * as live from './live.js';
import {showKeys} from './keys.js';
import {switchTheme} from './theme.js';

const links = [
    ['#/', 'overview', 'Overview'], ['#/jobs', 'jobs', 'Jobs'], ['#/workers', 'workers', 'Workers'],
        ['#/regions', 'results', 'Results'],
];
const later = [
    ['#/schedules', 'schedules', 'Schedules', '/v1/schedules'], ['#/alerts', 'alerts', 'Alerts', '/v1/alerts'],
    ['#/audit', 'audit', 'Audit log', '/v1/audit', 'admin'],
];

const item = (href, name, label) => h('a', {href}, icon(name), label, h('span', {class: 'tally', hidden: true}));

export function frame(me, main, signOut) {
    const nav = h('nav', {class: 'nav', 'aria-label': 'Main'}, links.map(([href, name, label]) => item(href, name, label)));
    for (const [href, name, label, path, role] of later) {
        if (role && me.role !== role) continue;
        offers(path).then((isThere) => {
            if (!isThere) return;
            nav.append(item(href, name, label));
            markCurrent(location.hash.slice(1).split('?')[0] || '/');
        });
    }
    listRegions(nav);
    const state = h('div', {class: 'link-state'}, h('span', {class: 'dot'}), h('span', {}, 'Connecting'));
    live.on('link', (link) => showLink(state, link));
    live.on('status', (status) => {
        tally(nav, '#/jobs', status.jobs_running + status.jobs_queued);
        tally(nav, '#/workers', status.workers_connected);
    });
    const side = h('div', {class: 'side'},
        h('a', {class: 'brand', href: '#/'}, h('img', {src: '/assets/icon.svg', alt: '', width: 26, height: 26}), 'AlphaGrid'),
        nav,
        h('div', {class: 'foot'}, state, h('div', {class: 'zone small muted'}, `Times in ${zone()}`),
            h('div', {class: 'who'}, h('div', {}, h('b', {title: me.name}, me.name), h('span', {class: 'muted'}, me.role)),
                tool('keyboard', 'Keyboard shortcuts', showKeys), tool('theme', 'Switch between light and dark', switchTheme),
                tool('exit', 'Sign out', signOut))));
    return h('div', {class: 'frame'}, side, main);
}

function tool(name, label, onclick) {
    return h('button', {class: 'quiet', 'aria-label': label, title: label, onclick}, icon(name));
}

async function listRegions(nav) {
    try {
        const {regions} = await get('/v1/regions');
        const after = nav.querySelector('[href="#/regions"]');
        for (const {region} of regions.slice(0, 12).reverse()) {
            after.after(h('a', {class: 'sub', href: `#/regions/${region}/summary`}, region));
        }
        markCurrent(location.hash.slice(1).split('?')[0] || '/');
    } catch {
        // The view of the results says what is wrong.
    }
}

function tally(nav, href, count) {
    const node = nav.querySelector(`[href="${href}"] .tally`);
    node.hidden = !count;
    setText(node, count);
}

function showLink(node, link) {
    const [tone, text] = {
        live: ['good', 'Live'], polling: ['good', 'Live, every 2 s'], connecting: ['', 'Connecting'],
            lost: ['bad', 'Connection lost'],
    }[link.state];
    node.firstChild.className = `dot ${tone}`;
    setText(node.lastChild, text);
    node.title = link.detail || '';
}

// Marks the most exact link to where the page is.
export function markCurrent(path) {
    const all = [...document.querySelectorAll('.nav a')];
    const here = `#${path}`;
    const fits = all.filter((link) => {
        const href = link.getAttribute('href').replace(/\/summary$/, '');
        return here === href || (href !== '#/' && here.startsWith(`${href}/`));
    }).sort((a, b) => b.getAttribute('href').length - a.getAttribute('href').length);
    for (const link of all) {
        if (link === fits[0]) link.setAttribute('aria-current', 'page');
        else link.removeAttribute('aria-current');
    }
    // On a phone the links are a line that may be longer than the screen.
    fits[0]?.scrollIntoView({block: 'nearest', inline: 'nearest'});
}
