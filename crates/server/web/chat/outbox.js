// Messages on their way: shown at once, sent in order, repeated with the same key until the server
// says what became of them. The key makes a repeat harmless: the server stores it once.

const TRIES_MAX = 8;
const PAUSE_MS = 1_000;

/** Refusals that another try would meet again. */
const FINAL = new Set(['bad_request', 'forbidden', 'not_found', 'too_large', 'conflict', 'unauthenticated']);

/**
 * The outbox. `send(room, fields)` makes one try and rejects with an error that has `code` and
 * `retryAfterMs`; `isOnline()` says whether a try makes sense. Called back: `onChange(room)`,
 * `onAccepted(item, answer)`. An item is
 * `{key, room, body, reply_to, at, state: queued | sending | waiting | failed, problem?}`.
 */
export class Outbox {
  #items = [];
  #busy = new Set();
  #options;
  #timers;

  constructor({ send, isOnline, onChange, onAccepted, save = () => {}, timers = browserTimers() }) {
    this.#options = { send, isOnline, onChange, onAccepted, save };
    this.#timers = timers;
  }

  /** What is on its way to a room, in order. */
  of(room) {
    return this.#items.filter((item) => item.room === room);
  }

  /** How many have not arrived. */
  get size() {
    return this.#items.length;
  }

  /** Takes back what was on its way before the page was reloaded. */
  restore(items) {
    this.#items = items.map((item) => ({ ...item, state: item.state === 'failed' ? 'failed' : 'queued', tries: 0 }));
    for (const room of new Set(items.map((item) => item.room))) this.#options.onChange(room);
  }

  /** Adds a message and sends it as soon as its turn comes. */
  add({ room, body, replyTo, at, key = newKey() }) {
    const item = { key, room, body, reply_to: replyTo, at, state: 'queued', tries: 0 };
    this.#items.push(item);
    this.#changed(room);
    this.#next(room);
    return item;
  }

  /** Sends everything that waits for a connection. */
  flush() {
    for (const item of this.#items) if (item.state === 'waiting') item.state = 'queued';
    for (const room of new Set(this.#items.map((item) => item.room))) this.#next(room);
  }

  /** Tries a failed one again. */
  retry(key) {
    const item = this.#find(key);
    if (!item || item.state !== 'failed') return;
    Object.assign(item, { state: 'queued', tries: 0, problem: undefined });
    this.#changed(item.room);
    this.#next(item.room);
  }

  /** Gives a message up. */
  discard(key) {
    this.#remove(key);
  }

  /** The message with this key was seen in the room: it has arrived, whatever the answer was. */
  confirm(key) {
    return this.#remove(key);
  }

  /** Gives up all messages to a room one is no longer in. */
  abandon(room) {
    this.#items = this.#items.filter((item) => item.room !== room);
    this.#changed(room);
  }

  async #next(room) {
    if (this.#busy.has(room) || !this.#options.isOnline()) return;
    // One at a time for each room, else a repeat would arrive after what was written later.
    const item = this.#items.find((candidate) => candidate.room === room && candidate.state !== 'failed');
    if (!item || item.state === 'waiting') return;
    this.#busy.add(room);
    item.state = 'sending';
    item.tries += 1;
    this.#changed(room);
    try {
      const { key, body, reply_to: replyTo } = item;
      const answer = await this.#options.send(room, { key, body, ...(replyTo ? { reply_to: replyTo } : {}) });
      this.#options.onAccepted(item, answer);
      this.#remove(item.key);
    } catch (error) {
      this.#judge(item, error);
    }
    this.#busy.delete(room);
    this.#next(room);
  }

  #judge(item, error) {
    if (!this.#find(item.key)) return;
    if (error.code === 'lost') {
      // The connection will be back and `flush` sends it again.
      item.state = 'queued';
      item.tries -= 1;
    } else if (FINAL.has(error.code) || item.tries >= TRIES_MAX) {
      item.state = 'failed';
      item.problem = error.message;
    } else {
      item.state = 'waiting';
      this.#timers.set(() => this.#wake(item), Math.max(error.retryAfterMs ?? 0, PAUSE_MS));
    }
    this.#changed(item.room);
  }

  #wake(item) {
    if (item.state !== 'waiting') return;
    item.state = 'queued';
    this.#next(item.room);
  }

  #find(key) {
    return this.#items.find((item) => item.key === key);
  }

  #remove(key) {
    const item = this.#find(key);
    if (!item) return false;
    this.#items = this.#items.filter((other) => other !== item);
    this.#changed(item.room);
    return true;
  }

  #changed(room) {
    this.#options.save(this.#items);
    this.#options.onChange(room);
  }
}

/** A key that no other message has. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function browserTimers() {
  return { set: (callback, ms) => setTimeout(callback, ms) };
}
