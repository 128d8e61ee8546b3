// A user's face: the initials in an arch like the openings of a belfry, in a colour of their own.

import { el } from './dom.js';

const COLOURS = 8;

/** An arch with initials. It is decoration: the name stands beside it. */
export function avatar(name, extra = '') {
  const classes = `avatar avatar-${colourOf(name)} ${extra}`.trim();
  return el('span', { class: classes, 'aria-hidden': 'true' }, initials(name));
}

/** Which of the colours a name has, always the same. */
export function colourOf(name) {
  let sum = 7;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return sum % COLOURS;
}

/** `ada.lovelace` → `AL`, `bob` → `B`. */
export function initials(name) {
  const words = name.split(/[._-]+/).filter(Boolean);
  const letters = words.length > 1 ? words[0][0] + words.at(-1)[0] : (words[0] ?? '?')[0];
  return letters.toUpperCase();
}
