// The list of rooms and direct conversations, with what is unread, and oneself at its foot.

import { avatar } from '../shared/avatar.js';
import { el, replaceContent } from '../shared/dom.js';
import { menuButton } from '../shared/dialog.js';
import { icon, mark } from '../shared/icons.js';
import { themeButton } from '../shared/theme.js';
import { count } from '../shared/words.js';
import { presenceDot, presenceText, STATUSES } from './presence-words.js';

const UNREAD_SHOWN_MAX = 99;

/** The left column; `dialogs` opens what its buttons lead to, `onSignOut` ends the visit. */
export class SidebarView {
  #store;
  #actions;
  #dialogs;
  #pushes;
  #rooms = el('ul', { class: 'room-list' });
  #direct = el('ul', { class: 'room-list' });
  #me = el('button', { type: 'button', class: 'me' });
  #scheduled = false;
  /** What each list shows now. */
  #shown = new Map();

  constructor({ store, actions, dialogs, pushes, onSignOut, onHide }) {
    this.#store = store;
    this.#actions = actions;
    this.#dialogs = dialogs;
    this.#pushes = pushes;
    const button = (name, label, run) => el('button', { type: 'button', class: 'icon-button', 'aria-label': label, title: label, onclick: run }, icon(name));
    const close = button('close', 'Hide the list of rooms', onHide);
    close.classList.add('drawer-close');
    const menu = menuButton({ button: this.#me, items: () => this.#menu(onSignOut), className: 'me-menu' });
    this.root = el('nav', { class: 'sidebar', 'aria-label': 'Rooms', id: 'sidebar' },
      el('div', { class: 'sidebar-head' },
        el('a', { class: 'wordmark', href: '#', 'aria-label': 'Campanile, start' }, mark(), 'Campanile'),
        close,
      ),
      el('button', { type: 'button', class: 'jump-to', onclick: () => dialogs.switcher() },
        icon('search'), el('span', {}, 'Jump to…'), el('kbd', { 'aria-hidden': 'true' }, 'Ctrl K')),
      el('div', { class: 'sidebar-scroll' },
        el('div', { class: 'section-head' }, el('h2', { id: 'list-rooms' }, 'Rooms'),
          button('compass', 'Browse rooms', () => dialogs.browse()), button('plus', 'Create a room', () => dialogs.createRoom())),
        this.#rooms,
        el('div', { class: 'section-head' }, el('h2', { id: 'list-direct' }, 'Direct messages'),
          button('plus', 'Message someone', () => dialogs.direct())),
        this.#direct,
      ),
      el('div', { class: 'sidebar-foot' }, this.#me, themeButton()),
      menu,
    );
    this.#rooms.setAttribute('aria-labelledby', 'list-rooms');
    this.#direct.setAttribute('aria-labelledby', 'list-direct');
    for (const type of ['rooms', 'presence', 'connection', 'typing']) store.on(type, () => this.#schedule());
    // The sign that somebody types runs out without an event.
    setInterval(() => this.#schedule(), 1_000);
    this.#render();
  }

  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#render();
    });
  }

  #render() {
    const { rooms, direct } = this.#store.ordered;
    this.#fill(this.#rooms, rooms, 'No rooms yet.');
    this.#fill(this.#direct, direct, 'Nobody yet.');
    this.#renderMe();
  }

  #fill(list, rooms, nothing) {
    // Every presence and message asks for this; made again only when it would look different, hover and focus stay calm.
    const mark = JSON.stringify([this.#store.isReady, rooms.map((room) => this.#look(room))]);
    if (this.#shown.get(list) === mark) return;
    this.#shown.set(list, mark);
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.room : null;
    const empty = el('li', { class: 'nothing' }, this.#store.isReady ? nothing : 'Loading…');
    list.replaceChildren(...(rooms.length > 0 ? rooms.map((room) => el('li', {}, this.#item(room))) : [empty]));
    if (focused) [...list.querySelectorAll('button')].find((button) => button.dataset.room === focused)?.focus();
  }

  /** All that an item shows. */
  #look(room) {
    return {
      name: room.name, title: room.title, kind: room.kind, unread: room.unread,
      isActive: room.name === this.#store.active,
      isTyping: room.typingNow(Date.now()).length > 0,
      status: this.#store.statusOf(room.peer),
    };
  }

  #item(room) {
    const { unread, isActive, isTyping, status } = this.#look(room);
    return el('button', {
      type: 'button', class: `room-item${unread > 0 ? ' unread' : ''}`, 'data-room': room.name,
      'aria-current': isActive ? 'page' : null, onclick: () => this.#dialogs.open(room.name),
    },
    room.kind === 'direct'
      ? el('span', { class: 'faced' }, avatar(room.title, 'small'), presenceDot(status))
      : icon(room.kind === 'private' ? 'lock' : 'hash'),
    el('span', { class: 'room-name' }, room.title),
    room.kind === 'private' && el('span', { class: 'sr-only' }, ', private'),
    room.kind === 'direct' && el('span', { class: 'sr-only' }, `, ${presenceText(this.#store.presence.get(room.peer))}`),
    isTyping && el('span', { class: 'dots', title: 'Somebody is typing' }),
    unread > 0 && el('span', { class: 'badge' },
      el('span', { 'aria-hidden': 'true' }, unread > UNREAD_SHOWN_MAX ? `${UNREAD_SHOWN_MAX}+` : String(unread)),
      el('span', { class: 'sr-only' }, `, ${count(unread, 'unread message')}`)),
    );
  }

  #renderMe() {
    const { me, ownStatus, connection } = this.#store;
    const isOnline = connection.name === 'online';
    const state = isOnline ? ownStatus : 'unavailable';
    const text = isOnline ? STATUSES[ownStatus] : 'Not connected';
    if (this.#me.dataset.shown === `${state} ${text}`) return;
    this.#me.dataset.shown = `${state} ${text}`;
    replaceContent(this.#me,
      el('span', { class: 'faced' }, avatar(me), presenceDot(state)),
      el('span', { class: 'me-words' }, el('strong', {}, me), el('span', {}, text)),
      icon('more'),
    );
  }

  async #notify(turn, done) {
    try {
      await turn();
      this.#store.notice(done);
    } catch (error) {
      this.#store.notice(error.message, 'warn');
    }
  }

  #menu(onSignOut) {
    const status = (name) => ({
      label: STATUSES[name], checked: this.#store.ownStatus === name,
      run: () => this.#actions.setStatus(name).catch((error) => this.#store.notice(error.message, 'warn')),
    });
    return [
      ...Object.keys(STATUSES).map(status),
      null,
      this.#pushes.isOn
        ? { label: 'Stop notifying me', icon: 'bellOff', run: () => this.#notify(() => this.#pushes.turnOff(), 'You are notified no longer on this browser.') }
        : { label: 'Notify me when I am away', icon: 'bell', run: () => this.#notify(() => this.#pushes.turnOn(), 'This browser tells you of direct messages while you are away.') },
      ...(this.#store.operator ? [{ label: 'Operator’s console', icon: 'gauge', run: () => location.assign('/console') }] : []),
      { label: 'Sign out', icon: 'exit', run: onSignOut },
    ];
  }
}
