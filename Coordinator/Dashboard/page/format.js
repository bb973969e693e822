// Numbers and times as people read them; tables show them in tabular figures, so the digits stand below each other.

const whole = new Intl.NumberFormat('en-GB', {maximumFractionDigits: 0});
const none = '–';

export const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);

export function count(value) {
    return isNumber(value) ? whole.format(value) : none;
}

export function counted(value, one, many = `${one}s`) {
    return `${count(value)} ${value === 1 ? one : many}`;
}

export function fixed(value, digits = 2) {
    // A true minus is as wide as a plus, so columns stay straight.
    if (!isNumber(value)) return none;
    const text = value.toFixed(digits);
    return Number(text) === 0 ? text.replace('-', '') : text.replace('-', '\u2212');
}

// A correlation: three digits, with its sign.
export function r(value) {
    const text = fixed(value, 3);
    return isNumber(value) && value > 0 && Number(text) !== 0 ? `+${text}` : text;
}

export function percent(share, digits = 0) {
    return isNumber(share) ? `${fixed(share * 100, digits)}\u2009%` : none;
}

export function short(value) {
    if (!isNumber(value)) return none;
    const size = Math.abs(value);
    for (const [unit, letter] of [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']]) {
        if (size >= unit) return fixed(value / unit, size >= unit * 100 ? 0 : size >= unit * 10 ? 1 : 2) + '\u2009' + letter;
    }
    return size >= 100 || Number.isInteger(value) ? fixed(value, 0) : fixed(value, size >= 10 ? 1 : 2);
}

// Of a rate in GFLOP/s.
export const flop = (giga) => (isNumber(giga) ? `${short(giga * 1e9)}${giga < 1e-6 ? '\u2009' : ''}FLOP/s` : none);

export function bytes(value) {
    if (!isNumber(value)) return none;
    for (const [unit, name] of [[2 ** 40, 'TiB'], [2 ** 30, 'GiB'], [2 ** 20, 'MiB'], [2 ** 10, 'KiB']]) {
        if (value >= unit) return `${fixed(value / unit, value >= unit * 100 ? 0 : 1)} ${name}`;
    }
    return `${count(value)} B`;
}

// 0.4 s, 12 s, 3 min 05 s, 2 h 10 min, 3 d 4 h
export function duration(seconds) {
    if (!isNumber(seconds) || seconds < 0) return none;
    if (seconds < 1) return `${fixed(seconds, seconds < 0.1 ? 2 : 1)} s`;
    const s = Math.round(seconds);
    if (s < 60) return `${s} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, '0')} s`;
    if (s < 86400) return `${Math.floor(s / 3600)} h ${String(Math.floor(s / 60) % 60).padStart(2, '0')} min`;
    return `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`;
}

export function eta(job) {
    if (!isNumber(job.eta_seconds)) return '';
    const spread = isNumber(job.eta_low_seconds) && isNumber(job.eta_high_seconds)
        && duration(job.eta_low_seconds) !== duration(job.eta_high_seconds)
        ? ` (${duration(job.eta_low_seconds)} to ${duration(job.eta_high_seconds)})` : '';
    return `${duration(job.eta_seconds)} left${spread}`;
}

const clock = new Intl.DateTimeFormat('en-GB', {hour: '2-digit', minute: '2-digit', second: '2-digit'});
const day = new Intl.DateTimeFormat('en-GB', {day: 'numeric', month: 'short', year: 'numeric'});

const parsed = (text) => new Date(/Z|[+-]\d\d:?\d\d$/.test(text) || !text.includes('T') ? text : `${text}Z`);

export function time(text) {
    if (!text) return none;
    const date = parsed(text);
    if (Number.isNaN(date.getTime())) return text;
    const isToday = date.toDateString() === new Date().toDateString();
    return isToday ? clock.format(date) : `${day.format(date)}, ${clock.format(date).slice(0, 5)}`;
}

// The zone of all times that are shown, which are those of who looks: 'Europe/Berlin', or 'UTC'.
export const zone = () => clock.resolvedOptions().timeZone || 'the zone of this browser';

export function ago(text, now = Date.now()) {
    if (!text) return none;
    const seconds = (now - parsed(text).getTime()) / 1000;
    if (Number.isNaN(seconds)) return text;
    return seconds < 5 ? 'just now' : `${duration(seconds).split(' ').slice(0, 2).join(' ')} ago`;
}

const weekday = new Intl.DateTimeFormat('en-GB', {weekday: 'short', day: 'numeric', month: 'short'});

// When something will be, by the clock of who looks: {when: 'tomorrow, 22:30', left: 'in 17 h 04 min'}.
export function ahead(text, now = Date.now()) {
    const date = parsed(text);
    if (Number.isNaN(date.getTime())) return {when: text, left: ''};
    const midnight = (at) => new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
    const daysAway = Math.round((midnight(date) - midnight(new Date(now))) / 86400000);
    const name = ['today', 'tomorrow'][daysAway] || (daysAway > 300 ? day : weekday).format(date);
    const seconds = (date.getTime() - now) / 1000;
    return {when: `${name}, ${clock.format(date).slice(0, 5)}`, left: seconds > 0 ? `in ${duration(seconds)}` : 'now'};
}

export function between(from, to, now = Date.now()) {
    if (!from) return none;
    return duration(((to ? parsed(to).getTime() : now) - parsed(from).getTime()) / 1000);
}

// Column names as headings: max_abs_correlation -> Max abs correlation.
export function heading(name) {
    const text = name.replaceAll('_', ' ');
    return text.charAt(0).toUpperCase() + text.slice(1);
}
