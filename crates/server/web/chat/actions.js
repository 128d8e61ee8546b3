// What a person can do here. Views call these; what comes of it reaches them through the store.

import { segment } from '../shared/api.js';

/** The verbs of the chat. Each throws the server's error, in words, where it cannot be done. */
export class Actions {
  #store;
  #connection;
  #outbox;
  #sync;
  #history;
  #reads;
  #api;

  constructor({ store, connection, outbox, sync, history, reads, api }) {
    this.#store = store;
    this.#connection = connection;
    this.#outbox = outbox;
    this.#sync = sync;
    this.#history = history;
    this.#reads = reads;
    this.#api = api;
  }

  /** Opens a room one is in, and reads its newest messages. */
  async open(name) {
    this.#store.open(name);
    const room = this.#store.activeRoom;
    if (room) await this.#history.ensureLoaded(room);
  }

  /** Says something in a room. */
  send(room, body) {
    this.#outbox.add({ room: room.name, body, replyTo: room.replyTo ?? undefined, at: new Date().toISOString() });
    room.replyTo = null;
  }

  retry(key) {
    this.#outbox.retry(key);
  }

  discard(key) {
    this.#outbox.discard(key);
  }

  async edit(room, seq, body) {
    await this.#connection.request('edit', { room: room.name, seq, body });
  }

  async remove(room, seq) {
    await this.#connection.request('delete', { room: room.name, seq });
  }

  async react(room, seq, emoji) {
    const message = room.timeline.find(seq);
    const mine = message?.reactions?.some((reaction) => reaction.emoji === emoji && reaction.users.includes(this.#store.me));
    await this.#connection.request('react', { room: room.name, seq, emoji, on: !mine });
  }

  seen(room, seq) {
    this.#reads.seen(room, seq);
  }

  loadOlder(room) {
    return this.#history.loadOlder(room);
  }

  loadNewest(room) {
    return this.#history.loadNewest(room);
  }

  typing(room, on) {
    this.#connection.request('typing', { room: room.name, on }).catch(() => {});
  }

  async setStatus(status) {
    this.#store.ownStatus = status;
    this.#store.setPresence(this.#store.me, status);
    await this.#connection.request('presence', { status });
  }

  async createRoom({ name, kind, topic }) {
    await this.#entering(name, async () => {
      const { room } = await this.#api.post('/rooms', { name, kind });
      if (topic) await this.#api.patch(`/rooms/${segment(name)}`, { topic });
      return { ...room, topic: topic || room.topic, role: 'owner' };
    });
  }

  async openDirect(user) {
    await this.#entering(user, async () => {
      const { room } = await this.#api.post('/rooms', { kind: 'direct', with: user });
      return { ...room, with: user, role: 'member' };
    });
  }

  /** Becomes a member of a public room. */
  async joinRoom(name) {
    await this.#entering(name, async () => {
      await this.#api.put(`/rooms/${segment(name)}/members/${segment(this.#store.me)}`, {});
      return (await this.#api.get(`/rooms/${segment(name)}`)).room;
    });
  }

  async leaveRoom(room) {
    await this.#api.delete(`/rooms/${segment(room.name)}/members/${segment(this.#store.me)}`);
    this.#outbox.abandon(room.name);
    this.#store.removeRoom(room.name);
  }

  async deleteRoom(room) {
    await this.#api.delete(`/rooms/${segment(room.name)}`);
    this.#outbox.abandon(room.name);
    this.#store.removeRoom(room.name);
  }

  async setTopic(room, topic) {
    await this.#api.patch(`/rooms/${segment(room.name)}`, { topic });
    room.topic = topic;
    this.#store.emit('members', { room: room.name });
  }

  /** Seconds for which the room keeps its messages; null where the server's setting holds. */
  async retention(room) {
    const answer = await this.#api.get(`/rooms/${segment(room.name)}`);
    return answer.room.retention_seconds ?? null;
  }

  async setRetention(room, seconds) {
    await this.#api.patch(`/rooms/${segment(room.name)}`, { retention_seconds: seconds });
  }

  async invite(room, user) {
    await this.#api.put(`/rooms/${segment(room.name)}/members/${segment(user)}`, {});
    await this.#sync.listen(room.name);
  }

  async setRole(room, user, role) {
    await this.#api.put(`/rooms/${segment(room.name)}/members/${segment(user)}`, { role });
    await this.#sync.listen(room.name);
  }

  async kick(room, user) {
    await this.#api.delete(`/rooms/${segment(room.name)}/members/${segment(user)}`);
  }

  /** All public rooms and one's own, page by page. */
  async listRooms() {
    const rooms = [];
    const limit = 100;
    for (let after = ''; ; after = rooms.at(-1).name) {
      const page = await this.#api.get(`/rooms?limit=${limit}${after && `&after=${segment(after)}`}`);
      rooms.push(...page.rooms);
      if (page.rooms.length < limit || rooms.length >= 2_000) return rooms;
    }
  }

  reconnect() {
    this.#connection.retryNow();
  }

  /** Ends the session on the server; the page is signed out even where the server is away. */
  async signOut() {
    this.#connection.stop();
    await this.#api.post('/logout').catch(() => {});
  }

  /** Goes into the room that `make` answers with; `wish` is a room's or a peer's name. */
  async #entering(wish, make) {
    this.#store.entering.add(wish);
    try {
      const facts = await make();
      this.#store.addRoom(facts);
      const listening = this.#sync.listen(facts.name);
      await this.open(facts.name);
      await listening;
    } finally {
      this.#store.entering.delete(wish);
    }
  }
}
