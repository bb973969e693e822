// Two small charts of the last minutes: tasks per second, and GFLOP/s of all workers.

import {h, setText} from './dom.js';
import {canvas, font, hideTip, place, showTip, ticks} from './canvas.js';
import {duration, short} from './format.js';
import {colour} from './theme.js';

const seconds = 300;

// key: which field of the history; returns {node, update, stop}.
export function throughput(title, key, unit) {
    let history = [];
    const margin = {left: 44, right: 8, top: 10, bottom: 20};
    const now = h('b', {}, '–');
    const chart = canvas(150, `${title} of the last five minutes`, (context, width, height) => {
        const until = history.length ? history[history.length - 1].at : Date.now();
        const points = history.filter((point) => point.at > until - seconds * 1000 && point[key] !== undefined);
        const top = Math.max(1, ...points.map((point) => point[key])) * 1.08;
        const x = (at) => margin.left + (width - margin.left - margin.right) * (1 - (until - at) / (seconds * 1000));
        const y = (value) => height - margin.bottom - (height - margin.top - margin.bottom) * (value / top);
        axes(context, width, height, margin, points.length ? ticks(top) : [0], y, x, until);
        if (points.length < 2) return;
        context.beginPath();
        points.forEach((point, i) => context[i ? 'lineTo' : 'moveTo'](x(point.at), y(point[key])));
        context.strokeStyle = colour('accent');
        context.lineWidth = 1.8;
        context.lineJoin = 'round';
        context.stroke();
        context.lineTo(x(points[points.length - 1].at), y(0));
        context.lineTo(x(points[0].at), y(0));
        context.globalAlpha = 0.12;
        context.fillStyle = colour('accent');
        context.fill();
        context.globalAlpha = 1;
    });
    chart.node.addEventListener('pointermove', (event) => {
        const until = history.length ? history[history.length - 1].at : 0;
        const [at] = place(chart.node, event);
        const share = 1 - (at - margin.left) / (chart.node.clientWidth - margin.left - margin.right);
        const wanted = until - share * seconds * 1000;
        let best = null;
        for (const point of history) if (!best || Math.abs(point.at - wanted) < Math.abs(best.at - wanted)) best = point;
        showTip(event, best && share >= 0 && share <= 1
            ? `${short(best[key] || 0)} ${unit}\n${duration((until - best.at) / 1000)} ago` : '');
    });
    chart.node.addEventListener('pointerleave', hideTip);
    const node = h('div', {}, h('div', {class: 'chart-head'}, h('h3', {}, title), h('span', {class: 'muted'}, now, ` ${unit}`)),
        chart.node);
    return {
        node,
        update(list) {
            history = list;
            const point = list[list.length - 1];
            setText(now, point && point[key] !== undefined ? short(point[key]) : '–');
            chart.redraw();
        },
        stop: chart.stop,
    };
}

function axes(context, width, height, margin, marks, y, x, until) {
    font(context);
    context.fillStyle = colour('muted');
    context.strokeStyle = colour('line');
    context.lineWidth = 1;
    context.textBaseline = 'middle';
    context.textAlign = 'right';
    for (const mark of marks) {
        const at = Math.round(y(mark)) + 0.5;
        context.beginPath();
        context.moveTo(margin.left, at);
        context.lineTo(width - margin.right, at);
        context.stroke();
        context.fillText(short(mark), margin.left - 7, at);
    }
    context.textBaseline = 'alphabetic';
    for (const [ago, label, align] of [[300, '5 min ago', 'left'], [150, '2 min 30 s', 'center'], [0, 'now', 'right']]) {
        context.textAlign = align;
        context.fillText(label, x(until - ago * 1000), height - 5);
    }
}
