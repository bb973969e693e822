// Talks to the coordinator. The browser's cookie says who asks; changes carry the header that only this page can set.

export class Refusal extends Error {
    constructor(status, detail) {
        super(detail);
        this.status = status;
    }
}

let signedOut = () => {};
export function onSignedOut(handler) { signedOut = handler; }

async function send(method, path, body, options = {}) {
    const headers = {'X-AlphaGrid': 'page'};
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    if (options.accept) headers.Accept = options.accept;
    let answer;
    try {
        answer = await fetch(path, {
            method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: options.signal,
            credentials: 'same-origin', redirect: 'error', cache: 'no-store',
        });
    } catch (error) {
        if (error.name === 'AbortError') throw error;
        throw new Refusal(0, 'The coordinator does not answer. The page keeps trying.');
    }
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({}));
    if (answer.status === 401 && !options.isSignIn) signedOut();
    throw new Refusal(answer.status, sentence(problem.detail || `The coordinator answers with status ${answer.status}`));
}

function sentence(text) {
    const start = text.charAt(0).toUpperCase() + text.slice(1);
    return /[.!?]$/.test(start) ? start : `${start}.`;
}

export async function get(path, options) {
    const answer = await send('GET', path, undefined, options);
    return answer.json();
}

export async function getBlob(path, options) {
    const answer = await send('GET', path, undefined, options);
    return answer.blob();
}

export async function post(path, body = {}, options) {
    const answer = await send('POST', path, body, options);
    return answer.status === 204 ? null : answer.json();
}

export async function remove(path) {
    await send('DELETE', path);
}

export function query(parameters) {
    const pairs = [];
    for (const [name, value] of Object.entries(parameters)) {
        for (const one of Array.isArray(value) ? value : [value]) {
            if (one === undefined || one === null || one === '') continue;
            pairs.push(`${encodeURIComponent(name)}=${encodeURIComponent(one)}`);
        }
    }
    return pairs.length ? `?${pairs.join('&')}` : '';
}

// Who is signed in; null for nobody.
export async function session() {
    try {
        const answer = await send('GET', '/v1/session', undefined, {isSignIn: true});
        return answer.json();
    } catch (error) {
        if (error.status === 401) return null;
        throw error;
    }
}

export function signIn(proof) {
    return post('/v1/session', proof, {isSignIn: true});
}

// Which paths this coordinator has, so that the page offers nothing that is not there. What varies in them has no name here.
const unnamed = (path) => path.replace(/\{[^}]*\}/g, '{}');
let paths = null;
export async function offers(path) {
    if (!paths) {
        paths = get('/openapi.json').then((document) => Object.keys(document.paths || {}).map(unnamed)).catch(() => {
            paths = null;
            return [];
        });
    }
    return (await paths).includes(unnamed(path));
}

// All rows of a result, by pages fetched at once; columns by name as typed as JSON has them.
export async function allRows(path, parameters, {signal, most = 200000, page = 10000} = {}) {
    const first = await get(path + query({...parameters, limit: page}), {signal});
    const total = first.total ?? first.rows.length;
    const offsets = [];
    for (let offset = page; offset < Math.min(total, most); offset += page) offsets.push(offset);
    const rest = await Promise.all(
        offsets.map((offset) => get(path + query({...parameters, limit: page, offset}), {signal})));
    return {columns: first.columns, rows: [first, ...rest].flatMap((part) => part.rows), total};
}
