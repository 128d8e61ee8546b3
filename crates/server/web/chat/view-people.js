// Who is in the open room, whether they are there, and what an owner can do about it.

import { avatar } from '../shared/avatar.js';
import { el, replaceContent } from '../shared/dom.js';
import { confirmDialog } from '../shared/dialog.js';
import { icon } from '../shared/icons.js';
import { presenceDot, presenceText } from './presence-words.js';

const SHOWN_MAX = 300;
const ORDER = { available: 0, away: 1, dnd: 2, unavailable: 3 };

/** The right column. */
export class PeopleView {
  #store;
  #actions;
  #dialogs;
  #title = el('h2', { id: 'people-title' }, 'People');
  #list = el('ul', { class: 'people-list' });
  #invite;
  #scheduled = false;
  #shown = '';

  constructor({ store, actions, dialogs, onClose }) {
    this.#store = store;
    this.#actions = actions;
    this.#dialogs = dialogs;
    this.#invite = el('button', { type: 'button', class: 'button wide', onclick: () => dialogs.invite(store.activeRoom) }, icon('plus'), 'Invite somebody');
    this.root = el('aside', { class: 'people', id: 'people', 'aria-labelledby': 'people-title', hidden: true },
      el('div', { class: 'people-head' }, this.#title,
        el('button', { type: 'button', class: 'icon-button', 'aria-label': 'Hide the people', onclick: onClose }, icon('close'))),
      this.#list, this.#invite);
    for (const type of ['members', 'presence', 'active']) store.on(type, () => this.#schedule());
    setInterval(() => this.#schedule(), 30_000);
  }

  /** Shows or hides the list; whether it is shown now. */
  toggle(isShown = this.root.hidden) {
    this.root.hidden = !isShown;
    if (isShown) this.#render();
    return isShown;
  }

  #schedule() {
    if (this.root.hidden || this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#render();
    });
  }

  #render() {
    const room = this.#store.activeRoom;
    if (!room) return;
    this.#invite.hidden = !room.isOwner;
    const names = [...room.members.keys()].sort((one, other) => this.#rank(one) - this.#rank(other) || one.localeCompare(other));
    const shown = names.slice(0, SHOWN_MAX);
    const hidden = room.memberCount - shown.length;
    const mark = JSON.stringify([room.name, room.isOwner, hidden, shown.map((name) => [name, room.members.get(name).role, this.#presence(name)])]);
    if (mark === this.#shown) return;
    this.#shown = mark;
    const rows = shown.map((name) => this.#row(room, name));
    if (hidden > 0) rows.push(el('li', { class: 'nothing' }, `and ${hidden.toLocaleString()} more`));
    replaceContent(this.#list, rows);
  }

  #rank(name) {
    return ORDER[this.#store.statusOf(name)] ?? ORDER.unavailable;
  }

  #presence(name) {
    const isHere = name === this.#store.me && this.#store.connection.name === 'online';
    const status = isHere ? this.#store.ownStatus : this.#store.statusOf(name);
    return { status, text: presenceText({ ...this.#store.presence.get(name), status }) };
  }

  #row(room, name) {
    const { role } = room.members.get(name);
    const isMe = name === this.#store.me;
    const { status, text } = this.#presence(name);
    const action = (kind, label, run) => el('button', { type: 'button', class: 'icon-button', 'aria-label': label, title: label, onclick: run }, icon(kind));
    return el('li', { class: `person${status === 'unavailable' ? ' absent' : ''}` },
      el('span', { class: 'faced' }, avatar(name, 'small'), presenceDot(status)),
      el('span', { class: 'person-words' },
        el('strong', {}, name, isMe && ' (you)'),
        el('span', {}, [role === 'owner' ? 'Owner' : '', text].filter(Boolean).join(' · '))),
      !isMe && action('message', `Message ${name}`, () => this.#try(() => this.#actions.openDirect(name))),
      !isMe && room.isOwner && role !== 'owner' && action('key', `Make ${name} an owner`, () => this.#promote(room, name)),
      !isMe && room.isOwner && action('trash', `Remove ${name}`, () => this.#kick(room, name)),
    );
  }

  async #promote(room, name) {
    const sure = await confirmDialog({ title: `Make ${name} an owner?`, text: 'Owners invite, remove, and delete the room.', action: 'Make owner' });
    if (sure) await this.#try(() => this.#actions.setRole(room, name, 'owner'));
  }

  async #kick(room, name) {
    const sure = await confirmDialog({ title: `Remove ${name}?`, text: `${name} no longer hears what is said in ${room.title}.`, action: 'Remove' });
    if (sure) await this.#try(() => this.#actions.kick(room, name));
  }

  async #try(work) {
    try {
      await work();
    } catch (error) {
      this.#store.notice(error.message, 'warn');
    }
  }
}
