// The head of the open room: what it is, who it is with, and what can be done with it.

import { avatar } from '../shared/avatar.js';
import { el, replaceContent } from '../shared/dom.js';
import { confirmDialog, menuButton } from '../shared/dialog.js';
import { icon } from '../shared/icons.js';
import { count } from '../shared/words.js';
import { presenceDot, presenceText } from './presence-words.js';

/** The bar above the log. */
export class HeaderView {
  #store;
  #actions;
  #dialogs;
  #title = el('h1', { class: 'room-title', tabindex: '-1' });
  #sub = el('p', { class: 'room-sub' });
  #face = el('span', { class: 'room-face' });
  #people;
  #more = el('button', { type: 'button', class: 'icon-button', 'aria-label': 'More about this room', title: 'More' }, icon('more'));

  constructor({ store, actions, dialogs, onMenu, onPeople }) {
    this.#store = store;
    this.#actions = actions;
    this.#dialogs = dialogs;
    this.#people = el('button', { type: 'button', class: 'pill', 'aria-controls': 'people', 'aria-expanded': 'false', onclick: onPeople });
    this.menu = el('button', { type: 'button', class: 'icon-button drawer-open', 'aria-label': 'Show the list of rooms', 'aria-controls': 'sidebar', onclick: onMenu }, icon('menu'));
    this.root = el('header', { class: 'room-head' },
      this.menu, this.#face,
      el('div', { class: 'room-words' }, this.#title, this.#sub),
      this.#people, this.#more,
      menuButton({ button: this.#more, items: () => this.#items() }),
    );
    for (const type of ['members', 'presence', 'active', 'rooms']) store.on(type, () => this.show());
    setInterval(() => this.show(), 30_000);
    this.show();
  }

  /** Shows the open room. */
  show() {
    const room = this.#store.activeRoom;
    for (const part of [this.#more, this.#sub]) part.hidden = !room;
    this.#people.hidden = !room || room.kind === 'direct';
    const unread = [...this.#store.rooms.values()].some((other) => other !== room && other.unread > 0);
    this.menu.classList.toggle('has-news', unread);
    if (!room) {
      replaceContent(this.#title, 'Campanile');
      this.#face.replaceChildren();
      delete this.root.dataset.mark;
      return;
    }
    const isDirect = room.kind === 'direct';
    const presence = this.#store.presence.get(room.peer);
    const sub = isDirect ? presenceText(presence) : room.topic || (room.isOwner ? 'No topic yet' : '');
    const mark = JSON.stringify([room.name, room.title, room.kind, sub, room.memberCount, presence?.status]);
    if (this.root.dataset.mark === mark) return;
    this.root.dataset.mark = mark;
    replaceContent(this.#title, room.title);
    replaceContent(this.#sub, sub);
    this.#sub.title = sub;
    replaceContent(this.#face, isDirect
      ? el('span', { class: 'faced' }, avatar(room.title), presenceDot(presence?.status ?? 'unavailable'))
      : el('span', { class: 'room-kind' }, icon(room.kind === 'private' ? 'lock' : 'hash')));
    replaceContent(this.#people, icon('people'), el('span', {}, String(room.memberCount)), el('span', { class: 'sr-only' }, ` ${room.memberCount === 1 ? 'member' : 'members'}`));
    this.#people.title = count(room.memberCount, 'member');
  }

  /** Says whether the list of people is shown. */
  setPeopleShown(isShown) {
    this.#people.setAttribute('aria-expanded', String(isShown));
  }

  /** Gives the focus to the title, when a room was opened by the keyboard. */
  focusTitle() {
    this.#title.focus();
  }

  #items() {
    const room = this.#store.activeRoom;
    const invite = { label: 'Invite somebody', icon: 'plus', run: () => this.#dialogs.invite(room) };
    const topic = { label: 'Change the topic', icon: 'edit', run: () => this.#dialogs.topic(room) };
    const retention = { label: 'Keep messages for …', icon: 'clock', run: () => this.#dialogs.retention(room) };
    const leave = { label: 'Leave the room', icon: 'exit', run: () => this.#leave(room) };
    const remove = { label: 'Delete the room', icon: 'trash', danger: true, run: () => this.#remove(room) };
    const read = { label: 'Mark as read', icon: 'check', run: () => this.#actions.seen(room, room.lastSeq) };
    if (room.kind === 'direct') return [read];
    return room.isOwner ? [invite, topic, retention, read, null, leave, remove] : [read, null, leave];
  }

  async #leave(room) {
    const text = room.kind === 'private' ? 'Only an owner can let you in again.' : 'You can join it again at any time.';
    const sure = await confirmDialog({ title: `Leave ${room.title}?`, text, action: 'Leave' });
    if (sure) await this.#try(() => this.#actions.leaveRoom(room));
  }

  async #remove(room) {
    const sure = await confirmDialog({
      title: `Delete ${room.title}?`, text: 'Its messages are deleted for everybody, for good.', action: 'Delete room',
    });
    if (sure) await this.#try(() => this.#actions.deleteRoom(room));
  }

  async #try(work) {
    try {
      await work();
    } catch (error) {
      this.#store.notice(error.message, 'warn');
    }
  }
}
