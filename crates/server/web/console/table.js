// A table in a panel, drawn again only where what it says has changed.

import { el, setText } from '../shared/dom.js';
import { count } from '../shared/words.js';

/**
 * A table. A column is `{title, cell(row)}`, where `cell` gives the text; with `draw(row)` it shows
 * nodes that say the same. `number` and `code` set the type, `spare` leaves it out on a phone. A
 * `stacked` table is a list of its rows there.
 */
export class Table {
  #columns;
  #rowClass;
  #body = el('tbody');
  #count = el('span', { class: 'hint' });
  #shown = '';
  /** What it says where there are no rows. */
  nothing;

  constructor({ title, columns, nothing, rowClass = () => null, stacked = false }) {
    this.#columns = columns;
    this.nothing = nothing;
    this.#rowClass = rowClass;
    this.head = el('div', { class: 'table-head' }, el('h2', {}, title), this.#count);
    const heads = columns.map((column) => el('th', { scope: 'col', class: classOf({ ...column, code: false }) }, column.title));
    this.root = el('section', { class: stacked ? 'panel stacked' : 'panel' }, this.head,
      el('div', { class: 'table-scroll', tabindex: '0', role: 'region', 'aria-label': title },
        el('table', {}, el('thead', {}, el('tr', {}, heads)), this.#body)));
  }

  /** Shows rows, and beside the title how many there are, or a better hint. */
  show(rows, hint = count(rows.length, 'row')) {
    setText(this.#count, hint);
    const cells = rows.map((row) => [this.#rowClass(row), ...this.#columns.map((column) => column.cell(row))]);
    // Left alone where nothing changed, so that a selection or the reading position stays.
    const shown = JSON.stringify([cells, rows.length === 0 && this.nothing]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const focused = this.#body.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const made = rows.map((row, place) => el('tr', { class: cells[place][0] }, this.#columns.map((column, index) =>
      el('td', { class: classOf(column), 'data-title': column.title }, column.draw ? column.draw(row) : cells[place][index + 1]))));
    this.#body.replaceChildren(...(made.length > 0 ? made : [el('tr', {}, el('td', { colspan: this.#columns.length, class: 'none' }, this.nothing))]));
    if (focused) this.#body.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }
}

function classOf({ number, code, spare }) {
  return [number && 'number', code && 'code', spare && 'spare'].filter(Boolean).join(' ') || null;
}
