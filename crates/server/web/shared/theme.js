// The colour scheme: follow the system, or stay light or dark, and the button that chooses.

import { el, replaceContent } from './dom.js';
import { icon } from './icons.js';

const KEY = 'campanile.theme';
const ORDER = ['system', 'light', 'dark'];
const WORDS = { system: 'Theme: as the system', light: 'Theme: light', dark: 'Theme: dark' };
const ICONS = { system: 'contrast', light: 'sun', dark: 'moon' };

/** The chosen theme: `system`, `light` or `dark`. */
export function chosenTheme() {
  return document.documentElement.dataset.theme ?? 'system';
}

/** Chooses a theme and remembers it. */
export function chooseTheme(theme) {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Not remembered, but applied.
  }
  document.dispatchEvent(new Event('themechange'));
}

/** A button that goes through the themes. */
export function themeButton() {
  const button = el('button', { type: 'button', class: 'icon-button', 'data-test': 'theme' });
  const show = () => {
    const theme = chosenTheme();
    button.setAttribute('aria-label', `${WORDS[theme]}. Change`);
    button.title = WORDS[theme];
    replaceContent(button, icon(ICONS[theme]));
  };
  button.addEventListener('click', () => {
    chooseTheme(ORDER[(ORDER.indexOf(chosenTheme()) + 1) % ORDER.length]);
  });
  document.addEventListener('themechange', show);
  show();
  return button;
}
