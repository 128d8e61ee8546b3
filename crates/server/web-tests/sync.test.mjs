import assert from 'node:assert/strict';
import { test } from 'node:test';

import { History } from '../web/chat/history.js';
import { Outbox } from '../web/chat/outbox.js';
import { Reads } from '../web/chat/reads.js';
import { Store } from '../web/chat/store.js';
import { Sync } from '../web/chat/sync.js';
import { settled } from './support/clock.mjs';

/** A server of one room that answers at once. */
class Server {
  epoch = 'e1';
  messages = [];
  asked = [];
  state = { name: 'online' };

  say(from, body, key) {
    const message = { room: 'a', seq: this.messages.length + 1, message_id: String(this.messages.length), from, body, key, at: '2026-11-21T10:00:00.000Z' };
    this.messages.push(message);
    return { op: 'message', ...message };
  }

  async request(op, fields) {
    this.asked.push([op, fields]);
    if (op === 'join') return this.#join(fields);
    if (op === 'history') return this.#history(fields);
    return {};
  }

  #join({ since }) {
    const isKnown = since?.epoch === this.epoch;
    const messages = isKnown ? this.messages.filter(({ seq }) => seq > since.seq) : [];
    const members = [{ user: 'ada', role: 'owner', status: 'available', read_seq: 0 }, { user: 'bob', role: 'member', status: 'away', read_seq: 0 }];
    return { epoch: this.epoch, last_seq: this.messages.length, truncated: Boolean(since) && !isKnown, messages, members, kind: 'public', topic: '' };
  }

  #history({ before = Infinity, after, limit }) {
    const found = this.messages.filter(({ seq }) => (after === undefined ? seq < before : seq > after));
    const page = after === undefined ? found.slice(-limit) : found.slice(0, limit);
    return { messages: structuredClone(page), has_more: found.length > page.length };
  }

  async get() {
    return { user: { name: 'ada' }, rooms: [{ name: 'a', kind: 'public', members: 2, last_seq: this.messages.length, read_seq: 0 }] };
  }
}

function start() {
  const server = new Server();
  const store = new Store('ada');
  const parts = { server, store };
  parts.outbox = new Outbox({
    send: (room, fields) => server.request('send', { room, ...fields }), isOnline: () => false, onChange: () => {}, onAccepted: () => {},
  });
  const reads = new Reads({ store, connection: server });
  const history = new History({ store, connection: server, outbox: parts.outbox });
  parts.sync = new Sync({ store, connection: server, outbox: parts.outbox, api: server, reads, history });
  parts.seqs = () => store.room('a').timeline.messages.map(({ seq }) => seq);
  return parts;
}

/** Signed in, with the room open and its newest page read. */
async function opened(said = 3) {
  const parts = start();
  for (let count = 0; count < said; count += 1) parts.server.say('bob', 'x');
  await parts.sync.ready();
  parts.store.open('a');
  await parts.sync.listen('a');
  return parts;
}

test('the first visit listens to every room and reads the one that is open', async () => {
  const { server, seqs, store } = await opened();
  assert.deepEqual(seqs(), [1, 2, 3]);
  assert.deepEqual(server.asked.map(([op]) => op), ['join', 'join', 'history']);
  assert.equal(store.statusOf('bob'), 'away');
});

test('a return says what was seen last and takes exactly what was missed', async () => {
  const { server, sync, seqs } = await opened();
  for (let count = 0; count < 4; count += 1) server.say('bob', 'missed');
  server.asked = [];
  await sync.ready();
  assert.deepEqual(server.asked[0], ['join', { room: 'a', since: { epoch: 'e1', seq: 3 } }]);
  assert.deepEqual(seqs(), [1, 2, 3, 4, 5, 6, 7]);
});

test('edits made while away are seen after a return', async () => {
  const { server, sync, store } = await opened();
  server.messages[1] = { ...server.messages[1], body: 'edited meanwhile', edited_at: '2026-11-21T11:00:00.000Z' };
  await sync.ready();
  assert.equal(store.room('a').timeline.find(2).body, 'edited meanwhile');
});

test('a history that was lost is read anew', async () => {
  const { server, sync, seqs, store } = await opened();
  server.epoch = 'e2';
  server.messages = [];
  server.say('bob', 'the first of the new one');
  await sync.ready();
  assert.deepEqual(seqs(), [1]);
  assert.equal(store.room('a').timeline.epoch, 'e2');
  assert.equal(store.room('a').lastSeq, 1);
});

test('a hole between two live messages is filled from the history', async () => {
  const { server, sync, seqs } = await opened();
  server.say('bob', 'never heard');
  sync.hear(server.say('bob', 'heard'));
  await settled();
  assert.deepEqual(seqs(), [1, 2, 3, 4, 5]);
});

test('a resync reads the room again', async () => {
  const { server, sync, seqs } = await opened();
  server.say('bob', 'x');
  sync.hear({ op: 'resync', room: 'a', reason: 'gap' });
  await settled();
  assert.deepEqual(seqs(), [1, 2, 3, 4]);
});

test('one\'s own message that arrives in a resume is not on its way any more', async () => {
  const { server, sync, outbox } = await opened();
  outbox.add({ room: 'a', body: 'mine', at: '2026-11-21T10:00:00.000Z', key: 'k1' });
  server.say('ada', 'mine', 'k1');
  await sync.ready();
  assert.equal(outbox.size, 0);
});

test('unread counts what others say, and reading takes it away', async () => {
  const { server, sync, store } = await opened();
  const room = store.room('a');
  assert.equal(room.unread, 3);
  store.markRead(room, 'ada', 3);
  sync.hear(server.say('bob', 'one more'));
  assert.equal(room.unread, 1);
  sync.hear(server.say('ada', 'mine'));
  assert.equal(room.unread, 0);
});

test('an edit that arrives while a page is on its way is not undone by the page', async () => {
  const { server, sync, store } = await opened(100);
  const room = store.room('a');
  assert.equal(room.timeline.first, 21);
  const page = server.request('history', { room: 'a', before: 21, limit: 80 });
  server.request = () => page;
  const loading = new History({ store, connection: server, outbox: null }).loadOlder(room);
  sync.hear({ op: 'edited', room: 'a', seq: 5, body: 'newer', by: 'bob', at: '2026-11-21T11:00:00.000Z' });
  await loading;
  assert.equal(room.timeline.find(5).body, 'newer');
});

test('whoever is removed leaves the list, and oneself leaves the room', async () => {
  const { sync, store } = await opened();
  sync.hear({ op: 'left', room: 'a', user: 'bob', reason: 'left' });
  assert.deepEqual([...store.room('a').members.keys()], ['ada']);
  sync.hear({ op: 'left', room: 'a', user: 'ada', reason: 'removed' });
  assert.equal(store.room('a'), null);
  assert.equal(store.active, null);
});

test('typing ends with the message, and by itself', async () => {
  const { server, sync, store } = await opened();
  const room = store.room('a');
  sync.hear({ op: 'typing', room: 'a', user: 'bob', on: true });
  assert.deepEqual(room.typingNow(Date.now()), ['bob']);
  assert.deepEqual(room.typingNow(Date.now() + 10_000), []);
  sync.hear({ op: 'typing', room: 'a', user: 'bob', on: true });
  sync.hear(server.say('bob', 'there'));
  assert.deepEqual(room.typingNow(Date.now()), []);
});
