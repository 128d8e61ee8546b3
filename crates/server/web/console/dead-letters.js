// Dead letters: webhooks that were given up. They are told again when somebody says so.

import { confirmDialog } from '../shared/dialog.js';
import { el, setText } from '../shared/dom.js';
import { count, exactTime } from '../shared/words.js';
import { rowButton } from './section-parts.js';
import { Table } from './table.js';

const PAGE = 50;

/** The panel of the dead letters. */
export class DeadLetters {
  #api;
  #onRevived;
  #table;
  #said = el('p', { class: 'hint said', role: 'status' });
  #failure = el('p', { class: 'form-error', role: 'alert' });
  #all = el('button', { type: 'button', class: 'button', onclick: () => this.#reviveAll() }, 'Revive all');
  #more = el('button', { type: 'button', class: 'button', onclick: () => this.#showMore() }, 'Show more');
  #pages = 1;
  #letters = [];
  #dead = 0;
  root;

  constructor({ api, onRevived }) {
    this.#api = api;
    this.#onRevived = onRevived;
    const revive = (letter) => rowButton({ key: letter.id, label: `Revive ${letter.event ?? 'webhook'} ${letter.id}`, text: 'Revive', run: () => this.#reviveOne(letter) });
    const known = (text) => text ?? 'not known here';
    this.#table = new Table({
      title: 'Dead letters',
      columns: [
        { title: 'Happened', cell: ({ happened_at: at }) => exactTime(at), draw: ({ happened_at: at }) => el('time', { datetime: at, title: exactTime(at) }, shortTime(at)) },
        { title: 'Application', cell: ({ app }) => known(app) },
        { title: 'What', cell: ({ event }) => known(event) },
        { title: 'Channel', cell: ({ channel }) => known(channel) },
        { title: 'Receiver', code: true, cell: ({ url }) => known(url) },
        { title: 'Why it was given up', cell: ({ error }) => error },
        { title: '', number: true, cell: ({ id }) => id, draw: revive },
      ],
      nothing: 'Nothing was given up. What a receiver does not take in time comes here, and can be told again.',
      stacked: true,
    });
    this.#table.head.append(this.#all);
    this.#table.root.append(this.#said, this.#failure, el('div', { class: 'more' }, this.#more));
    this.root = this.#table.root;
  }

  /** Reads as many as are to be seen. */
  async load() {
    const letters = [];
    for (let page = 0; page < this.#pages; page += 1) {
      const after = letters.at(-1) ? `&after=${letters.at(-1).id}` : '';
      const { webhooks } = await this.#api.get(`/webhooks/dead?limit=${PAGE}${after}`);
      letters.push(...webhooks);
      if (webhooks.length < PAGE) break;
    }
    this.#letters = letters;
  }

  /** Shows what was read, of so many. */
  show(dead) {
    this.#dead = Math.max(dead, this.#letters.length);
    const seen = this.#letters.length < this.#dead ? `, the oldest ${this.#letters.length} of them` : '';
    this.#all.hidden = this.#letters.length === 0;
    this.#more.parentElement.hidden = seen === '';
    this.#table.show(this.#letters, `${count(this.#dead, 'dead letter')}${seen}`);
  }

  #showMore() {
    this.#pages += 1;
    this.#onRevived();
  }

  async #reviveOne(letter) {
    const sure = await confirmDialog({ title: 'Tell this one again?', text: `${letter.url ?? 'Its receiver'} is told again what happened, as if it had never been tried. It has to leave out what it knows already.`, action: 'Revive' });
    if (sure) await this.#revive({ ids: [letter.id] });
  }

  async #reviveAll() {
    const sure = await confirmDialog({ title: `Tell ${this.#dead === 1 ? 'the one' : `all ${this.#dead.toLocaleString()}`} again?`, text: 'Every receiver is told again what was given up, as if it had never been tried. They have to leave out what they know already.', action: 'Revive all' });
    if (sure) await this.#revive({});
  }

  async #revive(which) {
    setText(this.#failure, '');
    setText(this.#said, '');
    try {
      const { revived } = await this.#api.post('/webhooks/dead/revive', which);
      setText(this.#said, `${count(revived, 'webhook')} will be told again.`);
      this.#onRevived();
    } catch (error) {
      setText(this.#failure, `They are not told again: ${error.message}`);
    }
  }
}

const short = new Intl.DateTimeFormat(undefined, { day: '2-digit', month: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' });

function shortTime(at) {
  return short.format(new Date(at));
}
