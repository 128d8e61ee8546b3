// Webhooks: how they fare, to whom they go, and which were given up.

import { el, setText } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import { count, duration, exactTime, short } from '../shared/words.js';
import { DeadLetters } from './dead-letters.js';
import { Refresher } from './refresher.js';
import { Trouble } from './section-parts.js';
import { Table } from './table.js';

const NO_RECEIVERS = 'No application has a webhook. Name one in the settings, under [[apps.webhooks]]: where it goes, and which events it tells.';

const TILES = [
  { title: 'Waiting', value: ({ waiting }) => short(waiting), note: () => 'over all nodes' },
  { title: 'Oldest', value: ({ oldest_seconds: age }) => (age === null ? '–' : duration(age)), note: ({ oldest_seconds: age }) => (age === null ? 'nothing waits' : 'has waited so long') },
  { title: 'Told', value: ({ sent_total: sent }) => short(sent), note: () => 'by this node' },
  { title: 'Not taken', value: ({ failed_total: failed }) => short(failed), note: () => 'and tried again' },
  { title: 'Given up', value: ({ dead }) => short(dead), note: ({ dead }) => (dead > 0 ? 'see below' : 'over all nodes') },
  { title: 'Lost', value: ({ lost_total: lost }) => short(lost), note: () => 'for want of room' },
];

/** The section of the webhooks. */
export class WebhooksView {
  #trouble = new Trouble();
  #tiles = TILES.map((tile) => ({ ...tile, number: el('span'), noteLine: el('p', { class: 'tile-note' }) }));
  #receivers;
  #dead;
  #refresher;
  name = 'webhooks';
  title = 'Webhooks';
  root;

  constructor({ api }) {
    this.#receivers = new Table({
      title: 'Receivers',
      columns: [
        { title: 'Application', cell: ({ app }) => app },
        { title: 'Receiver', code: true, cell: ({ url }) => url },
        { title: 'State', cell: rest, draw: state },
        { title: 'Told of', cell: ({ events }) => events.join(', ') },
      ],
      nothing: NO_RECEIVERS,
      stacked: true,
    });
    this.#dead = new DeadLetters({ api, onRevived: () => this.#refresher.open() });
    const tiles = this.#tiles.map(({ title, number, noteLine }) => el('section', { class: 'tile' }, el('h2', {}, title), el('p', { class: 'tile-value' }, number), noteLine));
    this.root = el('div', { class: 'section' }, this.#trouble.root, el('div', { class: 'tiles' }, tiles), this.#receivers.root, this.#dead.root);
    this.#refresher = new Refresher({
      ask: async () => {
        const [health] = await Promise.all([api.get('/webhooks'), this.#dead.load()]);
        return health;
      },
      show: (health) => this.#show(health),
      fail: (error) => this.#trouble.fail('Webhooks cannot be looked at', error),
    });
  }

  open() {
    this.#refresher.open();
  }

  close() {
    this.#refresher.close();
  }

  #show(health) {
    this.#trouble.show('');
    for (const { number, noteLine, value, note } of this.#tiles) {
      setText(number, value(health));
      setText(noteLine, note(health));
    }
    this.#receivers.show(health.receivers, count(health.receivers.length, 'receiver'));
    this.#dead.show(health.dead);
  }
}

function rest({ resting_until: until }) {
  return until ? `left alone until ${exactTime(until)}` : 'asked at once';
}

function state(receiver) {
  const does = !receiver.resting_until;
  return el('span', { class: `state ${does ? 'up' : 'down'}`, title: rest(receiver) }, icon(does ? 'check' : 'alert'), does ? 'asked at once' : 'does not take them');
}
