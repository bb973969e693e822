// Charts by Plotly, which is large: it is fetched when the first chart is wanted. Where it is not installed the page works
// without, and says what to run.

import {h, replace} from './dom.js';
import {clusterColour} from './colours.js';
import {saveBlob} from './export.js';
import {colour} from './theme.js';
import {empty, toast} from './ui.js';

let loading = null;

function load() {
    loading ||= new Promise((resolve, reject) => {
        // A part of Plotly that draws maps, and is not used here, brings a style sheet along; the policy of the page refuses
        // it with a complaint in the console. So it gets an element that is none.
        const make = document.createElement;
        document.createElement = (name, ...rest) => make.call(document, name === 'style' ? 'template' : name, ...rest);
        const end = () => { delete document.createElement; };
        const script = make.call(document, 'script');
        script.src = '/assets/plotly.min.js';
        script.addEventListener('load', () => { end(); resolve(globalThis.Plotly); });
        script.addEventListener('error', () => { end(); loading = null; reject(new Error('not installed')); });
        document.head.append(script);
    });
    return loading;
}

const base = () => ({
    font: {family: colour('font'), size: 12, color: colour('muted')}, paper_bgcolor: 'rgba(0,0,0,0)',
        plot_bgcolor: 'rgba(0,0,0,0)',
    margin: {l: 56, r: 14, t: 10, b: 40}, hovermode: 'x unified', showlegend: false, dragmode: 'zoom',
    hoverlabel: {bgcolor: colour('raised'), bordercolor: colour('line'), font: {color: colour('text'), size: 12}},
    colorway: [0, 1, 2, 3, 4, 5].map(clusterColour),
});

export function axis(more = {}) {
    return {gridcolor: colour('line'), zerolinecolor: colour('line-strong'), linecolor: colour('line'), automargin: true,
        ...more};
}

// A chart in a node of its own: {node, png(name), on(event, handler)}.
export function plot(context, label, height, make) {
    const node = h('div', {class: 'plot', role: 'img', 'aria-label': label});
    node.style.minHeight = `${height}px`;
    const ready = draw(context, node, height, make);
    return {
        node, ready,
        async png(name) {
            const plotly = await ready;
            if (!plotly) return;
            const picture = await plotly.toImage(node, {format: 'png', width: node.clientWidth, height, scale: 2,
                setBackground: colour('surface')});
            const text = atob(picture.slice(picture.indexOf(',') + 1));
            saveBlob(new Blob([Uint8Array.from(text, (c) => c.charCodeAt(0))], {type: 'image/png'}), `${name}.png`);
            toast(`${name}.png is saved`);
        },
        async redraw() {
            const plotly = await ready;
            if (!plotly) return;
            const {traces, layout} = make();
            plotly.react(node, traces, {...base(), height, ...layout});
        },
    };
}

async function draw(context, node, height, make) {
    let plotly;
    try {
        plotly = await load();
    } catch {
        replace(node, empty('Charts are not installed', 'On the coordinator\u2019s machine run ', h('code', {}, 'Scripts/setup'),
            ', or name the folder that holds plotly.min.js with ', h('code', {}, '--assets'), '.'));
        return null;
    }
    // What is not in the page yet has no width.
    await new Promise((resolve) => { requestAnimationFrame(resolve); });
    if (context.signal.aborted || !node.isConnected) return null;
    const {traces, layout, onclick} = make();
    await plotly.newPlot(node, traces, {...base(), height, ...layout}, {displaylogo: false, responsive: true,
        displayModeBar: false});
    if (onclick) node.on('plotly_click', onclick);
    context.onLeave(() => plotly.purge(node));
    return plotly;
}
