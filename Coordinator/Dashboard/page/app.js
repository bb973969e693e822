// Where the page begins: who is signed in, which view the address names, and what is to be undone when it is left.

import {h, replace} from './dom.js';
import * as api from './api.js';
import * as live from './live.js';
import {frame, markCurrent} from './frame.js';
import {startKeys} from './keys.js';
import {applyTheme} from './theme.js';
import {signInPage, takeCode} from './signin.js';
import {announce, empty, failure, waiting} from './ui.js';

// The views by address; each file is fetched when its view is first opened.
const routes = [
    [/^\/?$/, 'Overview', () => import('./view-overview.js')],
    [/^\/jobs$/, 'Jobs', () => import('./view-jobs.js')],
    [/^\/jobs\/new$/, 'New job', () => import('./view-new.js')],
    [/^\/jobs\/(\d+)$/, 'Job', () => import('./view-job.js')],
    [/^\/workers$/, 'Workers', () => import('./view-workers.js')],
    [/^\/regions$/, 'Results', () => import('./view-regions.js')],
    [/^\/regions\/([A-Z0-9]+)\/alphas\/(.+)$/, 'Alpha', () => import('./view-alpha.js')],
    [/^\/regions\/([A-Z0-9]+)(?:\/(\w+))?$/, 'Results', () => import('./view-region.js')],
    [/^\/schedules$/, 'Schedules', () => import('./view-schedules.js')],
    [/^\/alerts$/, 'Alerts', () => import('./view-alerts.js')],
    [/^\/audit$/, 'Audit log', () => import('./view-audit.js')],
];

let me = null;
let leave = () => {};
let main = null;

// #/regions/USA/summary?sort=x -> {path, query}
export function address() {
    const [path, query = ''] = (location.hash.slice(1) || '/').split('?');
    return {path: path || '/', query: new URLSearchParams(query)};
}

// What is no percent encoding, as somebody may type it, stays as it is: then there is nothing of that name.
function plain(part) {
    try {
        return decodeURIComponent(part);
    } catch {
        return part;
    }
}

async function show() {
    const {path, query} = address();
    leave();
    const undo = [];
    const abort = new AbortController();
    undo.push(() => abort.abort());
    leave = () => {
        for (const step of undo.splice(0)) step();
    };
    markCurrent(path);
    const found = routes.find(([pattern]) => pattern.test(path));
    const root = h('div', {class: 'view'}, waiting());
    replace(main, root);
    scrollTo(0, 0);
    if (!found) {
        replace(root, empty('There is no such page', h('a', {href: '#/'}, 'Back to the overview')));
        return;
    }
    const [pattern, title, load] = found;
    const context = {
        root, query, me, signal: abort.signal, path: path.match(pattern).slice(1).map((part) => part && plain(part)),
        on: (topic, handler) => undo.push(live.on(topic, handler)),
        onLeave: (step) => undo.push(step),
        may: (role) => ['viewer', 'operator', 'admin'].indexOf(me.role) >= ['viewer', 'operator', 'admin'].indexOf(role),
        title: (text) => { document.title = `${text} · AlphaGrid`; },
        again: show,
    };
    context.title(title);
    try {
        const view = await load();
        if (abort.signal.aborted) return;
        await view.show(context);
        if (abort.signal.aborted) return;
        const heading = root.querySelector('h1');
        if (heading && !root.contains(document.activeElement)) heading.focus({preventScroll: true});
        announce(`${heading ? heading.textContent : title}`);
    } catch (error) {
        if (error.name !== 'AbortError' && !abort.signal.aborted) replace(root, failure(error, show));
    }
}

async function begin() {
    const page = document.getElementById('page');
    me = await takeCode() || await api.session();
    if (!me) {
        live.stop();
        leave();
        replace(page, signInPage(begin));
        page.querySelector('input').focus();
        return;
    }
    main = h('main', {id: 'main', tabindex: '-1'});
    replace(page, frame(me, main, signOut));
    live.start();
    await show();
}

async function signOut() {
    await api.remove('/v1/session').catch(() => {});
    live.stop();
    begin();
}

applyTheme();
startKeys();
api.onSignedOut(() => { if (me) { me = null; begin(); } });
addEventListener('hashchange', () => { if (location.hash.startsWith('#code=')) begin(); else if (me) show(); });
addEventListener('themechange', () => { if (me) show(); });
document.querySelector('.skip').addEventListener('click', (event) => {
    event.preventDefault();
    document.getElementById('main')?.focus();
});
begin().catch((error) => replace(document.getElementById('page'), failure(error, () => location.reload())));
