// The console: its head, the section of the server (health, tiles, what is around the node, plots
// and tables), and the sections of its applications.

import { el, setText } from '../shared/dom.js';
import { icon, mark } from '../shared/icons.js';
import { themeButton } from '../shared/theme.js';
import { bytes, duration, latency, percent, perSecond, short } from '../shared/words.js';
import { Plot } from './plot.js';
import { Sections } from './sections.js';
import { AppsView } from './view-apps.js';
import { ChannelsView } from './view-channels.js';
import { ClusterView } from './view-cluster.js';
import { DebugView } from './view-debug.js';
import { InvitesView } from './view-invites.js';
import { TablesView } from './view-tables.js';
import { TilesView } from './view-tiles.js';
import { WebhooksView } from './view-webhooks.js';

const PLOTS = [
  { title: 'Connections', format: short, least: 4, series: [{ name: 'open', tone: 'one', pick: (now) => now.connections }, { name: 'users', tone: 'two', pick: (now) => now.users }] },
  { title: 'Messages', format: perSecond, least: 1, series: [{ name: 'out', tone: 'one', pick: (now) => now.sent }, { name: 'in', tone: 'two', pick: (now) => now.received }] },
  { title: 'Delivery latency', format: latency, least: 0.001, series: [{ name: 'p99', tone: 'one', pick: (now) => now.p99 }, { name: 'p50', tone: 'two', pick: (now) => now.p50 }] },
  { title: 'Errors', format: perSecond, least: 1, series: [{ name: 'failed', tone: 'bad', pick: (now) => now.failed }, { name: 'rejected', tone: 'one', pick: (now) => now.rejected }, { name: 'HTTP', tone: 'two', pick: (now) => now.httpErrors }, { name: 'store', tone: 'three', pick: (now) => now.storeErrors }] },
  { title: 'Store and HTTP', format: perSecond, least: 1, series: [{ name: 'store operations', tone: 'three', pick: (now) => now.storeOperations }, { name: 'requests', tone: 'two', pick: (now) => now.requests }] },
  { title: 'Processor', format: percent, least: 0.1, series: [{ name: 'of one core', tone: 'one', pick: (now) => now.cpu }] },
  { title: 'Memory', format: bytes, binary: true, least: 1024 * 1024, series: [{ name: 'resident', tone: 'three', pick: (now) => now.memory }] },
  { title: 'Arrivals', format: perSecond, least: 1, series: [{ name: 'opened', tone: 'three', pick: (now) => now.opened }, { name: 'closed', tone: 'two', pick: (now) => now.closed }, { name: 'refused', tone: 'bad', pick: (now) => now.refused }] },
];

/** What there is only between nodes. */
const BETWEEN = [
  { title: 'Between nodes', format: perSecond, least: 1, series: [{ name: 'received', tone: 'one', pick: (now) => now.heard }, { name: 'published', tone: 'two', pick: (now) => now.published }] },
  { title: 'Lag between nodes', format: latency, least: 0.001, series: [{ name: 'p99', tone: 'one', pick: (now) => now.lag99 }, { name: 'p50', tone: 'two', pick: (now) => now.lag50 }] },
];

const TITLE = 'Campanile console';
const STATES = { connecting: 'Connecting', live: 'Live', away: 'Server away', unsure: 'Store away' };
const AWAY = {
  away: 'The server does not answer. What you see is from before; this page asks again every few seconds.',
  unsure: 'The server answers, but cannot find out who you are while its store is away. What you see is from before; this page asks again every few seconds.',
};

/** The board inside `root`. */
export class Board {
  #tiles = new TilesView();
  #cluster = new ClusterView();
  #tables = new TablesView();
  #invites;
  #plots = PLOTS.map((plot) => new Plot(plot));
  #between = BETWEEN.map((plot) => new Plot(plot));
  #live = el('p', { class: 'live', role: 'status' });
  #facts = el('p', { class: 'facts' });
  #away = el('p', { class: 'trouble', role: 'alert', hidden: true });
  #trouble = null;
  #isAlone = false;
  #main;
  #sections;

  constructor({ root, api, user, onSignOut }) {
    this.#invites = new InvitesView({ api });
    const button = (name, label, run) => el('button', { type: 'button', class: 'icon-button', 'aria-label': label, title: label, onclick: run }, icon(name));
    const server = el('div', { class: 'section' }, this.#cluster.notices, this.#cluster.health, this.#tiles.root, this.#cluster.root,
      el('div', { class: 'plots' }, [...this.#plots, ...this.#between].map((plot) => plot.root)), this.#invites.root, this.#tables.root);
    const views = [AppsView, ChannelsView, WebhooksView, DebugView].map((View) => new View({ api }));
    this.#main = el('main', { class: 'console-main', id: 'main' }, this.#away, server, views.map((view) => view.root));
    this.#sections = new Sections([{ name: 'server', title: 'Server', root: server }, ...views]);
    root.replaceChildren(el('div', { class: 'console' },
      el('header', { class: 'console-head' },
        el('a', { class: 'wordmark', href: '/', 'aria-label': 'Campanile, to the chat' }, mark(), 'Campanile'),
        el('h1', {}, 'Console'), this.#live, this.#facts,
        el('span', { class: 'console-user' }, user),
        el('a', { class: 'button', href: '/' }, icon('message'), el('span', {}, 'Chat')), themeButton(), button('exit', 'Sign out', onSignOut)),
      this.#sections.nav, this.#main,
    ));
    this.showState('connecting');
  }

  /** Asks nothing any more: another page takes its place. */
  end() {
    this.#sections.end();
  }

  /** Shows an answer of the server and the samples up to now. */
  showStats(stats, samples) {
    if (samples.latest) this.#tiles.show(samples.latest);
    this.#trouble = this.#cluster.show(stats, samples, Date.now());
    this.#isAlone = !stats.bus.up;
    for (const plot of this.#between) plot.root.hidden = stats.bus.kind === 'memory';
    setText(this.#facts, `${stats.name} · version ${stats.version} · up ${duration(stats.uptime_seconds)}`);
    this.draw(samples);
  }

  /** Draws the plots. */
  draw({ list }) {
    const now = list.at(-1)?.at ?? Date.now();
    for (const plot of [...this.#plots, ...this.#between]) if (!plot.root.hidden) plot.draw(list, now);
  }

  showTables(tables) {
    this.#cluster.takeNodes(tables.nodes, Date.now());
    this.#tables.show(tables, this.#isAlone);
    this.#invites.show(tables.invites);
  }

  /** `connecting`, `live`, `away`, or `unsure`: it answers, and refuses for now. */
  showState(state) {
    const isAway = state in AWAY;
    this.#live.className = `live ${isAway ? 'away' : state}`;
    setText(this.#live, STATES[state]);
    this.#away.hidden = !isAway;
    this.#main.classList.toggle('is-old', isAway);
    setText(this.#away, AWAY[state] ?? '');
    const trouble = isAway ? STATES[state] : this.#trouble;
    document.title = trouble ? `${trouble} · ${TITLE}` : TITLE;
  }
}
