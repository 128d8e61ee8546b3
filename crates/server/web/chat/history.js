// Pages of a room's history: the newest, older ones, what fills a hole, and what changed while away.

const PAGE = 80;
const HOLE_PAGE = 200;

/** Reads pages over `connection` into the rooms of `store`. */
export class History {
  #store;
  #connection;
  #outbox;

  constructor({ store, connection, outbox }) {
    this.#store = store;
    this.#connection = connection;
    this.#outbox = outbox;
  }

  /** Reads the newest page of a room, if it is not there yet. */
  async ensureLoaded(room) {
    // Before the room was joined it is not known which history a page would belong to.
    if (room.epoch === null) return;
    if (!room.timeline.loaded) await this.loadNewest(room);
    else if (room.isStale) await this.freshen(room, room.timeline.last);
  }

  /** Reads the newest page and starts the run of messages over from it. */
  async loadNewest(room) {
    await this.#load(room, 'newest', { limit: PAGE }, (page) => {
      room.timeline.reset({ ...page, epoch: room.epoch });
      room.isStale = false;
      return 'reset';
    });
    if (room.timeline.hasHole) await this.fillHole(room);
  }

  /** Reads the page before the run. */
  async loadOlder(room) {
    if (!room.timeline.loaded || room.timeline.reachedStart || room.timeline.first === 0) return;
    await this.#load(room, 'older', { before: room.timeline.first, limit: PAGE }, (page) => {
      room.timeline.prepend(page);
      return 'prepend';
    });
  }

  /** Reads what follows the run, until nothing is missing. */
  async fillHole(room) {
    for (let more = true; more; ) {
      more = false;
      await this.#load(room, 'hole', { after: room.timeline.last, limit: HOLE_PAGE }, (page) => {
        for (const message of page.messages) this.confirm(message);
        more = room.timeline.extend(page) > 0 && (page.has_more || room.timeline.hasHole);
        return 'append';
      });
    }
  }

  /** Reads the end of the run again: edits and reactions made while away are not in a resume. */
  async freshen(room, upTo) {
    room.isStale = false;
    if (upTo === 0) return;
    await this.#load(room, 'fresh', { before: upTo + 1, limit: PAGE }, (page) => {
      const seqs = room.timeline.refresh(page.messages);
      return seqs.length > 0 ? { kind: 'change', seqs } : null;
    });
  }

  async #load(room, what, fields, take) {
    if (room.loading.has(what)) return;
    room.loading.add(what);
    this.#store.emit('loading', { room: room.name });
    let change = null;
    try {
      const page = await this.#connection.request('history', { room: room.name, ...fields });
      change = take(page);
      room.problem = '';
    } catch (error) {
      // A lost connection reads again when it is back; anything else a person must know.
      room.problem = error.code === 'lost' ? '' : error.message;
    } finally {
      room.loading.delete(what);
      for (const event of room.lateChanges) amend(room, event);
      if (room.loading.size === 0) room.lateChanges = [];
      this.#store.emit('loading', { room: room.name });
    }
    if (change) this.#store.emit('messages', { room: room.name, seqs: [], ...(change.kind ? change : { kind: change }) });
  }

  /** A message of one's own was seen in the room: it is no longer on its way. */
  confirm(message) {
    if (message.key && message.from === this.#store.me) this.#outbox.confirm(message.key);
  }
}

/** Applies an edit, a deletion or a reaction to a room; whether the message is known here. */
export function amend({ timeline }, event) {
  if (event.op === 'edited') return timeline.edit(event.seq, event.body, event.at);
  if (event.op === 'deleted') return timeline.remove(event.seq);
  return timeline.react(event.seq, event.emoji, event.by, event.on);
}
