"""What every page has to keep, whoever looks at it and however: names of controls, headings, tables, contrast, sizes."""

SCRIPT = r"""
(() => {
    const found = [];
    const seen = (e) => e.getClientRects().length > 0 && getComputedStyle(e).visibility !== 'hidden';
    const tell = (rule, e) => found.push(rule + ': ' + e.outerHTML.replace(/\s+/g, ' ').slice(0, 140));
    const named = (e) => {
        const by = e.getAttribute('aria-labelledby');
        if (by) return by.split(' ').some((id) => document.getElementById(id)?.textContent.trim());
        if (e.getAttribute('aria-label')?.trim() || e.getAttribute('title')?.trim()) return true;
        if (e.labels?.length) return [...e.labels].some((label) => label.textContent.trim());
        return e.matches('a, button, summary') && e.textContent.trim() !== '';
    };
    for (const e of document.querySelectorAll('a[href], button, input, select, textarea, summary')) {
        if (seen(e) && !named(e)) tell('a control without a name', e);
    }
    for (const e of document.querySelectorAll('img:not([alt]), canvas:not([aria-label])')) tell('a picture without a text', e);
    for (const e of document.querySelectorAll('thead th, tbody th')) {
        if (!e.hasAttribute('scope')) tell('a heading without a scope', e);
    }
    for (const e of document.querySelectorAll('table')) {
        if (seen(e) && e.rows.length > 1 && !e.querySelector('th')) tell('a table without headings', e);
    }
    const mains = document.querySelectorAll('main').length;
    if (mains !== 1) found.push(`${mains} main landmarks`);
    const heads = [...document.querySelectorAll('h1, h2, h3, h4')].filter(seen);
    if (heads.filter((e) => e.tagName === 'H1').length !== 1) found.push('not one h1');
    heads.forEach((e, i) => {
        if (i && Number(e.tagName[1]) > Number(heads[i - 1].tagName[1]) + 1) tell('a heading level left out', e);
    });
    const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
    for (const id of new Set(ids)) if (ids.filter((one) => one === id).length > 1) found.push(`the id ${id} twice`);
    if (!document.documentElement.lang || !document.title) found.push('no language or no title');

    const numbers = (text) => (text.match(/[\d.]+/g) || []).map(Number);
    const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const ground = (e) => {
        const layers = [];
        for (let at = e; at; at = at.parentElement) {
            const [r, g, b, a = 1] = numbers(getComputedStyle(at).backgroundColor);
            if (a > 0) layers.push([r, g, b, a]);
            if (a === 1) break;
        }
        const over = (under, [r, g, b, a]) => [r, g, b].map((v, i) => v * a + under[i] * (1 - a));
        return layers.reverse().reduce(over, [255, 255, 255]);
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const judged = new Set();
    while (walker.nextNode()) {
        const e = walker.currentNode.parentElement;
        if (!walker.currentNode.textContent.trim() || judged.has(e) || !seen(e)) continue;
        if (e.closest('svg, .unseen, :disabled, .skip, option')) continue;
        judged.add(e);
        const style = getComputedStyle(e);
        const [fore, back] = [light(numbers(style.color)), light(ground(e))];
        const ratio = (Math.max(fore, back) + 0.05) / (Math.min(fore, back) + 0.05);
        const size = parseFloat(style.fontSize);
        const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        if (ratio < (isLarge ? 3 : 4.5)) tell(`contrast ${ratio.toFixed(2)}`, e);
    }
    for (const e of document.querySelectorAll('button')) {
        const box = e.getBoundingClientRect();
        if (seen(e) && (box.width < 22 || box.height < 22)) tell('a target too small', e);
    }
    // A phone's window grows with what does not fit; its screen does not.
    const room = Math.min(innerWidth, screen.width);
    if (document.documentElement.scrollWidth > room + 1) {
        const wide = [...document.querySelectorAll('main *')].find((e) => e.getBoundingClientRect().right > room + 1
            && !e.closest('.scroll, .vscroll, .tabs, .nav'));
        found.push(`the page is ${document.documentElement.scrollWidth} wide, ${room} fit: ${wide?.outerHTML.slice(0, 120)}`);
    }
    return found;
})()
"""


def broken(browser):
    """Sentences on what the page shown does not keep."""
    return browser.run(SCRIPT)
