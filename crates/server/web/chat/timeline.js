// What is known of one room's history: an unbroken run of messages, in order, each once.
//
// Messages that arrive beyond a hole wait in `ahead` until the hole is filled, so that nothing is
// ever shown out of order and nothing is missed in silence.

const AHEAD_MAX = 1_000;

/** An unbroken run of a room's messages. */
export class Timeline {
  /** Which history the numbers belong to; null until something is known. */
  epoch = null;
  /** The run, ascending, without holes but for what the server itself no longer keeps. */
  messages = [];
  /** Whether a page was loaded, so that the run can be extended. */
  loaded = false;
  /** Whether there is nothing older on the server. */
  reachedStart = false;
  #ahead = new Map();

  /** The last message's number; 0 before the first. */
  get last() {
    return this.messages.at(-1)?.seq ?? 0;
  }

  /** The first message's number; 0 when there is none. */
  get first() {
    return this.messages[0]?.seq ?? 0;
  }

  /** Whether messages are known to be missing between the run and what arrived later. */
  get hasHole() {
    return this.loaded && this.#ahead.size > 0;
  }

  /** The message with this number, if it is in the run. */
  find(seq) {
    const index = this.#indexOf(seq);
    return index < 0 ? null : this.messages[index];
  }

  /** Takes a message that arrived by itself: `appended`, `duplicate` or `ahead` (of a hole). */
  receive(message) {
    if (this.loaded && message.seq <= this.last) return 'duplicate';
    if (!this.loaded || message.seq !== this.last + 1) {
      if (this.#ahead.size < AHEAD_MAX) this.#ahead.set(message.seq, message);
      return 'ahead';
    }
    this.messages.push(message);
    this.#drain();
    return 'appended';
  }

  /** Starts over from the newest page. */
  reset({ epoch, messages, has_more: hasMore }) {
    if (this.epoch !== null && this.epoch !== epoch) this.#ahead.clear();
    this.epoch = epoch;
    this.messages = sorted(messages);
    this.loaded = true;
    this.reachedStart = !hasMore;
    this.#drain();
  }

  /** Forgets everything, for a history that is no longer to be relied on. */
  forget() {
    this.epoch = null;
    this.messages = [];
    this.loaded = false;
    this.reachedStart = false;
    this.#ahead.clear();
  }

  /**
   * Takes the answer to a `join` that named `{epoch, seq}`: `resumed` when the run now goes on
   * without a hole, `behind` when more must be fetched after it, `reset` when it must be read anew.
   */
  resume({ epoch, last_seq: lastSeq, messages = [], truncated = false }) {
    if (!this.loaded || epoch !== this.epoch || truncated || lastSeq < this.last) {
      this.forget();
      return 'reset';
    }
    for (const message of sorted(messages)) this.receive(message);
    return this.last < lastSeq ? 'behind' : 'resumed';
  }

  /** Puts an older page in front; how many messages it added. */
  prepend({ messages, has_more: hasMore }) {
    const first = this.first || Infinity;
    const older = sorted(messages).filter((message) => message.seq < first);
    this.messages = [...older, ...this.messages];
    this.reachedStart = !hasMore;
    return older.length;
  }

  /** Takes a page that follows the run; how many messages it added. */
  extend({ messages }) {
    let added = 0;
    for (const message of sorted(messages)) {
      if (message.seq <= this.last) continue;
      // The server's page is the truth: where it skips a number, retention removed it.
      this.messages.push(message);
      added += 1;
    }
    this.#drain();
    return added;
  }

  /** Replaces messages of the run by newer states of themselves; the numbers that changed. */
  refresh(messages) {
    const changed = [];
    for (const message of messages) {
      const index = this.#indexOf(message.seq);
      if (index < 0 || JSON.stringify(this.messages[index]) === JSON.stringify(message)) continue;
      this.messages[index] = message;
      changed.push(message.seq);
    }
    return changed;
  }

  /** Applies an edit; whether the message is in the run. */
  edit(seq, body, at) {
    return this.#change(seq, (message) => ({ ...message, body, edited_at: at }));
  }

  /** Takes a message back: its place stays. */
  remove(seq) {
    return this.#change(seq, (message) => ({ ...message, body: '', deleted: true, reactions: [] }));
  }

  /** Puts or takes a reaction. */
  react(seq, emoji, user, on) {
    return this.#change(seq, (message) => ({
      ...message,
      reactions: withReaction(message.reactions ?? [], emoji, user, on),
    }));
  }

  #change(seq, change) {
    const waiting = this.#ahead.get(seq);
    if (waiting) this.#ahead.set(seq, change(waiting));
    const index = this.#indexOf(seq);
    if (index < 0) return false;
    this.messages[index] = change(this.messages[index]);
    return true;
  }

  #drain() {
    for (const seq of this.#ahead.keys()) if (seq <= this.last) this.#ahead.delete(seq);
    for (let next = this.#ahead.get(this.last + 1); next; next = this.#ahead.get(this.last + 1)) {
      this.#ahead.delete(next.seq);
      this.messages.push(next);
    }
  }

  #indexOf(seq) {
    let low = 0;
    let high = this.messages.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.messages[middle].seq;
      if (found === seq) return middle;
      if (found < seq) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}

function sorted(messages) {
  return [...messages].sort((one, other) => one.seq - other.seq);
}

function withReaction(reactions, emoji, user, on) {
  const known = reactions.find((reaction) => reaction.emoji === emoji);
  if (!known) return on ? [...reactions, { emoji, users: [user] }] : reactions;
  const others = known.users.filter((name) => name !== user);
  const users = on ? [...others, user] : others;
  return reactions
    .map((reaction) => (reaction === known ? { emoji, users } : reaction))
    .filter((reaction) => reaction.users.length > 0);
}
