// What can be done with a message: a toolbar that follows the pointer and the focus, and the keys.

import { el, replaceContent } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import { confirmDialog } from '../shared/dialog.js';
import { timeOfDay } from '../shared/words.js';
import { pickEmoji } from './view-emoji.js';

const QUICK = ['👍', '❤️'];

/** Wires the rows of a `timeline` to `actions` and `composer`. */
export class MessageToolbar {
  #store;
  #actions;
  #timeline;
  #composer;
  #row = null;
  #bar = el('div', { class: 'toolbar', role: 'toolbar' });

  constructor({ store, actions, timeline, composer }) {
    this.#store = store;
    this.#actions = actions;
    this.#timeline = timeline;
    this.#composer = composer;
    const { log } = timeline;
    log.addEventListener('pointerover', (event) => event.pointerType === 'mouse' && this.#activate(rowOf(event.target)));
    log.addEventListener('pointerleave', (event) => event.pointerType === 'mouse' && this.#activate(focusedRow(log)));
    log.addEventListener('focusin', (event) => this.#activate(rowOf(event.target)));
    log.addEventListener('focusout', (event) => this.#left(event.relatedTarget));
    log.addEventListener('click', (event) => this.#click(event));
    log.addEventListener('keydown', (event) => this.#key(event));
  }

  /** The focus went elsewhere; a picker or a question that the toolbar opened gives it back. */
  #left(elsewhere) {
    const { log } = this.#timeline;
    const isBorrowed = elsewhere?.closest('dialog, [popover]');
    if (!log.contains(elsewhere) && !isBorrowed && !log.matches(':hover')) this.#activate(null);
  }

  #activate(row) {
    if (row === this.#row || (row && !row.dataset.seq)) return;
    if (this.#row) setReachable(this.#row, false);
    this.#row = row;
    this.#bar.remove();
    const message = row && this.#message();
    if (!message || message.deleted) return;
    replaceContent(this.#bar, ...this.#buttons(message));
    this.#bar.setAttribute('aria-label', `Message of ${message.from}, ${timeOfDay(message.at)}`);
    row.querySelector('.bubble').append(this.#bar);
    setReachable(row, true);
  }

  #buttons(message) {
    const isMine = message.from === this.#store.me;
    const mayDelete = isMine || this.#store.activeRoom.isOwner;
    const button = (name, label, run) => el('button', { type: 'button', class: 'icon-button', 'aria-label': label, title: label, onclick: run }, icon(name));
    return [
      ...QUICK.map((emoji) => el('button', {
        type: 'button', class: 'icon-button emoji quick', 'aria-label': `React with ${emoji}`, onclick: () => this.#react(message, emoji),
      }, emoji)),
      button('smile', 'React', (event) => this.#pick(message, event.currentTarget)),
      button('reply', 'Reply', () => this.#composer.replyTo(message)),
      isMine && button('edit', 'Edit', () => this.#composer.edit(message)),
      mayDelete && button('trash', 'Delete', () => this.#remove(message)),
    ].filter(Boolean);
  }

  #message() {
    return this.#store.activeRoom?.timeline.find(Number(this.#row?.dataset.seq)) ?? null;
  }

  #click(event) {
    const target = event.target.closest('[data-action]');
    const row = rowOf(event.target);
    if (!target) {
      // A finger has no hover: a tap on a message shows what can be done with it.
      if (row && !event.target.closest('a, button')) row.focus({ preventScroll: true });
      return;
    }
    const { action, emoji, target: seq } = target.dataset;
    if (action === 'react') this.#react({ seq: Number(row.dataset.seq) }, emoji);
    if (action === 'reveal') this.#timeline.reveal(Number(seq));
    if (action === 'retry') this.#actions.retry(row.dataset.key);
    if (action === 'discard') this.#actions.discard(row.dataset.key);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity }[event.key];
    if (step) {
      event.preventDefault();
      this.#walk(step);
      return;
    }
    const row = focusedRow(this.#timeline.log);
    if (!row || event.target !== row) return;
    const message = this.#message();
    if (!message || message.deleted) return;
    const run = {
      r: () => this.#composer.replyTo(message),
      e: () => message.from === this.#store.me && this.#composer.edit(message),
      '+': () => this.#pick(message, row),
      Delete: () => this.#remove(message),
    }[event.key];
    if (!run) return;
    event.preventDefault();
    run();
  }

  /** Moves the focus among the messages. */
  #walk(step) {
    const rows = [...this.#timeline.log.querySelectorAll('li.message')];
    const at = rows.indexOf(focusedRow(this.#timeline.log));
    if (step === Infinity || (at === rows.length - 1 && step > 0)) {
      this.#timeline.jumpToEnd();
      rows.at(-1)?.focus();
      return;
    }
    const next = at < 0 ? rows.length - 1 : Math.max(0, at + Math.max(step, -rows.length));
    rows[next]?.focus();
    rows[next]?.scrollIntoView({ block: 'nearest' });
  }

  async #react({ seq }, emoji) {
    await this.#try(() => this.#actions.react(this.#store.activeRoom, seq, emoji));
  }

  async #pick(message, anchor) {
    const emoji = await pickEmoji(anchor);
    if (emoji) await this.#react(message, emoji);
  }

  async #remove(message) {
    const room = this.#store.activeRoom;
    if (message.from !== this.#store.me && !room.isOwner) return;
    const sure = await confirmDialog({
      title: 'Take this message back?', text: 'Everybody in the room will see that a message was here.', action: 'Delete message',
    });
    if (sure) await this.#try(() => this.#actions.remove(room, message.seq));
  }

  async #try(work) {
    try {
      await work();
    } catch (error) {
      this.#store.notice(error.message, 'warn');
    }
  }
}

function rowOf(element) {
  return element.closest?.('li.message') ?? null;
}

function focusedRow(log) {
  return log.contains(document.activeElement) ? rowOf(document.activeElement) : null;
}

/** Only the active row's buttons are in the tab order, else each message would add several stops. */
function setReachable(row, isReachable) {
  for (const button of row.querySelectorAll('.reaction, .quote')) button.tabIndex = isReachable ? 0 : -1;
}
