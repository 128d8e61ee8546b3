// The log of the open room: a window of rows that follows the end, or stays where one reads.

import { el, setText } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import { count, nameList } from '../shared/words.js';
import { dayRow, messageRow, newRow, signature } from './view-message.js';
import { rowsOf } from './rows.js';
import { Window } from './window.js';
import { emptyRoom } from './view-empty.js';

const AT_END_PX = 48;
const NEAR_EDGE_PX = 500;
const REVEAL_PAGES_MAX = 40;

/** The log; `toolbar` is the row of actions that follows the active message. */
export class TimelineView {
  #store;
  #outbox;
  #actions;
  #window = new Window();
  #rows = new Map();
  #following = true;
  #scrolledTo = 0;
  #scheduled = false;
  #unseen = 0;
  #list = el('ol', { class: 'messages' });
  #top = el('div', { class: 'log-top' });
  #log;
  #jump;
  #typing = el('p', { class: 'typing', 'aria-hidden': 'true' });

  constructor({ store, outbox, actions }) {
    this.#store = store;
    this.#outbox = outbox;
    this.#actions = actions;
    this.#log = el('div', {
      class: 'log', role: 'log', 'aria-live': 'polite', 'aria-relevant': 'additions', tabindex: '0', 'aria-label': 'Messages',
    }, this.#top, this.#list);
    this.#jump = el('button', { type: 'button', class: 'jump', hidden: true, onclick: () => this.jumpToEnd() });
    this.root = el('div', { class: 'timeline' }, this.#log, this.#jump, this.#typing);
    this.#log.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#following && this.#scrollToEnd()).observe(this.#log);
    this.#listen();
  }

  /** The element that scrolls and holds the rows. */
  get log() {
    return this.#log;
  }

  /** Shows another room. */
  show() {
    const room = this.#store.activeRoom;
    this.#rows.clear();
    this.#list.replaceChildren();
    this.#following = true;
    this.#scrolledTo = 0;
    this.#unseen = 0;
    if (!room) return;
    this.#log.setAttribute('aria-label', `Messages in ${room.title}`);
    this.#window.toEnd(room.timeline.messages);
    this.#render();
    this.#showTyping();
  }

  /** Goes to the newest message. */
  jumpToEnd() {
    const room = this.#store.activeRoom;
    if (!room) return;
    this.#following = true;
    this.#unseen = 0;
    this.#window.toEnd(room.timeline.messages);
    this.#render();
  }

