// Colours of data. Correlations diverge from a neutral middle to blue and orange, which people who cannot tell red from green
// can; clusters take hues that stay apart for them too; a feature runs from dark to light.

import {isDark} from './theme.js';

const diverging = {
    light: [[-1, 20, 66, 134], [-0.6, 70, 130, 196], [-0.2, 188, 212, 236], [0, 243, 243, 241], [0.2, 250, 216, 178],
        [0.6, 226, 132, 49], [1, 148, 54, 6]],
    dark: [[-1, 158, 205, 255], [-0.6, 74, 140, 219], [-0.2, 36, 62, 98], [0, 27, 33, 41], [0.2, 84, 56, 30],
        [0.6, 217, 122, 42], [1, 255, 205, 148]],
};
const sequential = {
    light: [[0, 68, 1, 84], [0.25, 59, 82, 139], [0.5, 33, 145, 140], [0.75, 82, 178, 88], [1, 205, 180, 20]],
    dark: [[0, 104, 80, 190], [0.25, 84, 120, 200], [0.5, 40, 165, 160], [0.75, 110, 205, 100], [1, 253, 231, 60]],
};
const clusters = ['#2f78c4', '#d9731a', '#12966f', '#c264a0', '#a58600', '#4aa8dd', '#8a63c9', '#b5594a', '#5d9a2f', '#7d8797',
    '#d1495b', '#3f8f9b'];

function along(stops, value) {
    if (value <= stops[0][0]) return stops[0].slice(1);
    for (let i = 1; i < stops.length; i += 1) {
        if (value > stops[i][0]) continue;
        const [from, to] = [stops[i - 1], stops[i]];
        const share = (value - from[0]) / (to[0] - from[0]);
        return [1, 2, 3].map((k) => Math.round(from[k] + share * (to[k] - from[k])));
    }
    return stops[stops.length - 1].slice(1);
}

const theme = () => (isDark() ? 'dark' : 'light');

// The colours of r from -1 to 1 in 513 steps, as bytes, for pictures of many cells.
export function correlationTable() {
    const table = new Uint8Array(513 * 3);
    const stops = diverging[theme()];
    for (let i = 0; i < 513; i += 1) table.set(along(stops, i / 256 - 1), i * 3);
    return table;
}

export const correlationColour = (value) => `rgb(${along(diverging[theme()], value).join(' ')})`;
export const featureColour = (share) => `rgb(${along(sequential[theme()], share).join(' ')})`;
export const clusterColour = (label) => (label === null || label === undefined || label < 0
    ? (isDark() ? '#4a5462' : '#b9c0ca') : clusters[label % clusters.length]);

// Black or white, whichever reads better on a correlation's colour.
export function inkOn(value) {
    const [red, green, blue] = along(diverging[theme()], value);
    return red * 0.299 + green * 0.587 + blue * 0.114 > 140 ? '#14181f' : '#ffffff';
}
