// A table in a panel, drawn again only where what it says has changed.

import { el, setText } from '../shared/dom.js';
import { count } from '../shared/words.js';

/**
 * A table. A column is `{title, cell(row)}`, where `cell` gives the text; with `draw(row)` it shows
 * nodes that say the same. `number` and `code` set the type, `spare` leaves it out on a phone.
 */
export class Table {
  #columns;
  #nothing;
  #rowClass;
  #body = el('tbody');
  #count = el('span', { class: 'hint' });
  #shown = '';

  constructor({ title, columns, nothing, rowClass = () => null }) {
    this.#columns = columns;
    this.#nothing = nothing;
    this.#rowClass = rowClass;
    this.head = el('div', { class: 'table-head' }, el('h2', {}, title), this.#count);
    const heads = columns.map((column) => el('th', { scope: 'col', class: classOf({ ...column, code: false }) }, column.title));
    this.root = el('section', { class: 'panel' }, this.head,
      el('div', { class: 'table-scroll', tabindex: '0', role: 'region', 'aria-label': title },
        el('table', {}, el('thead', {}, el('tr', {}, heads)), this.#body)));
  }

  /** Shows rows, and beside the title how many there are, or a better hint. */
  show(rows, hint = count(rows.length, 'row')) {
    setText(this.#count, hint);
    const cells = rows.map((row) => [this.#rowClass(row), ...this.#columns.map((column) => column.cell(row))]);
    // Left alone where nothing changed, so that a selection or the reading position stays.
    const shown = JSON.stringify(cells);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const made = rows.map((row, place) => el('tr', { class: cells[place][0] }, this.#columns.map((column, index) =>
      el('td', { class: classOf(column) }, column.draw ? column.draw(row) : cells[place][index + 1]))));
    this.#body.replaceChildren(...(made.length > 0 ? made : [el('tr', {}, el('td', { colspan: this.#columns.length, class: 'none' }, this.#nothing))]));
  }
}

function classOf({ number, code, spare }) {
  return [number && 'number', code && 'code', spare && 'spare'].filter(Boolean).join(' ') || null;
}
