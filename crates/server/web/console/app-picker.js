// Which application a section is about.

import { el, field, replaceContent } from '../shared/dom.js';

/** A list to choose from; `onPick(id)` is called with another choice. */
export class AppPicker {
  #select = el('select', { 'data-test': 'app' });
  #shown = '';
  root = field({ label: 'Application', input: this.#select }).root;

  constructor({ onPick }) {
    this.#select.addEventListener('change', () => onPick(this.#select.value));
  }

  /** The id of the chosen application; empty before there is one. */
  get chosen() {
    return this.#select.value;
  }

  /** Shows the applications. The choice stays where it can, and is `wanted` where that is there. */
  show(apps, wanted) {
    const kept = apps.some(({ id }) => id === wanted) ? wanted : this.chosen;
    const shown = JSON.stringify(apps.map(({ id, name, enabled }) => [id, name, enabled]));
    if (shown !== this.#shown) {
      this.#shown = shown;
      replaceContent(this.#select, apps.map((app) => el('option', { value: app.id }, label(app))));
    }
    if (apps.some(({ id }) => id === kept)) this.#select.value = kept;
  }
}

function label({ id, name, enabled }) {
  return `${name && name !== id ? `${name} (${id})` : id}${enabled ? '' : ', disabled'}`;
}
