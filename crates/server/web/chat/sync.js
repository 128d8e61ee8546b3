// Keeps the store true to the server: listens to every room, resumes them after a loss, and applies
// what is heard.

import { amend } from './history.js';

const JOINS_AT_ONCE = 8;
const READY_PAUSE_MS = 2_000;
const JOIN_PAUSE_MS = 1_000;

/** Refusals of a `join` that another try may not meet. */
const PASSING = new Set(['timeout', 'rate_limited', 'unavailable', 'internal']);

/**
 * Keeps `store` in step with the server over `connection`, with `outbox` for what is on its way and
 * `history` for pages of messages.
 */
export class Sync {
  #store;
  #connection;
  #outbox;
  #api;
  #reads;
  #history;
  #now;

  constructor({ store, connection, outbox, api, reads, history, now = () => Date.now() }) {
    this.#store = store;
    this.#connection = connection;
    this.#outbox = outbox;
    this.#api = api;
    this.#reads = reads;
    this.#history = history;
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

  /** Looks for rooms that were entered on another device, of which nothing tells. */
  async lookForRooms() {
    await this.refreshRooms();
    for (const room of this.#store.rooms.values()) if (room.epoch === null) await this.listen(room.name);
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
    room.describe({ kind: answer.kind, topic: answer.topic });
    const isOtherHistory = room.epoch !== null && room.epoch !== answer.epoch;
    room.lastSeq = isOtherHistory ? answer.last_seq : Math.max(room.lastSeq, answer.last_seq);
    room.epoch = answer.epoch;
    if (timeline.loaded) {
      const outcome = timeline.resume(answer);
      for (const message of answer.messages ?? []) this.#history.confirm(message);
      if (outcome === 'reset') await this.#history.loadNewest(room);
      else {
        this.#store.emit('messages', { room: name, kind: 'append', seqs: [] });
        if (outcome === 'behind') await this.#history.fillHole(room);
        if (name === this.#store.active) await this.#history.freshen(room, wasBehind);
        else room.isStale = true;
      }
    } else if (name === this.#store.active) await this.#history.loadNewest(room);
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
    this.#history.confirm(message);
    const outcome = room.timeline.receive(message);
    if (message.from === this.#store.me) this.#reads.seen(room, message.seq);
    if (outcome === 'appended') {
      this.#store.emit('messages', { room: room.name, kind: 'append', seqs: [message.seq], live: true });
      this.#store.emit('typing', { room: room.name });
    } else if (room.timeline.hasHole) this.#history.fillHole(room);
    if (outcome !== 'duplicate') this.#store.emit('rooms');
  }

  #amended(room, event) {
    if (room.loading.size > 0) room.lateChanges.push(event);
    if (amend(room, event)) {
      this.#store.emit('messages', { room: room.name, kind: 'change', seqs: [event.seq] });
    }
  }

  #typing(room, event) {
    if (event.user === this.#store.me) return;
    room.noteTyping(event.user, event.on, this.#now());
    this.#store.emit('typing', { room: room.name });
  }

  async #joined(room, event) {
    if (event.user === this.#store.me && !room) {
      await this.refreshRooms();
      const { title, kind } = this.#store.room(event.room) ?? {};
      if (this.#store.entering.has(event.room) || this.#store.entering.has(title)) return;
      await this.listen(event.room);
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
