// Read marks: here at once, and to the server at most once a second for each room.

const PAUSE_MS = 1_000;

/** What this page has read, and has said it has read. */
export class Reads {
  #store;
  #connection;
  #told = new Map();
  #waiting = new Set();

  constructor({ store, connection }) {
    this.#store = store;
    this.#connection = connection;
  }

  /** A message, and with it all before, was seen here. */
  seen(room, seq) {
    this.#store.markRead(room, this.#store.me, seq);
    this.#tell(room);
  }

  /** Says again what was said into a connection that was lost. */
  again() {
    this.#told.clear();
  }

  async #tell(room) {
    const seq = room.readSeq;
    if (seq <= (this.#told.get(room.name) ?? 0) || this.#waiting.has(room.name)) return;
    this.#waiting.add(room.name);
    this.#told.set(room.name, seq);
    try {
      await this.#connection.request('read', { room: room.name, seq });
    } catch {
      this.#told.delete(room.name);
    }
    setTimeout(() => {
      this.#waiting.delete(room.name);
      if (room.readSeq > seq) this.#tell(room);
    }, PAUSE_MS);
  }
}
