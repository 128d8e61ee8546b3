// The node among others: nodes, store, bus, cache and logs, and plainly what is wrong with them.

import { el, setText } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import { logWords } from './log-words.js';
import { roster, rosterWords } from './roster.js';
import { NeighboursView } from './view-neighbours.js';
import { NodesView } from './view-nodes.js';

const ICONS = { up: 'check', down: 'alert', unsure: 'clock' };

const STORE_AWAY = 'The store is away. What is new is refused until it is back; what was said already still arrives. This page goes on with what this node knows by itself.';
const BUS_AWAY = 'The bus is away. Every node goes on by itself, and reads from the store what the others say. How the others are is not known here.';
const BOTH_AWAY = 'The bus is away too: the nodes hear nothing of each other, and how the others are is not known here.';

/** What is around this node. */
export class ClusterView {
  #parts = { store: el('li'), bus: el('li'), nodes: el('li'), logs: el('li') };
  #nodes = new NodesView();
  #neighbours = new NeighboursView();
  #list = null;
  #listedAt = 0;
  #storeAway = el('p', { class: 'trouble', role: 'alert', hidden: true });
  #busAway = el('p', { class: 'trouble', role: 'alert', hidden: true });
  health = el('ul', { class: 'health', 'aria-label': 'Health' }, this.#parts.store, this.#parts.bus, this.#parts.nodes, this.#parts.logs);
  notices = [this.#storeAway, this.#busAway];
  root = el('div', { class: 'cluster' }, this.#nodes.root, this.#neighbours.cards);

  /** Takes what `GET /nodes` said; null where it said nothing. */
  takeNodes(nodes, now) {
    if (!nodes) return;
    this.#list = nodes;
    this.#listedAt = now;
  }

  /** Shows an answer, with what was made of it and those before. Says what is wrong first, or null. */
  show(stats, samples, now) {
    const { store, bus } = stats;
    const seen = roster(stats, this.#list, this.#listedAt, now);
    const words = rosterWords(seen);
    this.#showOne(this.#parts.store, store.up ? 'up' : 'down', `Store is ${store.up ? 'up' : 'away'}`, store.kind);
    this.#showOne(this.#parts.bus, bus.up ? 'up' : 'down', `Bus is ${bus.up ? 'up' : 'away'}`, bus.kind);
    this.#showOne(this.#parts.nodes, words.tone, words.words, words.note);
    this.#showLogs(logWords(stats, samples.latest));
    say(this.#storeAway, store.up ? '' : STORE_AWAY);
    say(this.#busAway, bus.up ? '' : store.up ? BUS_AWAY : BOTH_AWAY);
    this.root.classList.toggle('alone', bus.kind === 'memory');
    this.#nodes.show(seen, this.#list ? now - this.#listedAt : null);
    this.#neighbours.show(stats, samples.latest, samples.hitRatio(now));
    if (!store.up) return 'Store away';
    if (!bus.up) return 'Bus away';
    return words.tone === 'down' ? words.words : null;
  }

  /** Nothing where none are shipped: what is empty has no place. */
  #showLogs(logs) {
    if (logs) this.#showOne(this.#parts.logs, logs.tone, logs.words, logs.note);
    else this.#parts.logs.replaceChildren();
  }

  #showOne(part, tone, words, note) {
    const text = `${tone} ${words} ${note}`;
    if (part.dataset.text === text) return;
    part.dataset.text = text;
    part.className = tone;
    part.replaceChildren(icon(ICONS[tone]), el('strong', {}, words), el('span', {}, note));
  }
}

function say(place, text) {
  setText(place, text);
  place.hidden = text === '';
}
