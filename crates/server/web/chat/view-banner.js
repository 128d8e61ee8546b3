// The state of the connection in words, when it is worth words, and short notices.

import { el, replaceContent } from '../shared/dom.js';
import { icon } from '../shared/icons.js';

const PATIENCE_MS = 1_200;
const NOTICE_MS = 6_000;
const NOTICES_MAX = 3;

/** The banner above the log. A loss that heals at once is not mentioned. */
export class BannerView {
  #store;
  #outbox;
  #actions;
  #since = 0;
  #wasOnline = false;
  root = el('div', { class: 'banner', role: 'status', hidden: true });

  constructor({ store, outbox, actions }) {
    this.#store = store;
    this.#outbox = outbox;
    this.#actions = actions;
    store.on('connection', () => this.#changed());
    setInterval(() => this.#show(), 500);
  }

  #changed() {
    const { name } = this.#store.connection;
    if (name === 'online') {
      if (this.#since > 0 && !this.root.hidden && this.#wasOnline) this.#store.notice('Back online.', 'good');
      this.#since = 0;
      this.#wasOnline = true;
    } else if (this.#since === 0) this.#since = Date.now();
    this.#show();
  }

  #show() {
    const { text, tone, canTry } = this.#words();
    this.root.hidden = text === '';
    if (this.root.dataset.text === text) return;
    this.root.dataset.text = text;
    this.root.className = `banner ${tone}`;
    const retry = canTry && el('button', { type: 'button', class: 'link-button', onclick: () => this.#actions.reconnect() }, 'Try now');
    replaceContent(this.root, icon(tone === 'calm' ? 'clock' : 'alert'), el('span', {}, text), retry);
  }

  #words() {
    const { name, retryAt, draining } = this.#store.connection;
    const nothing = { text: '', tone: 'calm' };
    if (name === 'online') {
      return draining ? { text: 'The server is about to restart. You stay here; it takes a moment.', tone: 'calm' } : nothing;
    }
    if (name === 'stopped' || name === 'refused' || Date.now() - this.#since < PATIENCE_MS) return nothing;
    const kept = this.#outbox.size > 0 ? ' What you write is kept and sent then.' : '';
    if (!navigator.onLine) return { text: `This device is offline.${kept}`, tone: 'warn' };
    if (name === 'connecting') return { text: this.#wasOnline ? `Connecting again…${kept}` : 'Connecting…', tone: 'calm' };
    const seconds = Math.ceil((retryAt - Date.now()) / 1000);
    const when = seconds > 1 ? `in ${seconds} s` : 'now';
    const why = draining ? 'The server restarts' : 'The server cannot be reached';
    return { text: `${why}. Trying again ${when}.${kept}`, tone: draining ? 'calm' : 'warn', canTry: seconds > 1 };
  }
}

/** Short notices that go by themselves, in the order they came. */
export class NoticesView {
  root = el('div', { class: 'notices', role: 'status', 'aria-live': 'polite' });

  constructor({ store }) {
    store.on('notice', ({ text, tone }) => this.#add(text, tone));
  }

  #add(text, tone) {
    while (this.root.children.length >= NOTICES_MAX) this.root.firstChild.remove();
    const remove = () => note.remove();
    const note = el('div', { class: `toast ${tone}` }, el('span', {}, text),
      el('button', { type: 'button', class: 'icon-button', 'aria-label': 'Dismiss', onclick: remove }, icon('close')));
    this.root.append(note);
    setTimeout(remove, NOTICE_MS);
  }
}
