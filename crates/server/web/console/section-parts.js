// What the sections about applications have in common.

import { el, setText } from '../shared/dom.js';

export const NO_APPS = 'This server has no application. Make one under Apps, or name it in the settings, under [[apps]].';

/** A line that says what went wrong, and is gone when it says nothing. */
export class Trouble {
  root = el('p', { class: 'trouble', role: 'alert', hidden: true });

  show(text) {
    this.root.hidden = text === '';
    setText(this.root, text);
  }

  /** Says what an error means for `what`. */
  fail(what, error) {
    this.show(`${what}: ${error.message} It is tried again every few seconds; what you see may be old.`);
  }
}

/** A place that says what to do where there is nothing to see. */
export function empty(text, ...more) {
  return el('div', { class: 'panel nothing' }, el('p', {}, text), ...more);
}

/** A button in a row of a table; `key` keeps the focus on it when the table is drawn again. */
export function rowButton({ key, label, text, danger = false, run }) {
  const attributes = { type: 'button', class: danger ? 'link-button danger' : 'link-button', 'data-key': key, onclick: run };
  return el('button', label ? { ...attributes, 'aria-label': label } : attributes, text);
}
