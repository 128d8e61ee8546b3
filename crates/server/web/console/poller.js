// Asking the server once a second, and what follows from its answers.

const STATS_MS = 1_000;
const TABLES_EVERY = 3;
const AWAY_MS = 2_000;

/** Polls as an operator. Called back: `onStats`, `onTables`, `onState(live | away | unsure | forbidden | signed-out)`. */
export class Poller {
  #api;
  #callbacks;
  #round = 0;
  #registration = null;
  #isRunning = false;

  constructor({ api, onStats, onTables, onGap, onState }) {
    this.#api = api;
    this.#callbacks = { onStats, onTables, onGap, onState };
  }

  start() {
    this.#isRunning = true;
    this.#ask();
  }

  stop() {
    this.#isRunning = false;
  }

  async #ask() {
    const began = performance.now();
    let pause = STATS_MS;
    try {
      const tables = this.#round % TABLES_EVERY === 0 ? this.#tables() : null;
      this.#round += 1;
      this.#callbacks.onStats(await this.#api.get('/stats'));
      if (tables) this.#callbacks.onTables(await tables);
      this.#callbacks.onState('live');
    } catch (error) {
      pause = this.#refused(error);
    }
    if (this.#isRunning) setTimeout(() => this.#ask(), Math.max(0, pause - (performance.now() - began)));
  }

  /** The tables; one that cannot be had does not take the others along. */
  async #tables() {
    const get = (path) => this.#api.get(path).catch(() => null);
    // Said once for as long as the server runs; where it was not heard, it is asked again.
    this.#registration ??= (await get('/registration'))?.registration ?? null;
    const invited = this.#registration === 'invite' ? get('/invites') : null;
    const [rooms, connections, nodes, invites] = await Promise.all([get('/stats/rooms?top=20'), get('/stats/connections?limit=100'), get('/nodes'), invited]);
    return { rooms: rooms?.rooms ?? null, connections: connections?.connections ?? null, nodes: nodes?.nodes ?? null, invites: invites?.invites ?? null };
  }

  #refused(error) {
    if (error.code === 'forbidden' || error.code === 'unauthenticated') {
      this.stop();
      this.#callbacks.onState(error.code === 'forbidden' ? 'forbidden' : 'signed-out');
      return 0;
    }
    this.#callbacks.onGap();
    // An answer that refuses for now is another thing than none.
    this.#callbacks.onState(error.code === 'unavailable' ? 'unsure' : 'away');
    return Math.max(AWAY_MS, error.retryAfterMs);
  }
}
