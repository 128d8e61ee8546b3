// How long to wait before the next try: longer each time, and never in step with other clients.

/** Delays that double from `baseMs` to `capMs`, each drawn from its upper half. */
export class Backoff {
  #attempt = 0;
  #baseMs;
  #capMs;
  #random;

  constructor({ baseMs = 500, capMs = 30_000, random = Math.random } = {}) {
    this.#baseMs = baseMs;
    this.#capMs = capMs;
    this.#random = random;
  }

  /** The next delay, at least `atLeastMs`. */
  next(atLeastMs = 0) {
    const ceiling = Math.min(this.#capMs, this.#baseMs * 2 ** this.#attempt);
    this.#attempt += 1;
    // The jitter also spreads clients that were all told the same moment to come back.
    return atLeastMs + ceiling * (0.5 + 0.5 * this.#random());
  }

  /** Starts over, once things go well. */
  reset() {
    this.#attempt = 0;
  }
}
