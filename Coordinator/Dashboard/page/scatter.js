// A scatter plot of many thousand points in two or three dimensions: wheel and pinch zoom, dragging moves or turns, a lasso
// selects. Points are kept in flat arrays; what lies under the pointer is found by a grid of the screen.

import {canvas, hideTip, place, showTip} from './canvas.js';
import {byDepth, picture} from './points.js';
import {colour} from './theme.js';

const reach = 7;

// points: {count, at: Float32Array of count * dimensions, dimensions}; tipOf(i), onselect(indices), onopen(i).
export function scatter(label, points, {tipOf, onselect, onopen}) {
    const {count, dimensions} = points;
    const at = normalised(points);
    const screen = new Float32Array(count * 2);
    const depth = new Float32Array(count);
    let paints = [];
    let kinds = new Uint16Array(count);
    let selected = null;
    let view = {x: 0, y: 0, zoom: 1, yaw: 0.6, pitch: 0.35};
    let mode = 'move';
    let lasso = null;
    let hover = -1;
    let grid = null;
    let image = null;
    let isDirty = true;
    const order = Uint32Array.from({length: count}, (_, i) => i);

    const chart = canvas('min(62vh, 620px)', label, draw, {tabindex: 0});
    const repaint = () => {
        isDirty = true;
        chart.redraw();
    };

    function project(width, height) {
        const size = Math.min(width, height) * 0.46 * view.zoom;
        const [cy, sy, cp, sp] = [Math.cos(view.yaw), Math.sin(view.yaw), Math.cos(view.pitch), Math.sin(view.pitch)];
        for (let i = 0; i < count; i += 1) {
            let [x, y, z] = [at[i * 3], at[i * 3 + 1], at[i * 3 + 2]];
            if (dimensions === 3) {
                [x, z] = [x * cy + z * sy, z * cy - x * sy];
                [y, z] = [y * cp - z * sp, z * cp + y * sp];
                const far = 3 / (3 + z);
                x *= far;
                y *= far;
                depth[i] = z;
            }
            screen[i * 2] = width / 2 + view.x + x * size;
            screen[i * 2 + 1] = height / 2 + view.y - y * size;
        }
        if (dimensions === 3) byDepth(depth, order);
        grid = null;
    }

    // Moving the pointer redraws no points: their picture is kept until something of it changes.
    function draw(context, width, height) {
        if (isDirty || !image || image.width !== context.canvas.width || image.height !== context.canvas.height) {
            project(width, height);
            const base = count > 8000 ? 3.5 : count > 2000 ? 5 : 6.5;
            const side = Math.max(2, Math.min(12, base * Math.sqrt(view.zoom)));
            image = picture(context, width, height, {screen, order, kinds, paints, selected, side,
                depth: dimensions === 3 ? depth : null});
            isDirty = false;
        }
        context.putImageData(image, 0, 0);
        if (hover >= 0) ring(context, hover);
        if (lasso) outline(context, lasso);
    }

    function ring(context, i) {
        context.strokeStyle = colour('text');
        context.lineWidth = 2;
        context.beginPath();
        context.arc(screen[i * 2], screen[i * 2 + 1], 7, 0, 7);
        context.stroke();
    }

    function outline(context, path) {
        context.beginPath();
        path.forEach(([x, y], k) => context[k ? 'lineTo' : 'moveTo'](x, y));
        context.closePath();
        context.fillStyle = 'rgb(90 130 200 / 14%)';
        context.fill();
        context.setLineDash([5, 4]);
        context.strokeStyle = colour('accent');
        context.lineWidth = 1.5;
        context.stroke();
        context.setLineDash([]);
    }

    function nearest(x, y) {
        if (!grid) {
            grid = new Map();
            for (let i = 0; i < count; i += 1) {
                const key = Math.floor(screen[i * 2] / 16) * 65536 + Math.floor(screen[i * 2 + 1] / 16);
                const list = grid.get(key);
                if (list) list.push(i);
                else grid.set(key, [i]);
            }
        }
        let best = -1;
        let closest = reach * reach;
        for (let gx = Math.floor((x - reach) / 16); gx <= Math.floor((x + reach) / 16); gx += 1) {
            for (let gy = Math.floor((y - reach) / 16); gy <= Math.floor((y + reach) / 16); gy += 1) {
                for (const i of grid.get(gx * 65536 + gy) || []) {
                    const far = (screen[i * 2] - x) ** 2 + (screen[i * 2 + 1] - y) ** 2;
                    if (far < closest) [best, closest] = [i, far];
                }
            }
        }
        return best;
    }

    function select(path) {
        if (path.length < 3) return;
        selected = new Uint8Array(count);
        const found = [];
        for (let i = 0; i < count; i += 1) {
            if (!inside(screen[i * 2], screen[i * 2 + 1], path)) continue;
            selected[i] = 1;
            found.push(i);
        }
        if (!found.length) selected = null;
        onselect(found);
    }

    function clear() {
        if (!selected && !lasso) return;
        selected = null;
        lasso = null;
        onselect([]);
        repaint();
    }

    const pointers = new Map();
    let travelled = 0;
    chart.node.addEventListener('pointerdown', (event) => {
        chart.node.setPointerCapture(event.pointerId);
        pointers.set(event.pointerId, place(chart.node, event));
        travelled = 0;
        if (pointers.size === 1 && (mode === 'lasso' || event.shiftKey)) lasso = [place(chart.node, event)];
        hideTip();
    });
    chart.node.addEventListener('pointermove', (event) => {
        const here = place(chart.node, event);
        const before = pointers.get(event.pointerId);
        if (!before) {
            const next = nearest(...here);
            if (next !== hover) { hover = next; chart.redraw(); }
            showTip(event, hover >= 0 ? tipOf(hover) : '');
            return;
        }
        const [dx, dy] = [here[0] - before[0], here[1] - before[1]];
        travelled += Math.abs(dx) + Math.abs(dy);
        if (pointers.size === 2) pinch(event.pointerId, before, here);
        else if (lasso) lasso.push(here);
        else if (dimensions === 3 && !event.altKey) {
            view.yaw += dx * 0.008;
            view.pitch = Math.max(-1.5, Math.min(1.5, view.pitch + dy * 0.008));
        } else {
            view.x += dx;
            view.y += dy;
        }
        pointers.set(event.pointerId, here);
        if (lasso) chart.redraw();
        else repaint();
    });
    const up = (event) => {
        pointers.delete(event.pointerId);
        if (lasso && pointers.size === 0) {
            const path = lasso;
            lasso = null;
            select(path);
            repaint();
        } else if (travelled < 4 && event.type === 'pointerup') {
            const i = nearest(...place(chart.node, event));
            if (i >= 0) onopen(i);
        }
    };
    chart.node.addEventListener('pointerup', up);
    chart.node.addEventListener('pointercancel', up);
    chart.node.addEventListener('pointerleave', () => { hover = -1; hideTip(); chart.redraw(); });
    chart.node.addEventListener('wheel', (event) => {
        event.preventDefault();
        zoomAt(place(chart.node, event), Math.exp(-event.deltaY * 0.0016));
    }, {passive: false});
    chart.node.addEventListener('keydown', (event) => {
        const middle = [chart.node.clientWidth / 2, chart.node.clientHeight / 2];
        const moves = {ArrowLeft: [24, 0], ArrowRight: [-24, 0], ArrowUp: [0, 24], ArrowDown: [0, -24]};
        if (event.key === '+' || event.key === '=') zoomAt(middle, 1.3);
        else if (event.key === '-') zoomAt(middle, 1 / 1.3);
        else if (event.key === '0') reset();
        else if (event.key === 'Escape') clear();
        else if (moves[event.key]) {
            if (dimensions === 3) { view.yaw += moves[event.key][0] * 0.01; view.pitch += moves[event.key][1] * 0.01; }
            else { view.x += moves[event.key][0]; view.y += moves[event.key][1]; }
            repaint();
        } else return;
        event.preventDefault();
    });

    function zoomAt([x, y], factor) {
        const next = Math.max(0.5, Math.min(60, view.zoom * factor));
        const share = next / view.zoom;
        const [mx, my] = [x - chart.node.clientWidth / 2, y - chart.node.clientHeight / 2];
        view = {...view, zoom: next, x: mx - (mx - view.x) * share, y: my - (my - view.y) * share};
        repaint();
    }

    function pinch(id, before, here) {
        const other = [...pointers].find(([key]) => key !== id)[1];
        const far = (a) => Math.hypot(a[0] - other[0], a[1] - other[1]) || 1;
        zoomAt([(here[0] + other[0]) / 2, (here[1] + other[1]) / 2], far(here) / far(before));
    }

    function reset() {
        view = {x: 0, y: 0, zoom: 1, yaw: 0.6, pitch: 0.35};
        repaint();
    }

    return {
        node: chart.node, stop: chart.stop, reset, clear,
        // kinds: which of the colours each point has.
        colours(list, of) { paints = list; kinds = of; repaint(); },
        mode(next) { mode = next; chart.node.style.cursor = next === 'lasso' ? 'crosshair' : 'grab'; },
        paint: chart.paint,
    };
}

// Into a cube from -1 to 1, with the same scale along all axes; a third axis of zeros where there are two.
function normalised({count, at, dimensions}) {
    const low = [];
    const high = [];
    for (let d = 0; d < dimensions; d += 1) {
        const values = Float32Array.from({length: count}, (_, i) => at[i * dimensions + d]).sort();
        // A few stray points at the rim must not make all the others small.
        low.push(values[Math.floor((count - 1) * 0.005)]);
        high.push(values[Math.ceil((count - 1) * 0.995)]);
    }
    const span = Math.max(1e-9, ...high.slice(0, dimensions).map((value, d) => value - low[d])) / 2;
    const out = new Float32Array(count * 3);
    for (let i = 0; i < count; i += 1) {
        for (let d = 0; d < dimensions; d += 1) out[i * 3 + d] = (at[i * dimensions + d] - (low[d] + high[d]) / 2) / span;
    }
    return out;
}

export function inside(x, y, path) {
    let isIn = false;
    for (let i = 0, j = path.length - 1; i < path.length; j = i, i += 1) {
        const [[ax, ay], [bx, by]] = [path[i], path[j]];
        if ((ay > y) !== (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax) isIn = !isIn;
    }
    return isIn;
}
