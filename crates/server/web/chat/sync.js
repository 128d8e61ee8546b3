// Keeps the store true to the server: listens to every room, resumes them after a loss, fills holes,
// and applies what is heard.

const PAGE = 80;
const HOLE_PAGE = 200;
const JOINS_AT_ONCE = 8;
const READY_PAUSE_MS = 2_000;
const JOIN_PAUSE_MS = 1_000;

/** Refusals of a `join` that another try may not meet. */
const PASSING = new Set(['timeout', 'rate_limited', 'unavailable', 'internal']);

/** Keeps `store` in step with the server over `connection`, with `outbox` for what is on its way. */
export class Sync {
  #store;
  #connection;
  #outbox;
  #api;
  #reads;
  #now;

  constructor({ store, connection, outbox, api, reads, now = () => Date.now() }) {
    this.#store = store;
    this.#connection = connection;
    this.#outbox = outbox;
    this.#api = api;
    this.#reads = reads;
    this.#now = now;
  }

  /** After each hello: read the list of rooms, listen to all of them, send what waited. */
  async ready() {
    try {
      await this.refreshRooms();
    } catch (error) {
      if (error.code === 'unauthenticated') throw error;
      await pause(Math.max(READY_PAUSE_MS, error.retryAfterMs ?? 0));
      return this.#isOnline() ? this.ready() : undefined;
    }
    await this.#listenToAll();
    if (this.#store.ownStatus !== 'available') {
      this.#connection.request('presence', { status: this.#store.ownStatus }).catch(() => {});
    }
    this.#outbox.flush();
    return undefined;
  }

