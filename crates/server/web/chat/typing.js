// Telling others that one types: seldom while it goes on, and at once when it ends.

const REPEAT_MS = 3_000;
const IDLE_MS = 5_000;

/** The sign for one page; `tell(room, on)` sends it. */
export class TypingSignal {
  #tell;
  #now;
  #room = null;
  #saidAt = 0;
  #timer = null;

  constructor({ tell, now = () => Date.now() }) {
    this.#tell = tell;
    this.#now = now;
  }

  /** A key was pressed in this room's composer. */
  typed(room) {
    if (this.#room !== room) this.stopped();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.stopped(), IDLE_MS);
    if (this.#room === room && this.#now() - this.#saidAt < REPEAT_MS) return;
    this.#room = room;
    this.#saidAt = this.#now();
    this.#tell(room, true);
  }

  /** The message was sent, emptied or left. `wasSent` says nothing: the message itself tells. */
  stopped({ wasSent = false } = {}) {
    clearTimeout(this.#timer);
    if (this.#room !== null && !wasSent) this.#tell(this.#room, false);
    this.#room = null;
  }
}
