// The task stream: one lane per worker, one mark per finished task, as long as it took. What is idle is seen at once.

import {h} from './dom.js';
import {canvas, font, hideTip, place, showTip} from './canvas.js';
import {duration} from './format.js';
import {clusterColour} from './colours.js';
import {colour} from './theme.js';

const seconds = 60;
const lane = 22;
const left = 128;
const lanesMax = 24;

export function taskStream() {
    let tasks = [];
    let workers = [];
    let timer = 0;
    const stages = new Map();
    const chart = canvas(lane * 3 + 24, 'Task stream: finished tasks of the last minute, by worker', draw);

    function lanes() {
        const names = new Set(workers);
        for (const task of tasks) names.add(task.worker);
        return [...names].sort().slice(0, lanesMax);
    }

    function box(task, rows, now, width) {
        const scale = (width - left - 6) / (seconds * 1000);
        const end = width - 6 - (now - task.at) * scale;
        const long = Math.max(2, (task.milliseconds || 0) * scale);
        return [Math.max(left, end - long), rows.indexOf(task.worker) * lane + 4, Math.max(1.5, Math.min(long, end - left)),
            lane - 8];
    }

    function paint(task) {
        if (task.state !== 'merged') return colour('tile-failed');
        const name = `${task.job_id} ${task.stage}`;
        if (!stages.has(name)) stages.set(name, stages.size);
        return clusterColour(stages.get(name));
    }

    function draw(context, width, height) {
        const rows = lanes();
        const now = Date.now();
        font(context);
        context.textBaseline = 'middle';
        rows.forEach((name, i) => {
            context.fillStyle = colour('sunken');
            context.fillRect(left, i * lane + 3, width - left - 6, lane - 6);
            context.fillStyle = colour('muted');
            context.textAlign = 'left';
            context.fillText(name.length > 18 ? `…${name.slice(-17)}` : name, 0, i * lane + lane / 2 + 0.5);
        });
        for (const task of tasks) {
            if (now - task.at > seconds * 1000 || !rows.includes(task.worker)) continue;
            context.fillStyle = paint(task);
            context.fillRect(...box(task, rows, now, width));
        }
        context.fillStyle = colour('muted');
        context.textBaseline = 'alphabetic';
        context.fillText('1 min ago', left, height - 6);
        context.textAlign = 'right';
        context.fillText('now', width - 6, height - 6);
    }

    chart.node.addEventListener('pointermove', (event) => {
        const [x, y] = place(chart.node, event);
        const rows = lanes();
        const now = Date.now();
        const hit = tasks.findLast((task) => {
            if (!rows.includes(task.worker)) return false;
            const [bx, by, bw, bh] = box(task, rows, now, chart.node.clientWidth);
            return x >= bx - 1 && x <= bx + bw + 1 && y >= by && y <= by + bh && now - task.at < seconds * 1000;
        });
        showTip(event, hit ? `Job ${hit.job_id}, ${hit.stage}, task ${hit.task}\n${hit.worker}\n${hit.state} after `
            + duration((hit.milliseconds || 0) / 1000) : '');
    });
    chart.node.addEventListener('pointerleave', hideTip);
    const fit = () => {
        chart.node.style.height = `${Math.max(2, lanes().length) * lane + 24}px`;
        chart.redraw();
    };
    // It flows while something is on it, four frames a second: enough to see, and nothing for the machine.
    timer = setInterval(() => {
        const newest = tasks[tasks.length - 1];
        if (!document.hidden && newest && Date.now() - newest.at < seconds * 1000) chart.redraw();
    }, 250);
    return {
        node: h('div', {}, chart.node),
        tasks(list) { tasks = list; fit(); },
        workers(list) { workers = list.filter((worker) => worker.state !== 'lost').map((worker) => worker.worker); fit(); },
        stop() { clearInterval(timer); chart.stop(); },
    };
}
