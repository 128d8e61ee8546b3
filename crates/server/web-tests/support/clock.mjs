// A clock that stands still until a test moves it.

export class Clock {
  #now = 0;
  #timers = [];
  #next = 1;

  set = (callback, ms) => {
    const timer = { id: this.#next, at: this.#now + ms, callback };
    this.#next += 1;
    this.#timers.push(timer);
    return timer.id;
  };

  clear = (id) => {
    this.#timers = this.#timers.filter((timer) => timer.id !== id);
  };

  now = () => this.#now;

  /** Lets time pass; what falls due runs in its order, and what it promises is settled. */
  async pass(ms) {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      const due = this.#timers.filter((timer) => timer.at <= end).sort((one, other) => one.at - other.at)[0];
      if (!due) break;
      this.clear(due.id);
      this.#now = due.at;
      due.callback();
    }
    this.#now = end;
    await settled();
  }
}

/** Waits until promises that can be settled are. */
export function settled() {
  return new Promise((resolve) => setImmediate(resolve));
}
