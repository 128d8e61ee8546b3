// Asking again and again for as long as somebody looks.

const EVERY_MS = 2_000;
const AFTER_FAILURE_MS = 5_000;

/** Calls `ask()` while it is open, and `show(answer)` or `fail(error)` with what came of it. */
export class Refresher {
  #ask;
  #show;
  #fail;
  #everyMs;
  #timer = null;
  /** Which asking is the newest: what an earlier one is answered comes too late. */
  #round = 0;

  constructor({ ask, show, fail, everyMs = EVERY_MS }) {
    this.#ask = ask;
    this.#show = show;
    this.#fail = fail;
    this.#everyMs = everyMs;
  }

  /** Asks now, and from now on. */
  open() {
    this.close();
    return this.#go(this.#round);
  }

  close() {
    clearTimeout(this.#timer);
    this.#round += 1;
  }

  async #go(round) {
    let pause = this.#everyMs;
    try {
      const answer = await this.#ask();
      if (round !== this.#round) return;
      this.#show(answer);
    } catch (error) {
      if (round !== this.#round) return;
      pause = Math.max(AFTER_FAILURE_MS, error.retryAfterMs ?? 0);
      this.#fail(error);
    }
    this.#timer = setTimeout(() => this.#go(round), pause);
  }
}
