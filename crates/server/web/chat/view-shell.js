// The frame: list of rooms, open room, people; what is where on a phone; the keys of the whole page.

import { el } from '../shared/dom.js';
import { BannerView, NoticesView } from './view-banner.js';
import { ComposerView } from './view-composer.js';
import { welcome } from './view-empty.js';
import { HeaderView } from './view-header.js';
import { PeopleView } from './view-people.js';
import { SidebarView } from './view-sidebar.js';
import { TimelineView } from './view-timeline.js';
import { MessageToolbar } from './view-toolbar.js';

const narrow = matchMedia('(max-width: 760px)');

/** The whole chat page inside `root`. */
export class Shell {
  #store;
  #dialogs;
  #sidebar;
  #header;
  #timeline;
  #composer;
  #people;
  #welcome = el('div', { class: 'welcome-place' });
  #main;
  #scrim = el('div', { class: 'scrim', onclick: () => this.#closeSides() });
  #isOpen = false;

  constructor({ root, store, outbox, actions, dialogs, pushes, onSignOut }) {
    this.#store = store;
    this.#dialogs = dialogs;
    this.#sidebar = new SidebarView({ store, actions, dialogs, pushes, onSignOut, onHide: () => this.drawer(false) });
    this.#header = new HeaderView({ store, actions, dialogs, onMenu: () => this.drawer(true), onPeople: () => this.#togglePeople() });
    this.#timeline = new TimelineView({ store, outbox, actions });
    this.#composer = new ComposerView({ store, actions });
    this.#people = new PeopleView({ store, actions, dialogs, onClose: () => this.#togglePeople(false) });
    new MessageToolbar({ store, actions, timeline: this.#timeline, composer: this.#composer });
    const banner = new BannerView({ store, outbox, actions });
    const notices = new NoticesView({ store });
    this.#main = el('main', { class: 'room', id: 'main' },
      this.#header.root, banner.root, this.#welcome, this.#timeline.root, this.#composer.root);
    root.replaceChildren(
      el('a', { class: 'skip', href: '#main', onclick: (event) => this.#skip(event) }, 'Skip to the messages'),
      el('div', { class: 'shell' }, this.#sidebar.root, this.#scrim, this.#main, this.#people.root),
      notices.root,
    );
    store.on('active', () => this.#showActive());
    store.on('reopened', () => this.#settle());
    store.on('rooms', () => this.#showCounts());
    narrow.addEventListener('change', () => this.drawer(false));
    document.addEventListener('keydown', (event) => this.#key(event));
    this.drawer(false);
    this.#showActive();
  }

  /** Shows or hides the list of rooms on a narrow screen. */
  drawer(isOpen) {
    const wasOpen = this.#isOpen;
    this.#isOpen = isOpen && narrow.matches;
    this.#sidebar.root.classList.toggle('open', this.#isOpen);
    this.#showScrim();
    this.#sidebar.root.inert = narrow.matches && !this.#isOpen;
    this.#main.inert = this.#isOpen;
    if (this.#isOpen) this.#sidebar.root.querySelector('.room-item[aria-current], .jump-to')?.focus();
    else if (wasOpen) this.#header.menu.focus();
  }

  #showActive() {
    const room = this.#store.activeRoom;
    this.#welcome.hidden = room !== null;
    this.#timeline.root.hidden = room === null;
    this.#composer.root.hidden = room === null;
    if (room === null) {
      this.#togglePeople(false);
      this.#showWelcome();
    } else if (room.kind === 'direct') this.#togglePeople(false);
    this.#header.show();
    this.#timeline.show();
    this.#composer.show();
    this.#settle();
    this.#showCounts();
  }

  /** A room was chosen: the drawer goes, and one can write at once, unless that opens a phone's keys. */
  #settle() {
    if (this.#isOpen) this.drawer(false);
    if (!this.#store.activeRoom || narrow.matches) return;
    // A dialog in which the room was chosen keeps the focus, and gives it back, when it closes.
    const dialog = document.querySelector('dialog[open]');
    if (dialog) dialog.addEventListener('close', () => this.#composer.focus(), { once: true });
    else this.#composer.focus();
  }

  #showWelcome() {
    this.#welcome.replaceChildren(this.#store.isReady
      ? welcome({ store: this.#store, dialogs: this.#dialogs })
      : el('p', { class: 'log-note' }, el('span', { class: 'spinner' }), 'One moment…'));
  }

  #showCounts() {
    const room = this.#store.activeRoom;
    const unread = this.#store.unreadRooms;
    document.title = `${unread > 0 ? `(${unread}) ` : ''}${room ? `${room.title} · ` : ''}Campanile`;
    if (!room && !this.#welcome.contains(document.activeElement)) this.#showWelcome();
  }

  #togglePeople(isShown) {
    const now = this.#people.toggle(isShown);
    this.#header.setPeopleShown(now);
    this.#showScrim();
  }

  #closeSides() {
    this.drawer(false);
    this.#togglePeople(false);
  }

  #showScrim() {
    this.#scrim.classList.toggle('on', narrow.matches && (this.#isOpen || !this.#people.root.hidden));
  }

  #skip(event) {
    event.preventDefault();
    this.#timeline.log.focus();
  }

  #key(event) {
    const isWriting = event.target.closest?.('input, textarea, [contenteditable]') !== null;
    const isDialog = document.querySelector('dialog[open]') !== null;
    if (isDialog) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      this.#dialogs.switcher();
    } else if (event.key === '/' && !isWriting && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      this.#dialogs.switcher();
    } else if (event.altKey && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
      event.preventDefault();
      this.#goBy(event.key === 'ArrowDown' ? 1 : -1);
    } else if (event.key === 'Escape') this.#escape();
  }

  #escape() {
    if (document.querySelector('[popover]:popover-open')) return;
    if (this.#isOpen) this.drawer(false);
    else if (this.#composer.stepBack()) this.#composer.focus();
    else if (!this.#people.root.hidden && narrow.matches) this.#togglePeople(false);
    else if (this.#store.activeRoom) {
      this.#timeline.jumpToEnd();
      this.#composer.focus();
    }
  }

  #goBy(step) {
    const { rooms, direct } = this.#store.ordered;
    const names = [...rooms, ...direct].map((room) => room.name);
    if (names.length === 0) return;
    const at = names.indexOf(this.#store.active);
    this.#dialogs.open(names[(at + step + names.length) % names.length]);
  }
}
