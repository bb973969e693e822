// Dark or light: as the system says, until somebody says otherwise.

const system = matchMedia('(prefers-color-scheme: dark)');

function chosen() {
    try {
        return localStorage.getItem('alphagrid-theme');
    } catch {
        return null;
    }
}

export const isDark = () => document.documentElement.dataset.theme === 'dark';

export function applyTheme() {
    document.documentElement.dataset.theme = chosen() || (system.matches ? 'dark' : 'light');
}

export function switchTheme() {
    const next = isDark() ? 'light' : 'dark';
    try {
        // What the system says anyway need not be remembered.
        if ((next === 'dark') === system.matches) localStorage.removeItem('alphagrid-theme');
        else localStorage.setItem('alphagrid-theme', next);
    } catch {
        // Without a store the choice holds until the page is left.
    }
    document.documentElement.dataset.theme = next;
    dispatchEvent(new Event('themechange'));
}

system.addEventListener('change', () => {
    const before = isDark();
    applyTheme();
    if (isDark() !== before) dispatchEvent(new Event('themechange'));
});

// A colour of base.css as the theme has it now.
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