  /** Reads the list of one's rooms. */
  async refreshRooms() {
    const { user, rooms } = await this.#api.get('/me');
    this.#store.operator = user.operator === true;
    const names = new Set(rooms.map((room) => room.name));
    for (const name of [...this.#store.rooms.keys()]) if (!names.has(name)) this.#store.removeRoom(name);
    for (const facts of rooms) this.#store.addRoom(facts);
    this.#store.isReady = true;
    this.#store.emit('rooms');
  }

  async #listenToAll() {
    // The open room first: somebody is looking at it.
    const names = [...this.#store.rooms.keys()].sort((one) => (one === this.#store.active ? -1 : 0));
    while (names.length > 0) {
      await Promise.all(names.splice(0, JOINS_AT_ONCE).map((name) => this.listen(name)));
    }
  }

  /** Starts listening to a room, or resumes where it was left. */
  async listen(name) {
    const room = this.#store.room(name);
    if (!room) return;
    const { timeline } = room;
    const since = timeline.loaded ? { since: { epoch: timeline.epoch, seq: timeline.last } } : {};
    const wasBehind = timeline.last;
    let answer;
    try {
      answer = await this.#connection.request('join', { room: name, ...since });
    } catch (error) {
      if (error.code === 'not_found' || error.code === 'forbidden') this.#store.removeRoom(name);
      if (!PASSING.has(error.code)) return;
      await pause(Math.max(JOIN_PAUSE_MS, error.retryAfterMs));
      if (this.#isOnline()) await this.listen(name);
      return;
    }
    this.#takeMembers(room, answer.members ?? []);
    room.lastSeq = Math.max(room.lastSeq, answer.last_seq ?? 0);
    if (timeline.loaded) {
      const outcome = timeline.resume(answer);
      for (const message of answer.messages ?? []) this.#confirm(message);
      if (outcome === 'reset') await this.loadNewest(room);
      else {
        this.#store.emit('messages', { room: name, kind: 'append', seqs: [] });
        if (outcome === 'behind') await this.#fillHole(room);
        if (name === this.#store.active) await this.#freshen(room, wasBehind);
        else room.isStale = true;
      }
    } else if (name === this.#store.active) await this.loadNewest(room);
    this.#store.emit('rooms');
  }

  #takeMembers(room, list) {
    room.describeMembers(list, this.#store.me);
    for (const member of list) {
      if (member.status) this.#store.setPresence(member.user, member.status, member.last_seen);
    }
    this.#store.emit('members', { room: room.name });
    this.#store.emit('reads', { room: room.name });
  }

  /** Reads the newest page of a room, if it is not there yet. */
  async ensureLoaded(room) {
    if (!room.timeline.loaded) await this.loadNewest(room);
    else if (room.isStale) await this.#freshen(room, room.timeline.last);
  }

  /** Reads the newest page and starts the run of messages over from it. */
  async loadNewest(room) {
    await this.#load(room, 'newest', { limit: PAGE }, (page) => {
      room.timeline.reset(page);
      room.lastSeq = Math.max(room.lastSeq, page.last_seq ?? 0);
      room.isStale = false;
      return 'reset';
    });
    if (room.timeline.hasHole) await this.#fillHole(room);
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
  async #fillHole(room) {
    for (let more = true; more; ) {
      more = false;
      await this.#load(room, 'hole', { after: room.timeline.last, limit: HOLE_PAGE }, (page) => {
        if (page.epoch !== room.timeline.epoch) {
          room.timeline.forget();
          return 'reset';
        }
        for (const message of page.messages) this.#confirm(message);
        more = room.timeline.extend(page) > 0 && page.has_more;
        return 'append';
      });
    }
    if (!room.timeline.loaded) await this.loadNewest(room);
  }

  /** Reads the end of the run again: edits and reactions made while away are not in a resume. */
  async #freshen(room, upTo) {
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
      for (const event of room.lateChanges) this.#amend(room, event);
      if (room.loading.size === 0) room.lateChanges = [];
      this.#store.emit('loading', { room: room.name });
    }
    if (change) this.#store.emit('messages', { room: room.name, seqs: [], ...(change.kind ? change : { kind: change }) });
  }

  /** Applies an event. */
  hear(event) {
    const room = event.room ? this.#store.room(event.room) : null;
    switch (event.op) {
      case 'message':
        return room && this.#message(room, event);
      case 'edited':
      case 'deleted':
      case 'reaction':
        return room && this.#amended(room, event);
      case 'typing':
        return room && this.#typing(room, event);
      case 'read':
        return room && this.#store.markRead(room, event.user, event.seq);
      case 'presence':
        return this.#store.setPresence(event.user, event.status, event.last_seen);
      case 'joined':
        return this.#joined(room, event);
      case 'left':
        return this.#left(room, event);
      case 'resync':
        return room && this.#resync(room);
      default:
        return undefined; // `draining` is the connection's own; unknown events are for newer pages.
    }
  }

  /** One's own message was stored: it takes its place as if it had been heard. */
  accepted(item, answer) {
    const room = this.#store.room(item.room);
    if (!room) return;
    this.#message(room, {
      seq: answer.seq, message_id: answer.message_id, at: answer.at, room: item.room,
      from: this.#store.me, body: item.body, key: item.key, reply_to: item.reply_to,
    });
  }

  #message(room, { op: _, ...message }) {
    room.lastSeq = Math.max(room.lastSeq, message.seq);
    room.typing.delete(message.from);
    this.#confirm(message);
    const outcome = room.timeline.receive(message);
    if (message.from === this.#store.me) this.#reads.seen(room, message.seq);
    if (outcome === 'appended') {
      this.#store.emit('messages', { room: room.name, kind: 'append', seqs: [message.seq], live: true });
      this.#store.emit('typing', { room: room.name });
    } else if (room.timeline.hasHole) this.#fillHole(room);
    if (outcome !== 'duplicate') this.#store.emit('rooms');
  }

  #confirm(message) {
    if (message.key && message.from === this.#store.me) this.#outbox.confirm(message.key);
  }

  #amended(room, event) {
    if (room.loading.size > 0) room.lateChanges.push(event);
    if (this.#amend(room, event)) {
      this.#store.emit('messages', { room: room.name, kind: 'change', seqs: [event.seq] });
    }
  }

  #amend({ timeline }, event) {
    if (event.op === 'edited') return timeline.edit(event.seq, event.body, event.at);
    if (event.op === 'deleted') return timeline.remove(event.seq);
    return timeline.react(event.seq, event.emoji, event.by, event.on);
  }

  #typing(room, event) {
    if (event.user === this.#store.me) return;
    room.noteTyping(event.user, event.on, this.#now());
    this.#store.emit('typing', { room: room.name });
  }

  async #joined(room, event) {
    if (event.user === this.#store.me && !room) {
      await this.refreshRooms();
      await this.listen(event.room);
      const { title, kind } = this.#store.room(event.room) ?? {};
      if (title) this.#store.notice(kind === 'direct' ? `${title} wrote to you.` : `You were added to ${title}.`);
      return;
    }
    if (!room) return;
    const known = room.members.get(event.user);
    if (!known) room.memberCount += 1;
    room.members.set(event.user, { readSeq: known?.readSeq ?? 0, role: event.role ?? 'member' });
    if (event.user === this.#store.me) room.role = event.role ?? room.role;
    this.#store.emit('members', { room: room.name });
  }

  #left(room, event) {
    if (!room) return;
    if (event.user === this.#store.me || event.reason === 'room_deleted') {
      this.#outbox.abandon(room.name);
      this.#store.removeRoom(room.name);
      if (event.reason === 'removed') this.#store.notice(`You were removed from ${room.title}.`, 'warn');
      if (event.reason === 'room_deleted') this.#store.notice(`The room ${room.title} was deleted.`, 'warn');
      return;
    }
    if (room.members.delete(event.user)) room.memberCount -= 1;
    room.typing.delete(event.user);
    this.#store.emit('members', { room: room.name });
  }

  async #resync(room) {
    room.timeline.forget();
    await this.listen(room.name);
  }

  #isOnline() {
    return this.#connection.state.name === 'online';
  }
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
