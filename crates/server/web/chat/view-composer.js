// Where one writes: Enter sends, Shift+Enter makes a line, Esc steps back, ↑ edits the last message.

import { el, replaceContent, setText } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import { count } from '../shared/words.js';
import { pickEmoji } from './view-emoji.js';
import { TypingSignal } from './typing.js';

const HEIGHT_MAX_PX = 220;
const BODY_BYTES_MAX = 16 * 1024;
const BODY_BYTES_NOTED = 12 * 1024;
const KEYS = 'Enter sends, Shift+Enter makes a new line.';

/** The composer of the open room. */
export class ComposerView {
  #store;
  #actions;
  #signal;
  #editing = null;
  #text = el('textarea', {
    class: 'composer-text', rows: '1', autocomplete: 'off', 'aria-describedby': 'composer-keys', enterkeyhint: 'send',
  });
  #context = el('div', { class: 'composer-context', hidden: true });
  #keys = el('p', { class: 'composer-keys', id: 'composer-keys' }, KEYS);
  #send = el('button', { type: 'submit', class: 'send', 'aria-label': 'Send', title: 'Send' }, icon('send'));

  constructor({ store, actions }) {
    this.#store = store;
    this.#actions = actions;
    this.#signal = new TypingSignal({
      tell: (name, on) => {
        const room = store.room(name);
        if (room) actions.typing(room, on);
      },
    });
    const emoji = el('button', { type: 'button', class: 'icon-button', 'aria-label': 'Insert an emoji', title: 'Emoji' }, icon('smile'));
    emoji.addEventListener('click', () => this.#insertEmoji(emoji));
    this.root = el('form', { class: 'composer', 'aria-label': 'Write a message' },
      this.#context,
      el('div', { class: 'composer-row' }, emoji, this.#text, this.#send),
      this.#keys,
    );
    this.root.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#text.addEventListener('input', () => this.#typed());
    this.#text.addEventListener('keydown', (event) => this.#key(event));
  }

  /** Shows another room with what was begun there. */
  show() {
    const room = this.#store.activeRoom;
    this.#signal.stopped();
    this.#editing = null;
    if (!room) return;
    const label = room.kind === 'direct' ? `Message ${room.title}` : `Message #${room.title}`;
    this.#text.placeholder = label;
    this.#text.setAttribute('aria-label', label);
    this.#text.value = room.draft;
    this.#showContext();
    this.#fit();
  }

  focus() {
    this.#text.focus();
  }

  /** Answers a message. */
  replyTo(message) {
    this.#stopEditing();
    this.#store.activeRoom.replyTo = message.seq;
    this.#showContext();
    this.focus();
  }

  /** Changes a message of one's own. */
  edit(message) {
    if (!this.#editing) this.#store.activeRoom.draft = this.#text.value;
    this.#editing = message;
    this.#store.activeRoom.replyTo = null;
    this.#text.value = message.body;
    this.#showContext();
    this.#fit();
    this.focus();
  }

  /** Leaves an answer or an edit; whether there was one. */
  stepBack() {
    const room = this.#store.activeRoom;
    if (this.#stopEditing()) return true;
    if (!room?.replyTo) return false;
    room.replyTo = null;
    this.#showContext();
    return true;
  }

  #typed() {
    const room = this.#store.activeRoom;
    this.#fit();
    if (this.#editing) return;
    room.draft = this.#text.value;
    if (this.#text.value.trim() === '') this.#signal.stopped();
    else this.#signal.typed(room.name);
  }

  #key(event) {
    // While an input method composes, Enter chooses a word.
    if (event.isComposing) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === 'Escape' && this.stepBack()) {
      event.stopPropagation();
    } else if (event.key === 'ArrowUp' && !event.altKey && this.#text.value === '') {
      const { timeline } = this.#store.activeRoom;
      const last = timeline.messages.findLast((message) => message.from === this.#store.me && !message.deleted);
      if (!last) return;
      event.preventDefault();
      this.edit(last);
    }
  }

  async #submit() {
    const room = this.#store.activeRoom;
    const body = this.#text.value.trim();
    if (!room || body === '' || this.#excess() > 0) return;
    if (this.#editing) {
      await this.#saveEdit(room, body);
      return;
    }
    this.#actions.send(room, body);
    this.#signal.stopped({ wasSent: true });
    this.#text.value = '';
    room.draft = '';
    this.#showContext();
    this.#fit();
    this.focus();
  }

  async #saveEdit(room, body) {
    const message = this.#editing;
    try {
      if (body !== message.body) await this.#actions.edit(room, message.seq, body);
      if (this.#editing === message) this.#stopEditing();
    } catch (error) {
      this.#store.notice(`Not changed: ${error.message}`, 'warn');
    }
  }

  #stopEditing() {
    if (!this.#editing) return false;
    this.#editing = null;
    this.#text.value = this.#store.activeRoom?.draft ?? '';
    this.#showContext();
    this.#fit();
    return true;
  }

  #showContext() {
    const room = this.#store.activeRoom;
    const answered = room?.replyTo ? room.timeline.find(room.replyTo) : null;
    this.#context.hidden = !this.#editing && !answered;
    this.root.classList.toggle('editing', this.#editing !== null);
    const label = this.#editing ? 'Save' : 'Send';
    this.#send.setAttribute('aria-label', label);
    this.#send.title = label;
    replaceContent(this.#send, icon(this.#editing ? 'check' : 'send'));
    if (this.#context.hidden) return;
    replaceContent(this.#context,
      icon(this.#editing ? 'edit' : 'reply'),
      el('p', {},
        el('strong', {}, this.#editing ? 'Editing' : `Answering ${answered.from}`),
        el('span', {}, (this.#editing ?? answered).body.slice(0, 160)),
      ),
      el('button', { type: 'button', class: 'icon-button', 'aria-label': this.#editing ? 'Stop editing' : 'Do not answer', onclick: () => this.stepBack() }, icon('close')),
    );
  }

  async #insertEmoji(button) {
    const emoji = await pickEmoji(button);
    this.focus();
    if (!emoji) return;
    this.#text.setRangeText(emoji, this.#text.selectionStart, this.#text.selectionEnd, 'end');
    this.#typed();
  }

  /** How many bytes the text has too many. */
  #excess() {
    return bytesOf(this.#text.value) - BODY_BYTES_MAX;
  }

  /** As high as the text, up to a limit; and a word when the text comes near the limit of a message. */
  #fit() {
    const excess = this.#excess();
    const isNear = excess > BODY_BYTES_NOTED - BODY_BYTES_MAX;
    setText(this.#keys, !isNear ? KEYS : excess > 0 ? `Too long by ${count(excess, 'byte')}.` : `${count(-excess, 'byte')} left.`);
    this.#keys.classList.toggle('near', isNear);
    this.#keys.classList.toggle('over', excess > 0);
    this.#send.disabled = excess > 0;
    this.#text.style.height = 'auto';
    this.#text.style.height = `${Math.min(HEIGHT_MAX_PX, this.#text.scrollHeight)}px`;
  }
}

function bytesOf(text) {
  return new TextEncoder().encode(text).length;
}
