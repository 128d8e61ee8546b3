// The numbers at the top: what is going on now, in six tiles.

import { el, setText } from '../shared/dom.js';
import { count, latency, perSecond, short } from '../shared/words.js';

const TILES = [
  { title: 'Connections', value: (now) => short(now.connections), note: (now) => `${perSecond(now.opened)} opened` },
  { title: 'Users online', value: (now) => short(now.users), note: (now) => count(now.rooms, 'active room') },
  { title: 'Messages in', value: (now) => perSecond(now.received), note: (now) => `${perSecond(now.accepted)} accepted` },
  { title: 'Deliveries', value: (now) => perSecond(now.sent), note: () => 'copies to clients' },
  { title: 'Delivery p99', value: (now) => latency(now.p99), note: (now) => `p50 ${latency(now.p50)}` },
  { title: 'Errors', value: (now) => perSecond(sum(now.failed, now.httpErrors, now.storeErrors)), note: (now) => `${perSecond(now.rejected)} rejected` },
];

/** The row of tiles. */
export class TilesView {
  #tiles = TILES.map((tile) => ({ ...tile, number: el('span'), noteLine: el('p', { class: 'tile-note' }) }));
  root = el('div', { class: 'tiles' });

  constructor() {
    this.root.append(...this.#tiles.map(({ title, number, noteLine }) => el('section', { class: 'tile' },
      el('h2', {}, title), el('p', { class: 'tile-value' }, number), noteLine)));
  }

  /** Shows values. */
  show(values) {
    for (const { number, noteLine, value, note } of this.#tiles) {
      setText(number, value(values));
      setText(noteLine, note(values));
    }
  }
}

function sum(...numbers) {
  return numbers.every((number) => number === null) ? null : numbers.reduce((total, number) => total + (number ?? 0), 0);
}
