// What this page knows: the rooms, who is there, which room is open. It changes only here, and tells
// the views what changed:
//
//   rooms            the list, its order or a count           members  {room}
//   messages {room, kind: append|change|reset|prepend, seqs}  typing   {room}
//   active           another room is open                     reads    {room}
//   reopened         the open room was chosen once more       loading  {room}
//   presence {user}  connection  notice {text, tone}          outbox   {room}

import { Emitter } from '../shared/emitter.js';
import { Room } from './room.js';

const order = new Intl.Collator();

/** The state of the chat page. */
export class Store extends Emitter {
  rooms = new Map();
  /** Name → `{status, lastSeen}`. */
  presence = new Map();
  active = null;
  connection = { name: 'stopped' };
  /** Whether the list of rooms was read from the server. */
  isReady = false;
  ownStatus = 'available';
  me;
  operator = false;
  /** Rooms that are being entered by a person here, and need no notice. */
  entering = new Set();

  constructor(me) {
    super();
    this.me = me;
  }

  /** The room that is open, or null. */
  get activeRoom() {
    return this.rooms.get(this.active) ?? null;
  }

  room(name) {
    return this.rooms.get(name) ?? null;
  }

  /** Takes a room one is in, as the server describes it. */
  addRoom(facts) {
    const room = this.rooms.get(facts.name) ?? new Room(facts.name);
    room.describe(facts);
    this.rooms.set(room.name, room);
    this.emit('rooms');
    return room;
  }

  /** Forgets a room one is no longer in. */
  removeRoom(name) {
    if (!this.rooms.delete(name)) return;
    if (this.active === name) this.open(null);
    this.emit('rooms');
  }

  /** Opens a room, or none. */
  open(name) {
    if (this.active === name) {
      this.emit('reopened');
      return;
    }
    this.active = name;
    const room = this.activeRoom;
    if (room) room.newFrom = room.unread > 0 ? room.readSeq + 1 : null;
    this.emit('active');
    this.emit('rooms');
  }

  setConnection(state) {
    this.connection = state;
    this.emit('connection');
  }

  setPresence(user, status, lastSeen) {
    const known = this.presence.get(user);
    this.presence.set(user, { status, lastSeen: lastSeen ?? known?.lastSeen ?? null });
    this.emit('presence', { user });
  }

  /** `available`, `away`, `dnd` or `unavailable`. */
  statusOf(user) {
    return this.presence.get(user)?.status ?? 'unavailable';
  }

  /** Moves a reader's mark forward; whether it moved. */
  markRead(room, user, seq) {
    const member = room.members.get(user);
    if (member && seq > member.readSeq) member.readSeq = seq;
    if (user === this.me) {
      if (seq <= room.readSeq) return false;
      room.readSeq = seq;
      this.emit('rooms');
    }
    this.emit('reads', { room: room.name });
    return true;
  }

  notice(text, tone = 'info') {
    this.emit('notice', { text, tone });
  }

  /** Rooms in the order of the list: rooms by name, then direct ones, both with the unread ones marked. */
  get ordered() {
    const all = [...this.rooms.values()];
    const byTitle = (one, other) => order.compare(one.title, other.title);
    return {
      rooms: all.filter((room) => room.kind !== 'direct').sort(byTitle),
      direct: all.filter((room) => room.kind === 'direct').sort(byTitle),
    };
  }

  /** How many rooms have something new. */
  get unreadRooms() {
    return [...this.rooms.values()].filter((room) => room.unread > 0).length;
  }
}
