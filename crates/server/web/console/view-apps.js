// The applications: which there are, with which keys, and how much they are used.

import { segment } from '../shared/api.js';
import { el } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import { count } from '../shared/words.js';
import { manageDialog, newAppDialog } from './app-dialogs.js';
import { Refresher } from './refresher.js';
import { NO_APPS, Trouble, empty, rowButton } from './section-parts.js';
import { address } from './sections.js';
import { Table } from './table.js';

/** The channels of so many applications are counted, and not at each look. */
const COUNTED_MAX = 30;
const COUNT_EVERY_MS = 6_000;

/** The section of the applications. */
export class AppsView {
  #api;
  #trouble = new Trouble();
  #nothing = empty(NO_APPS);
  #table;
  #refresher;
  #channels = new Map();
  #countedAt = 0;
  name = 'apps';
  title = 'Apps';
  root;

  constructor({ api }) {
    this.#api = api;
    const link = (section, text) => (app) => el('a', { href: address(section, app.id), 'data-key': `${section} ${app.id}`, 'aria-label': `${text} of ${app.name || app.id}` }, text);
    const links = (app) => el('span', { class: 'row-links' }, link('channels', 'Channels')(app), link('debug', 'Debug')(app));
    const manage = (app) => rowButton({ key: `manage ${app.id}`, label: `Change ${app.name || app.id}`, text: 'Change', run: () => manageDialog({ api, app, onChanged: () => this.#refresher.open() }) });
    const add = () => newAppDialog({ api, onChanged: () => this.#refresher.open() });
    this.#nothing.append(el('button', { type: 'button', class: 'button primary', onclick: add }, 'New application'));
    this.#table = new Table({
      title: 'Applications',
      columns: [
        { title: 'Name', cell: (app) => app.name || app.id },
        { title: 'Id', code: true, cell: (app) => app.id },
        { title: 'State', cell: (app) => (app.enabled ? 'enabled' : 'disabled'), draw: state },
        { title: 'Keys', code: true, cell: (app) => app.keys.map(({ key }) => key).join(' '), draw: keys },
        { title: 'Connections', number: true, cell: (app) => app.connections.toLocaleString() },
        { title: 'Channels', number: true, cell: (app) => this.#channels.get(app.id)?.toLocaleString() ?? '–' },
        { title: 'Look at', cell: (app) => app.id, draw: links },
        { title: 'Change', cell: (app) => (isSet(app) ? 'in the settings' : `here ${JSON.stringify(app)}`), draw: (app) => (isSet(app) ? 'in the settings' : manage(app)) },
      ],
      nothing: NO_APPS,
      stacked: true,
    });
    this.#table.head.append(el('button', { type: 'button', class: 'button', onclick: add }, 'New application'));
    this.root = el('div', { class: 'section' }, this.#trouble.root, this.#nothing, this.#table.root);
    this.#nothing.hidden = true;
    this.#refresher = new Refresher({
      ask: () => this.#load(),
      show: (apps) => this.#show(apps),
      fail: (error) => this.#trouble.fail('The applications cannot be listed', error),
    });
  }

  open() {
    this.#refresher.open();
  }

  close() {
    this.#refresher.close();
  }

  async #load() {
    const { apps } = await this.#api.get('/apps');
    if (Date.now() - this.#countedAt > COUNT_EVERY_MS) {
      this.#countedAt = Date.now();
      await Promise.all(apps.slice(0, COUNTED_MAX).map((app) => this.#count(app.id)));
    }
    return apps;
  }

  /** One that cannot be counted is not known, and does not take the others along. */
  async #count(id) {
    const answer = await this.#api.get(`/apps/${segment(id)}/channels?limit=1`).catch(() => null);
    if (answer) this.#channels.set(id, answer.total);
    else this.#channels.delete(id);
  }

  #show(apps) {
    this.#trouble.show('');
    this.#nothing.hidden = apps.length > 0;
    this.#table.root.hidden = apps.length === 0;
    this.#table.show(apps, count(apps.length, 'application'));
  }
}

/** Whether the configuration says that there is such an application. */
function isSet({ source }) {
  return source === 'configuration';
}

function state({ enabled }) {
  return el('span', { class: `state ${enabled ? 'up' : 'off'}` }, icon(enabled ? 'check' : 'close'), enabled ? 'enabled' : 'disabled');
}

function keys({ keys: known }) {
  return known.length === 0 ? el('span', { class: 'none' }, 'none') : el('span', { class: 'keys' }, known.map(({ key }) => el('code', {}, key)));
}
