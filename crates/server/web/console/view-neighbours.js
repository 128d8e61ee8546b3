// Store, bus and cache: what this node has to do with each, in a card of its own.

import { el, setText } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import { bytes, latency, percent, perSecond, short } from '../shared/words.js';

/** From this part on the memory is nearly full. */
const NEARLY_FULL = 0.9;

const STORE = [
  { name: 'Operations', value: ({ now }) => perSecond(now?.storeOperations) },
  { name: 'Errors', value: ({ now }) => perSecond(now?.storeErrors), bad: ({ now }) => now?.storeErrors > 0 },
  { name: 'Wait for a connection, p99', value: ({ stats }) => latency(stats.store.pool.wait_p99_seconds) },
  { name: 'Requests that wait for one', value: ({ stats }) => short(stats.store.pool.pending), bad: ({ stats }) => stats.store.pool.pending > 0 },
  { name: 'Messages to be archived', value: ({ stats }) => short(stats.store.queue_messages) },
];
const BUS = [
  { name: 'Lag between nodes, p99', value: ({ stats }) => latency(stats.bus.lag_p99_seconds) },
  { name: 'Lag between nodes, p50', value: ({ stats }) => latency(stats.bus.lag_p50_seconds) },
  { name: 'Published', value: ({ now }) => perSecond(now?.published) },
  { name: 'Received', value: ({ now }) => perSecond(now?.heard) },
  { name: 'Reconnects since start', value: ({ stats }) => short(stats.bus.reconnects_total) },
  { name: 'Dropped since start', value: ({ stats }) => short(stats.bus.dropped_total), bad: ({ now }) => now?.dropped > 0 },
];
const CACHE = [
  { name: 'Found, of the last minute', value: ({ hitRatio }) => percent(hitRatio) },
  { name: 'Look-ups', value: ({ now }) => perSecond(now && now.cacheHits !== null ? now.cacheHits + now.cacheMisses : null) },
  { name: 'Evicted since start', value: ({ stats }) => short(stats.cache.evictions_total), bad: ({ now }) => now?.evicted > 0 },
];

/** The cards. */
export class NeighboursView {
  #store = new Card('Store', STORE, 'Connections');
  #bus = new Card('Bus', BUS);
  #cache = new Card('Cache', CACHE, 'Memory');
  cards = [this.#store.root, this.#bus.root, this.#cache.root];

  /** Shows an answer, the newest values made of it, and how much of the cache's look-ups found something. */
  show(stats, now, hitRatio) {
    const seen = { stats, now, hitRatio };
    const { store, bus, cache } = stats;
    const isAlone = bus.kind === 'memory';
    this.#bus.root.hidden = isAlone;
    this.#cache.root.hidden = isAlone;
    this.#store.show(store, seen, poolOf(store.pool));
    this.#bus.show(bus, seen);
    this.#cache.show({ up: bus.up, kind: bus.kind }, seen, memoryOf(cache, bus.up));
  }
}

class Card {
  #state = el('span', { class: 'state' });
  #kind = el('span', { class: 'hint' });
  #bar = el('div');
  #barWords = el('dd');
  #meter = null;
  #rows;
  #list = el('dl');

  constructor(title, rows, metered) {
    this.#rows = rows.map((row) => ({ ...row, place: el('dd') }));
    if (metered) {
      this.#meter = el('div', { class: 'meter', role: 'meter', 'aria-label': metered, 'aria-valuemin': '0' }, this.#bar);
      this.#list.append(el('div', { class: 'metered' }, el('dt', {}, metered), this.#barWords, el('dd', { class: 'meter-place' }, this.#meter)));
    }
    this.#list.append(...this.#rows.map(({ name, place }) => el('div', {}, el('dt', {}, name), place)));
    this.root = el('section', { class: 'panel neighbour', 'aria-label': title },
      el('div', { class: 'table-head' }, el('h2', {}, title), this.#kind, this.#state), this.#list);
  }

  show({ up, kind }, seen, meter) {
    setText(this.#kind, kind);
    const words = up ? 'up' : 'away';
    if (this.#state.textContent !== words) {
      this.#state.className = `state ${up ? 'up' : 'down'}`;
      this.#state.replaceChildren(icon(up ? 'check' : 'alert'), words);
    }
    this.root.classList.toggle('is-down', !up);
    if (meter) this.#showMeter(meter);
    for (const { place, value, bad } of this.#rows) {
      setText(place, value(seen));
      place.classList.toggle('bad', bad?.(seen) === true);
    }
  }

  #showMeter({ used, max, words, tone = '' }) {
    const part = max > 0 ? Math.min(1, used / max) : 0;
    setText(this.#barWords, words);
    this.#bar.style.width = `${(part * 100).toFixed(1)}%`;
    this.#meter.hidden = !(max > 0);
    this.#meter.className = `meter ${tone}`;
    this.#meter.setAttribute('aria-valuenow', String(used));
    this.#meter.setAttribute('aria-valuemax', String(max));
    this.#meter.setAttribute('aria-valuetext', words);
  }
}

/** All connections may well be busy; it is too much only when somebody waits. */
function poolOf({ used, idle, max, pending }) {
  return { used, max, words: `${used} busy, ${idle} idle, of ${max}`, tone: pending > 0 ? 'too-much' : '' };
}

function memoryOf({ used_bytes: used, max_bytes: max }, isUp) {
  if (!isUp) return { used: 0, max: 0, words: '–' };
  if (!(max > 0)) return { used, max, words: `${bytes(used)}, no limit` };
  return { used, max, words: `${bytes(used)} of ${bytes(max)}`, tone: used / max >= NEARLY_FULL ? 'much' : '' };
}
