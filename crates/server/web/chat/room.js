// A room as this page knows it: who is in it, what was said, what is unread.

import { Timeline } from './timeline.js';

const TYPING_MS = 6_000;

/** One room. */
export class Room {
  name;
  kind = 'public';
  topic = '';
  /** The asker's role; null for a room one is not in. */
  role = null;
  /** The other user of a direct room. */
  peer = null;
  memberCount = 0;
  /** Name → `{role, readSeq}`; complete once the room was joined. */
  members = new Map();
  /** Which history the numbers belong to; null until the room was joined. */
  epoch = null;
  lastSeq = 0;
  /** Up to where the asker has read. */
  readSeq = 0;
  /** Where the line "new" stands while the room is open; null when it does not. */
  newFrom = null;
  timeline = new Timeline();
  /** Name → when the sign that they type runs out. */
  typing = new Map();
  draft = '';
  replyTo = null;
  /** The work that is going on: `newest`, `older`, `hole`. */
  loading = new Set();
  /** Changes that arrived during a load, and may be newer than what it brings. */
  lateChanges = [];
  /** What a reader is to be told where messages would be. */
  problem = '';

  constructor(name) {
    this.name = name;
  }

  /** Takes what the server says of the room. */
  describe(facts) {
    this.kind = facts.kind ?? this.kind;
    this.topic = facts.topic ?? this.topic;
    this.role = facts.role ?? this.role;
    this.peer = facts.with ?? this.peer;
    if (typeof facts.members === 'number') this.memberCount = facts.members;
    this.lastSeq = Math.max(this.lastSeq, facts.last_seq ?? 0);
    this.readSeq = Math.max(this.readSeq, facts.read_seq ?? 0);
  }

  /** Takes the list of members that comes with a `join`. */
  describeMembers(list, me) {
    this.members = new Map();
    for (const member of list) {
      this.members.set(member.user, { role: member.role ?? 'member', readSeq: member.read_seq ?? 0 });
      if (member.user !== me) continue;
      this.role = member.role ?? this.role;
      this.readSeq = Math.max(this.readSeq, member.read_seq ?? 0);
    }
    this.memberCount = Math.max(this.members.size, this.memberCount);
    if (this.kind === 'direct') {
      this.peer = [...this.members.keys()].find((name) => name !== me) ?? this.peer;
    }
  }

  /** What people call it. */
  get title() {
    return this.kind === 'direct' ? (this.peer ?? 'Direct message') : this.name;
  }

  get unread() {
    return Math.max(0, this.lastSeq - this.readSeq);
  }

  get isOwner() {
    return this.role === 'owner';
  }

  noteTyping(user, on, now) {
    if (on) this.typing.set(user, now + TYPING_MS);
    else this.typing.delete(user);
  }

  /** Who types now. */
  typingNow(now) {
    for (const [user, until] of this.typing) if (until <= now) this.typing.delete(user);
    return [...this.typing.keys()];
  }

  /** Who, other than `me`, has read up to exactly this message. */
  readersAt(seq, me) {
    const names = [];
    for (const [user, member] of this.members) if (user !== me && member.readSeq === seq) names.push(user);
    return names;
  }

  /** Whether anybody but `me` has read this message. */
  isReadByOthers(seq, me) {
    for (const [user, member] of this.members) if (user !== me && member.readSeq >= seq) return true;
    return false;
  }
}
