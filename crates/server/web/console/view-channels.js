// The channels of an application: which somebody is subscribed to, and what one of them is like.

import { segment } from '../shared/api.js';
import { openDialog } from '../shared/dialog.js';
import { el, field } from '../shared/dom.js';
import { bytes, count, exactTime } from '../shared/words.js';
import { AppPicker } from './app-picker.js';
import { Refresher } from './refresher.js';
import { NO_APPS, Trouble, empty, rowButton } from './section-parts.js';
import { address } from './sections.js';
import { Table } from './table.js';

const LISTED = 200;
const SEARCH_PAUSE_MS = 200;
const NOBODY = 'Nobody is subscribed to a channel. Subscribe with a client, or publish a test event under Debug.';

/** The section of the channels. */
export class ChannelsView {
  #api;
  #trouble = new Trouble();
  #nothing = empty(NO_APPS);
  #search = el('input', { type: 'search', placeholder: 'presence-', autocomplete: 'off', spellcheck: 'false', maxlength: '200' });
  #picker = new AppPicker({ onPick: (id) => { location.hash = address('channels', id); } });
  #form = el('div', { class: 'panel pick' }, this.#picker.root, field({ label: 'Names that begin with', input: this.#search }).root);
  #wanted = '';
  #typing = null;
  #table;
  #refresher;
  name = 'channels';
  title = 'Channels';
  root;

  constructor({ api }) {
    this.#api = api;
    const open = ({ name }) => rowButton({ key: name, text: name, run: () => this.#showOne(name) });
    this.#table = new Table({
      title: 'Channels',
      columns: [
        { title: 'Channel', cell: ({ name }) => name, draw: open },
        { title: 'Kind', cell: kind },
        { title: 'Subscriptions', number: true, cell: ({ subscriptions }) => subscriptions.toLocaleString() },
        { title: 'Members', number: true, cell: ({ members }) => members?.toLocaleString() ?? '' },
      ],
      nothing: NOBODY,
      stacked: true,
    });
    this.root = el('div', { class: 'section' }, this.#trouble.root, this.#nothing, this.#form, this.#table.root);
    this.#showNothing(false);
    this.#search.addEventListener('input', () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#refresher.open(), SEARCH_PAUSE_MS);
    });
    this.#refresher = new Refresher({
      ask: () => this.#load(),
      show: (answer) => this.#show(answer),
      fail: (error) => this.#trouble.fail('The channels cannot be listed', error),
    });
  }

  open(app) {
    this.#wanted = app;
    this.#refresher.open();
  }

  close() {
    clearTimeout(this.#typing);
    this.#refresher.close();
  }

  async #load() {
    const { apps } = await this.#api.get('/apps');
    this.#picker.show(apps, this.#wanted);
    if (!this.#picker.chosen) return null;
    return this.#api.get(`/apps/${segment(this.#picker.chosen)}/channels?limit=${LISTED}&prefix=${segment(this.#search.value.trim())}`);
  }

  #show(answer) {
    this.#trouble.show('');
    this.#showNothing(answer === null);
    if (!answer) return;
    const { channels, total } = answer;
    const all = count(total, 'channel');
    this.#table.nothing = this.#search.value.trim() === '' ? NOBODY : 'No channel that somebody is subscribed to begins so.';
    this.#table.show(channels, channels.length < total ? `${all}, the first ${channels.length} of them` : all);
  }

  #showNothing(is) {
    this.#nothing.hidden = !is;
    this.#form.hidden = is;
    this.#table.root.hidden = is;
  }

  async #showOne(name) {
    const app = this.#picker.chosen;
    const content = el('div', { class: 'dialog-body' }, el('p', { role: 'status' }, el('span', { class: 'spinner' }), 'Asking the server…'));
    openDialog({ title: name, content, className: 'channel' });
    try {
      const channel = await this.#api.get(`/apps/${segment(app)}/channels/${segment(name)}`);
      content.replaceChildren(...details(app, channel));
    } catch (error) {
      content.replaceChildren(el('p', { class: 'form-error', role: 'alert' }, `The channel cannot be shown: ${error.message}`));
    }
  }
}

function details(app, channel) {
  const { name, subscriptions, members, member_list: list, kept } = channel;
  const facts = [['Kind', kind(channel)], ['Subscriptions', subscriptions.toLocaleString()]];
  if (members !== undefined) facts.push(['Members', members.toLocaleString()]);
  if (channel.cache) facts.push(['Last event', kept ? `${kept.event}, ${bytes(kept.data_bytes)}, kept until ${exactTime(kept.until)}` : 'none is kept']);
  const watch = el('a', { class: 'button', href: `${address('debug', app)}/${encodeURIComponent(name)}` }, 'Watch it');
  watch.addEventListener('click', () => watch.closest('dialog').close());
  return [
    el('dl', { class: 'details' }, facts.map(([term, fact]) => el('div', {}, el('dt', {}, term), el('dd', {}, fact)))),
    list && list.length > 0 && el('div', { class: 'member-list' }, el('h3', {}, list.length < members ? `The first ${list.length} members` : 'Members'), el('ul', {}, list.map((user) => el('li', {}, user)))),
    el('div', { class: 'dialog-actions' }, watch),
  ].filter(Boolean);
}

function kind({ kind: access, cache }) {
  return `${access}${cache ? ', cache' : ''}`;
}
