// The numbers at the top: what is going on now, in six tiles, and whether store and bus are well.

import { el, setText } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
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

/** Store, bus and nodes: well or not, in words and not only in colour. */
export class HealthView {
  #parts = { store: el('li'), bus: el('li'), nodes: el('li') };
  root = el('ul', { class: 'health', 'aria-label': 'Health' }, this.#parts.store, this.#parts.bus, this.#parts.nodes);

  show({ store, bus, cache, cluster }) {
    const { pool } = store;
    const waiting = pool.pending > 0 ? `, ${pool.pending} waiting` : '';
    this.#showOne(this.#parts.store, 'Store', store.up, `${store.kind} · ${pool.used} of ${pool.max} readers busy${waiting} · ${count(store.errors_total, 'error')} since start`);
    this.#showOne(this.#parts.bus, 'Bus', bus.up, busNote(bus, cache));
    const missing = cluster.nodes_expected - cluster.nodes;
    this.#showOne(this.#parts.nodes, cluster.nodes_expected === 1 ? 'Node' : 'Every node', missing <= 0, missing > 0 ? `${count(missing, 'node')} missing of ${cluster.nodes_expected}` : count(cluster.nodes, 'node'));
  }

  #showOne(part, name, up, note) {
    part.className = up ? 'up' : 'down';
    const text = `${name} ${up ? 'up' : 'down'} ${note}`;
    if (part.dataset.text === text) return;
    part.dataset.text = text;
    part.replaceChildren(icon(up ? 'check' : 'alert'), el('strong', {}, `${name} ${up ? 'is up' : 'is down'}`), el('span', {}, note));
  }
}

function busNote(bus, cache) {
  if (bus.kind === 'memory') return 'memory';
  const asked = cache.hits_total + cache.misses_total;
  const notes = [bus.kind, `lag p99 ${latency(bus.lag_p99_seconds)}`, `${count(bus.reconnects_total, 'reconnect')}, ${count(bus.errors_total, 'error')} since start`];
  if (asked > 0) notes.push(`cache answers ${Math.round((100 * cache.hits_total) / asked)} %`);
  return notes.join(' · ');
}

function sum(...numbers) {
  return numbers.every((number) => number === null) ? null : numbers.reduce((total, number) => total + (number ?? 0), 0);
}
