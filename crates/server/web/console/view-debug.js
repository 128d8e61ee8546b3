// Debug: publishing a test event for an application, and what passes in it, as it passes.

import { segment } from '../shared/api.js';
import { el, setText } from '../shared/dom.js';
import { count } from '../shared/words.js';
import { AppPicker } from './app-picker.js';
import { EventStream } from './event-stream.js';
import { Passing, about, kindWords } from './passing.js';
import { Refresher } from './refresher.js';
import { NO_APPS, Trouble, empty } from './section-parts.js';
import { address } from './sections.js';
import { PublishForm } from './view-publish.js';

const STATES = { connecting: 'Connecting', live: 'Live', away: 'Not connected', paused: 'Paused' };
const APPS_EVERY_MS = 5_000;
const WAITING = 'Nothing has passed since you look. Publish a test event, or let a client subscribe.';
const FILTERED = 'Nothing that passed has this in its channel or name.';
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 });

/** The section for trying an application. */
export class DebugView {
  #api;
  #trouble = new Trouble();
  #nothing = empty(NO_APPS);
  #picker = new AppPicker({ onPick: (id) => { location.hash = address('debug', id); } });
  #publish;
  #filter = el('input', { type: 'search', placeholder: 'Channel or event', 'aria-label': 'Filter what passes by channel or event', autocomplete: 'off', spellcheck: 'false' });
  #pause = el('button', { type: 'button', class: 'button', 'aria-pressed': 'false', onclick: () => this.#togglePause() }, 'Pause');
  #clear = el('button', { type: 'button', class: 'button', onclick: () => this.#wipe() }, 'Clear');
  #state = el('span', { class: 'stream-state', role: 'status' });
  #hint = el('p', { class: 'hint said' });
  #list = el('ol');
  #log = el('div', { class: 'passing', role: 'log', 'aria-live': 'off', 'aria-label': 'What passes', tabindex: '0' }, this.#list);
  #body;
  #passing = new Passing();
  #stream = null;
  #watched = null;
  #node = '';
  #connection = 'connecting';
  #wanted = '';
  #refresher;
  name = 'debug';
  title = 'Debug';
  root;

  constructor({ api }) {
    this.#api = api;
    this.#publish = new PublishForm({ api, app: () => this.#picker.chosen });
    this.#filter.addEventListener('input', () => this.#draw());
    const head = el('div', { class: 'table-head' }, el('h2', {}, 'What passes'), this.#state, this.#filter, this.#pause, this.#clear);
    this.#body = el('div', { class: 'debug' },
      el('section', { class: 'panel try', 'aria-label': 'Publish a test event' }, this.#picker.root, this.#publish.root),
      el('section', { class: 'panel' }, head, this.#hint, this.#log));
    this.root = el('div', { class: 'section' }, this.#trouble.root, this.#nothing, this.#body);
    this.#nothing.hidden = true;
    this.#refresher = new Refresher({
      ask: async () => (await this.#api.get('/apps')).apps,
      show: (apps) => this.#show(apps),
      fail: (error) => this.#trouble.fail('The applications cannot be listed', error),
      everyMs: APPS_EVERY_MS,
    });
    this.#draw();
  }

  /** `argument` is an application, and perhaps a channel behind a slash. */
  open(argument) {
    const [app, ...channel] = argument.split('/');
    this.#wanted = app;
    if (channel.length > 0) {
      this.#filter.value = channel.join('/');
      this.#publish.channel = channel.join('/');
    }
    this.#refresher.open();
  }

  close() {
    this.#refresher.close();
    this.#stream?.close();
    this.#stream = null;
    this.#watched = null;
  }

  #show(apps) {
    this.#trouble.show('');
    this.#nothing.hidden = apps.length > 0;
    this.#body.hidden = apps.length === 0;
    this.#picker.show(apps, this.#wanted);
    this.#watch(this.#picker.chosen);
  }

  #watch(app) {
    if (app === this.#watched || !app) return;
    // What was seen of another application is nothing of this one.
    if (this.#watched) this.#wipe();
    this.#stream?.close();
    this.#watched = app;
    this.#stream = new EventStream({
      api: this.#api,
      path: `/apps/${segment(app)}/debug`,
      onEvent: (event) => this.#hear(event),
      onState: (state, error) => this.#showState(state, error),
    });
  }

  #hear({ name, data }) {
    if (name === 'watching') this.#node = data.node;
    else this.#passing.add(name === 'missed' ? { ...data, kind: 'missed', at: new Date().toISOString() } : data);
    this.#draw();
  }

  #showState(state, error) {
    this.#connection = state;
    this.#trouble.show(state === 'away' ? `What passes cannot be seen: ${error.message} It is tried again every few seconds.` : '');
    this.#draw();
  }

  #togglePause() {
    if (this.#passing.isPaused) this.#passing.resume();
    else this.#passing.pause();
    this.#draw();
  }

  #wipe() {
    this.#passing.clear();
    this.#draw();
  }

  #draw() {
    const { isPaused, waiting } = this.#passing;
    const state = this.#connection === 'live' && isPaused ? 'paused' : this.#connection;
    this.#state.className = `stream-state is-${state}`;
    setText(this.#state, STATES[state]);
    setText(this.#pause, isPaused ? (waiting > 0 ? `Go on, ${waiting.toLocaleString()} more` : 'Go on') : 'Pause');
    this.#pause.setAttribute('aria-pressed', String(isPaused));
    const seen = this.#passing.seen(this.#filter.value);
    const of = this.#node ? ` Events and members of all nodes; subscriptions and webhooks of ${this.#node}.` : '';
    setText(this.#hint, `${count(seen.length, 'line')}, the newest first.${of}`);
    if (seen.length === 0) {
      this.#list.replaceChildren(el('li', { class: 'none' }, this.#filter.value.trim() === '' ? WAITING : FILTERED));
      return;
    }
    this.#fill(seen);
  }

  /** What is there already stays as it is, so that it can be read and selected while more comes. */
  #fill(seen) {
    const known = new Map([...this.#list.children].map((line) => [line.dataset.number, line]));
    const lines = seen.map((passed) => known.get(String(passed.number)) ?? row(passed));
    const wanted = new Set(lines);
    for (const line of [...this.#list.children]) if (!wanted.has(line)) line.remove();
    lines.forEach((line, place) => {
      if (this.#list.children[place] !== line) this.#list.insertBefore(line, this.#list.children[place] ?? null);
    });
  }
}

function row(passed) {
  const { number, kind, at, channel, event, data } = passed;
  const more = about(passed);
  return el('li', { 'data-number': number, class: `kind-${kind}` },
    el('time', { datetime: at }, clock.format(new Date(at))),
    el('span', { class: 'passing-kind' }, kindWords(passed)),
    channel && el('span', { class: 'passing-channel' }, channel),
    event && el('strong', {}, event),
    more && el('span', { class: 'passing-about' }, more),
    data !== undefined && el('code', { class: 'passing-data' }, data === '' ? '(empty)' : data));
}