  /** Brings a message into view and points at it; older pages are read until it is there. */
  async reveal(seq) {
    const room = this.#store.activeRoom;
    const { timeline } = room;
    for (let page = 0; page < REVEAL_PAGES_MAX && timeline.first > seq && !timeline.reachedStart; page += 1) {
      await this.#actions.loadOlder(room);
    }
    if (!timeline.find(seq) || this.#store.activeRoom !== room) return;
    this.#following = false;
    this.#window.around(timeline.messages, seq);
    this.#render();
    const row = this.#list.querySelector(`[data-seq="${seq}"]`);
    row?.scrollIntoView({ block: 'center' });
    row?.focus({ preventScroll: true });
    row?.classList.add('pointed');
    setTimeout(() => row?.classList.remove('pointed'), 1_600);
  }

  #listen() {
    const forActive = (work) => (detail) => detail.room === this.#store.active && work(detail);
    this.#store.on('messages', forActive((change) => this.#changed(change)));
    for (const type of ['outbox', 'reads', 'members', 'loading']) this.#store.on(type, forActive(() => this.#schedule()));
    this.#store.on('typing', forActive(() => this.#showTyping()));
    setInterval(() => this.#showTyping(), 1_000);
    document.addEventListener('visibilitychange', () => this.#noteSeen());
    addEventListener('focus', () => this.#noteSeen());
  }

  #changed({ kind, seqs, live }) {
    const room = this.#store.activeRoom;
    if (kind === 'reset') {
      this.#following = true;
      this.#window.toEnd(room.timeline.messages);
    }
    if (live && !isLooking() && (room.newFrom ?? 0) <= room.readSeq) [room.newFrom] = seqs;
    if (kind === 'append' && live && !this.#following) {
      const others = seqs.filter((seq) => room.timeline.find(seq)?.from !== this.#store.me);
      this.#unseen += others.length;
      if (others.length < seqs.length) this.#following = true;
    }
    if (kind === 'prepend') this.#window.growUp(room.timeline.messages);
    // Older messages are not news: a screen reader must not read them out.
    this.#log.setAttribute('aria-busy', String(kind !== 'append'));
    this.#schedule();
  }

  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      if (this.#store.activeRoom) this.#render();
    });
  }

  #render() {
    const room = this.#store.activeRoom;
    const { messages } = room.timeline;
    if (this.#following) {
      this.#window.to = null;
      this.#window.trim(messages);
    } else this.#window.hold(messages);
    const atEnd = this.#coversEnd(messages);
    const rows = rowsOf({
      room, me: this.#store.me, shown: this.#window.slice(messages),
      pending: atEnd ? this.#outbox.of(room.name) : [],
    });
    const anchor = this.#following ? null : this.#anchor();
    this.#reconcile(rows);
    this.#showTop(room, rows);
    const anchored = anchor && this.#rows.get(anchor.key)?.element;
    if (anchored) this.#log.scrollTop += anchored.getBoundingClientRect().top - anchor.top;
    else if (this.#following) this.#scrollToEnd();
    this.#showJump(atEnd);
    this.#noteSeen();
    requestAnimationFrame(() => this.#log.setAttribute('aria-busy', 'false'));
  }

  /** Makes the list hold these rows, touching only those that differ. */
  #reconcile(rows) {
    const kept = new Map();
    let place = this.#list.firstChild;
    for (const row of rows) {
      const mark = row.type === 'message' ? signature(row.message, row.look) : (row.text ?? '');
      const known = this.#rows.get(row.key);
      const element = known?.mark === mark ? known.element : elementOf(row);
      if (known && known.element !== element) {
        if (place === known.element) place = place.nextSibling;
        takeFocusOver(known.element, element);
        known.element.replaceWith(element);
      }
      if (element === place) place = place.nextSibling;
      else this.#list.insertBefore(element, place);
      kept.set(row.key, { element, mark });
    }
    for (const [key, { element }] of this.#rows) if (!kept.has(key)) element.remove();
    this.#rows = kept;
  }

  /** The row in the middle and where it stands, so that it stands there again: rows at the edge may change their height. */
  #anchor() {
    const middle = this.#log.getBoundingClientRect().top + this.#log.clientHeight / 2;
    for (const [key, { element }] of this.#rows) {
      const box = element.getBoundingClientRect();
      if (box.bottom > middle && element.dataset.divider === undefined) return { key, top: box.top };
    }
    return null;
  }

  #showTop(room, rows) {
    const { timeline } = room;
    const isLoading = room.loading.has('older') || room.loading.has('newest') || (!timeline.loaded && !room.problem);
    const state = isLoading ? 'loading' : room.problem ? `problem ${room.problem}` : rows.length === 0 ? 'empty' : timeline.reachedStart && this.#window.from <= timeline.first ? 'start' : '';
    if (this.#top.dataset.state === `${room.name} ${state}`) return;
    this.#top.dataset.state = `${room.name} ${state}`;
    this.#top.replaceChildren();
    if (isLoading) this.#top.append(el('p', { class: 'log-note' }, el('span', { class: 'spinner' }), 'Reading the history…'));
    else if (room.problem) {
      const again = () => (timeline.loaded ? this.#actions.loadOlder(room) : this.#actions.loadNewest(room));
      this.#top.append(el('p', { class: 'log-note' }, room.problem, ' ', el('button', { type: 'button', class: 'link-button', onclick: again }, 'Try again')));
    } else if (state === 'empty' || state === 'start') this.#top.append(emptyRoom(room, { hasMessages: state === 'start' }));
  }

  #scrolled() {
    const room = this.#store.activeRoom;
    if (!room) return;
    const { scrollTop, scrollHeight, clientHeight } = this.#log;
    const below = scrollHeight - scrollTop - clientHeight;
    const { messages } = room.timeline;
    // Only who goes up stops following: what grew since the end was shown is no scrolling.
    const wentUp = scrollTop < this.#scrolledTo;
    this.#scrolledTo = scrollTop;
    if (!this.#coversEnd(messages)) this.#following = false;
    else if (below < AT_END_PX) this.#following = true;
    else if (wentUp) this.#following = false;
    if (scrollTop < NEAR_EDGE_PX && !this.#following) {
      if (this.#window.growUp(messages)) this.#schedule();
      else this.#actions.loadOlder(room);
    } else if (below < NEAR_EDGE_PX && this.#window.growDown(messages)) this.#schedule();
    if (this.#following) this.#unseen = 0;
    this.#showJump(this.#coversEnd(messages));
    this.#noteSeen();
  }

  #coversEnd(messages) {
    return this.#window.to === null || this.#window.to >= (messages.at(-1)?.seq ?? 0);
  }

  #showJump(atEnd) {
    const { scrollTop, scrollHeight, clientHeight } = this.#log;
    const isFar = !atEnd || scrollHeight - scrollTop - clientHeight > clientHeight / 2;
    this.#jump.hidden = this.#following || (!isFar && this.#unseen === 0);
    const text = this.#unseen > 0 ? count(this.#unseen, 'new message') : 'Newest';
    if (this.#jump.textContent !== text) this.#jump.replaceChildren(icon('down'), text);
  }

  #scrollToEnd() {
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#scrolledTo = this.#log.scrollTop;
  }

  /** What stands at the end of the log in a window somebody looks at has been read. */
  #noteSeen() {
    const room = this.#store.activeRoom;
    if (!room?.timeline.loaded || !this.#following || !isLooking()) return;
    if (room.timeline.last > 0) this.#actions.seen(room, room.timeline.last);
  }

  #showTyping() {
    const names = this.#store.activeRoom?.typingNow(Date.now()) ?? [];
    this.#typing.classList.toggle('on', names.length > 0);
    setText(this.#typing, names.length === 0 ? '' : `${nameList(names)} ${names.length === 1 ? 'is' : 'are'} typing`);
  }
}

function isLooking() {
  return document.visibilityState === 'visible' && document.hasFocus();
}

function elementOf(row) {
  if (row.type === 'day') return dayRow(row.text);
  return row.type === 'new' ? newRow() : messageRow(row.message, row.look);
}

/** A row that is made again keeps the focus it had. */
function takeFocusOver(old, fresh) {
  if (old.contains(document.activeElement)) queueMicrotask(() => fresh.focus({ preventScroll: true }));
}
