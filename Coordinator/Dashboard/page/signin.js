// Signing in: by the one-time code of a link, or by pasting a token.

import {h} from './dom.js';
import * as api from './api.js';

let whyNot = '';

// Uses the code behind # once and takes it out of the address, so that no history keeps it.
export async function takeCode() {
    const found = /^#code=([0-9A-Za-z_-]+)$/.exec(location.hash);
    if (!found) return null;
    history.replaceState(null, '', location.pathname);
    try {
        await api.signIn({code: found[1]});
        whyNot = '';
        return await api.session();
    } catch (error) {
        whyNot = error.status === 401 ? 'This link has been used already or is older than five minutes.' : error.message;
        return null;
    }
}

export function signInPage(done) {
    const complaint = h('p', {class: 'note bad', role: 'alert', hidden: !whyNot}, whyNot);
    const field = h('input', {id: 'token', type: 'password', autocomplete: 'off', spellcheck: 'false', required: true,
        'aria-describedby': 'token-hint', placeholder: 'ag_…'});
    const button = h('button', {type: 'submit', class: 'primary'}, 'Sign in');
    const submit = async (event) => {
        event.preventDefault();
        button.disabled = true;
        complaint.hidden = true;
        try {
            await api.signIn({token: field.value.trim()});
            field.value = '';
            whyNot = '';
            await done();
        } catch (error) {
            complaint.textContent = error.status === 401 ? 'This token is not valid here.' : error.message;
            complaint.hidden = false;
            field.focus();
        } finally {
            button.disabled = false;
        }
    };
    document.title = 'Sign in · AlphaGrid';
    return h('main', {id: 'main', class: 'signin', tabindex: '-1'},
        h('form', {class: 'card', onsubmit: submit},
            h('img', {src: '/assets/icon.svg', alt: '', width: 44, height: 44}), h('h1', {}, 'Sign in to AlphaGrid'),
            complaint,
            h('div', {class: 'way'}, h('h2', {}, 'With a link'),
                h('p', {class: 'muted'}, 'Where the coordinator runs, this prints one that works once:'),
                h('code', {class: 'command'}, 'alphagrid open')),
            h('div', {class: 'way'}, h('h2', {}, 'With a token'),
                h('div', {class: 'field'}, h('label', {for: 'token'}, 'Token'), field,
                    h('span', {class: 'hint', id: 'token-hint'},
                        'Of the coordinator\u2019s state folder, or one that \u2018alphagrid tokens add\u2019 has made.'))),
            button));
}
