// What passes in an application: the newest of it, in words, and which of it is wanted.

/** So many are remembered. */
export const REMEMBERED = 500;

const WORDS = {
  event: 'Event',
  client_event: 'Client event',
  member_added: 'Member came',
  member_removed: 'Member went',
  subscribed: 'Subscribed',
  unsubscribed: 'Left',
  webhook: 'Webhook',
  missed: 'Missed',
};

/** The newest of what passed. While it is paused, what comes waits and is counted. */
export class Passing {
  #shown = [];
  #held = [];
  #heldCount = 0;
  #number = 0;
  isPaused = false;

  /** Takes one; whether it is to be seen at once. */
  add(passed) {
    const one = { ...passed, number: (this.#number += 1) };
    if (!this.isPaused) {
      this.#shown = newest(this.#shown, [one]);
      return true;
    }
    this.#held = newest(this.#held, [one]);
    this.#heldCount += 1;
    return false;
  }

  /** How many came since the pause. */
  get waiting() {
    return this.#heldCount;
  }

  pause() {
    this.isPaused = true;
  }

  /** Goes on, with what came meanwhile. */
  resume() {
    this.isPaused = false;
    this.#shown = newest(this.#shown, this.#held);
    this.#forget();
  }

  clear() {
    this.#shown = [];
    this.#forget();
  }

  /** Those in whose channel, or event, the text occurs, the newest first. */
  seen(text) {
    const wanted = text.trim().toLowerCase();
    const has = (value) => value?.toLowerCase().includes(wanted);
    return this.#shown.filter(({ kind, channel, event }) => wanted === '' || kind === 'missed' || has(channel) || has(event)).reverse();
  }

  #forget() {
    this.#held = [];
    this.#heldCount = 0;
  }
}

/** What kind of thing passed, for people. */
export function kindWords({ kind }) {
  return WORDS[kind] ?? kind;
}

/** Who or what it is about, beside its channel and event. */
export function about({ kind, user, socket_id: socket, url, count }) {
  if (kind === 'missed') return `${count.toLocaleString()} passed too fast to be shown`;
  const by = user === undefined ? null : kind === 'client_event' ? `by ${user}` : user;
  return [by, socket && `connection ${socket}`, url && `to ${url}`].filter(Boolean).join(', ');
}

function newest(known, more) {
  return [...known, ...more].slice(-REMEMBERED);
}
