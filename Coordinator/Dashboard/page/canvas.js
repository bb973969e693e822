// A canvas that is sharp on every screen, draws once per frame at most, and follows the size of its place.

import {h} from './dom.js';
import {colour} from './theme.js';

// draw(context, width, height) in CSS pixels. Returns {node, redraw, stop}.
export function canvas(height, label, draw, {role = 'img', tabindex} = {}) {
    const node = h('canvas', {role, 'aria-label': label, tabindex});
    node.style.height = typeof height === 'number' ? `${height}px` : height;
    let frame = 0;
    const paint = () => {
        frame = 0;
        const width = node.clientWidth;
        const tall = node.clientHeight;
        if (!width || !tall) return;
        const scale = Math.min(devicePixelRatio || 1, 3);
        if (node.width !== Math.round(width * scale) || node.height !== Math.round(tall * scale)) {
            node.width = Math.round(width * scale);
            node.height = Math.round(tall * scale);
        }
        const context = node.getContext('2d');
        context.setTransform(scale, 0, 0, scale, 0, 0);
        context.clearRect(0, 0, width, tall);
        draw(context, width, tall);
    };
    const redraw = () => { if (!frame) frame = requestAnimationFrame(paint); };
    const observer = new ResizeObserver(redraw);
    observer.observe(node);
    return {node, redraw, paint, stop: () => { observer.disconnect(); cancelAnimationFrame(frame); }};
}

export const place = (node, event) => {
    const box = node.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
};

let tip = null;
export function showTip(event, text) {
    if (!tip) tip = document.body.appendChild(h('div', {class: 'tip', 'aria-hidden': 'true'}));
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    const {offsetWidth: width, offsetHeight: height} = tip;
    const left = event.clientX + 14 + width > innerWidth ? event.clientX - width - 12 : event.clientX + 14;
    const top = event.clientY + 16 + height > innerHeight ? event.clientY - height - 10 : event.clientY + 16;
    tip.style.left = `${Math.max(4, left)}px`;
    tip.style.top = `${Math.max(4, top)}px`;
}
export const hideTip = () => { if (tip) tip.hidden = true; };
addEventListener('hashchange', hideTip);

export function font(context, size = 11, weight = 450) {
    context.font = `${weight} ${size}px ${colour('font')}`;
}

// Round steps for an axis: 1, 2 or 5 times a power of ten.
export function ticks(most, wanted = 3) {
    if (!(most > 0)) return [0];
    const rough = most / wanted;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
    const list = [];
    for (let value = 0; value <= most * 1.0001; value += step) list.push(value);
    return list;
}
