// Makes elements. Whatever comes from data becomes text or an attribute's value, never markup.

const svgNames = new Set(['svg', 'path', 'circle', 'rect', 'line', 'g', 'polyline', 'text', 'title']);

// h('button', {class: 'quiet', onclick: f, 'aria-label': 'Close'}, 'x', [more], node)
export function h(name, properties, ...children) {
    const node = svgNames.has(name)
        ? document.createElementNS('http://www.w3.org/2000/svg', name) : document.createElement(name);
    for (const [key, value] of Object.entries(properties || {})) {
        if (value === undefined || value === null || value === false) continue;
        if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
        else if (key === 'style') for (const [rule, text] of Object.entries(value)) node.style.setProperty(rule, text);
        else if (key === 'value' || key === 'checked' || key === 'disabled') node[key] = value;
        else node.setAttribute(key, value === true ? '' : value);
    }
    append(node, children);
    return node;
}

export function append(node, children) {
    for (const child of children.flat(Infinity)) {
        if (child === undefined || child === null || child === false) continue;
        node.append(child instanceof Node ? child : document.createTextNode(String(child)));
    }
    return node;
}

export function replace(node, ...children) {
    node.replaceChildren();
    return append(node, children);
}

// Writes only what has changed, so that readers of a live page hear no repetitions.
export function setText(node, text) {
    const value = String(text);
    if (node.textContent !== value) node.textContent = value;
}

export function setAttribute(node, name, value) {
    if (value === null || value === undefined || value === false) node.removeAttribute(name);
    else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

// Brings the children of a node in line with a list, keeping the nodes (and the focus in them) of items that stay.
export function reconcile(parent, items, keyOf, make, update) {
    const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
    let place = parent.firstElementChild;
    for (const [index, item] of items.entries()) {
        const key = String(keyOf(item, index));
        let node = known.get(key);
        if (node) known.delete(key);
        else {
            node = make(item);
            node.dataset.key = key;
        }
        if (node === place) place = place.nextElementSibling;
        else parent.insertBefore(node, place);
        if (update) update(node, item);
    }
    for (const node of known.values()) node.remove();
}

const shapes = {
    overview: 'M3 13h7V3H3zM14 21h7V11h-7zM14 3v5h7V3zM3 16v5h7v-5z',
    jobs: 'M4 6h16M4 12h16M4 18h10',
    workers: 'M4 4h16v6H4zM4 14h16v6H4zM8 7h.01M8 17h.01',
    results: 'M4 20V10M10 20V4M16 20v-8M22 20H2',
    schedules: 'M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18',
    alerts: 'M6 9a6 6 0 0 1 12 0c0 6 2 7 2 7H4s2-1 2-7M10 20a2 2 0 0 0 4 0',
    audit: 'M7 3h8l4 4v14H7zM15 3v4h4M10 12h6M10 16h6',
    plus: 'M12 5v14M5 12h14', theme: 'M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9',
        search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M21 21l-5-5',
    download: 'M12 4v11M7 11l5 5 5-5M4 20h16', keyboard: 'M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M8 14h8',
    exit: 'M14 4h5v16h-5M4 12h11M11 8l4 4-4 4', close: 'M6 6l12 12M18 6L6 18', check: 'M5 12l5 5 9-10',
    next: 'M9 5l7 7-7 7', pause: 'M8 5v14M16 5v14', play: 'M7 4l13 8-13 8z', cancel: 'M6 6l12 12M18 6L6 18',
    retry: 'M4 12a8 8 0 1 0 3-6.2M4 4v4h4', empty: 'M4 13l3-8h10l3 8v6H4zM4 13h5l1 2h4l1-2h5',
};

export function icon(name) {
    return h('svg', {class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false'},
        h('path', {d: shapes[name] || shapes.next}));
}
