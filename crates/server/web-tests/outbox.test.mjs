import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Outbox } from '../web/chat/outbox.js';
import { Clock, settled } from './support/clock.mjs';

/** An outbox whose tries wait in `tries` until the test answers them. */
function start({ isOnline = true } = {}) {
  const clock = new Clock();
  const parts = { clock, isOnline, tries: [], accepted: [], saved: null };
  parts.outbox = new Outbox({
    timers: clock,
    isOnline: () => parts.isOnline,
    send: (room, fields) => new Promise((resolve, reject) => parts.tries.push({ room, fields, resolve, reject })),
    onChange: () => {},
    onAccepted: (item, answer) => parts.accepted.push([item.body, answer.seq]),
    save: (items) => { parts.saved = items.map((item) => item.body); },
  });
  let keys = 0;
  parts.say = (body, room = 'a') => parts.outbox.add({ room, body, at: '2026-11-21T10:00:00.000Z', key: `k${(keys += 1)}` });
  parts.states = () => parts.outbox.of('a').map((item) => item.state);
  return parts;
}

const refusal = (code, retryAfterMs = 0) => Object.assign(new Error(code), { code, retryAfterMs });

test('a message is shown as sending at once, and leaves when it was stored', async () => {
  const parts = start();
  parts.say('hello');
  assert.deepEqual(parts.states(), ['sending']);
  assert.deepEqual(parts.tries[0].fields, { key: 'k1', body: 'hello' });
  parts.tries[0].resolve({ seq: 7 });
  await settled();
  assert.deepEqual(parts.accepted, [['hello', 7]]);
  assert.equal(parts.outbox.size, 0);
});

test('messages to one room go one after the other, rooms do not wait for each other', async () => {
  const parts = start();
  parts.say('one');
  parts.say('two');
  parts.say('other', 'b');
  assert.deepEqual(parts.tries.map(({ fields }) => fields.body), ['one', 'other']);
  parts.tries[0].resolve({ seq: 1 });
  await settled();
  assert.deepEqual(parts.tries.map(({ fields }) => fields.body), ['one', 'other', 'two']);
});

test('what is written without a connection is kept and sent in order when there is one', async () => {
  const parts = start({ isOnline: false });
  parts.say('one');
  parts.say('two');
  assert.equal(parts.tries.length, 0);
  assert.deepEqual(parts.states(), ['queued', 'queued']);
  parts.isOnline = true;
  parts.outbox.flush();
  parts.tries[0].resolve({ seq: 1 });
  await settled();
  assert.deepEqual(parts.tries.map(({ fields }) => fields.body), ['one', 'two']);
});

test('a try that the connection took with it is repeated with the same key', async () => {
  const parts = start();
  parts.say('hello');
  parts.isOnline = false;
  parts.tries[0].reject(refusal('lost'));
  await settled();
  assert.deepEqual(parts.states(), ['queued']);
  parts.isOnline = true;
  parts.outbox.flush();
  assert.equal(parts.tries[1].fields.key, parts.tries[0].fields.key);
});

test('a message that was seen in the room is not sent again', async () => {
  const parts = start();
  parts.say('hello');
  parts.isOnline = false;
  parts.tries[0].reject(refusal('lost'));
  await settled();
  assert.ok(parts.outbox.confirm('k1'));
  parts.isOnline = true;
  parts.outbox.flush();
  assert.equal(parts.tries.length, 1);
  assert.equal(parts.outbox.size, 0);
});

test('a server that asks to wait is not asked before, and what follows waits too', async () => {
  const parts = start();
  parts.say('one');
  parts.say('two');
  parts.tries[0].reject(refusal('rate_limited', 4_000));
  await settled();
  assert.deepEqual(parts.states(), ['waiting', 'queued']);
  await parts.clock.pass(3_999);
  assert.equal(parts.tries.length, 1);
  await parts.clock.pass(1);
  assert.deepEqual(parts.tries.map(({ fields }) => fields.body), ['one', 'one']);
});

test('a time-out is repeated with the same key, since it says nothing', async () => {
  const parts = start();
  parts.say('hello');
  parts.tries[0].reject(refusal('timeout'));
  await parts.clock.pass(1_000);
  assert.equal(parts.tries[1].fields.key, 'k1');
});

test('a final refusal fails at once and lets the next one through', async () => {
  const parts = start();
  parts.say('too long');
  parts.say('short');
  parts.tries[0].reject(refusal('too_large'));
  await settled();
  assert.deepEqual(parts.states(), ['failed', 'sending']);
  assert.equal(parts.outbox.of('a')[0].problem, 'too_large');
});

test('a failed message can be tried again, or thrown away', async () => {
  const parts = start();
  parts.say('hello');
  parts.tries[0].reject(refusal('forbidden'));
  await settled();
  parts.outbox.retry('k1');
  assert.deepEqual(parts.states(), ['sending']);
  parts.tries[1].reject(refusal('forbidden'));
  await settled();
  parts.outbox.discard('k1');
  assert.equal(parts.outbox.size, 0);
});

test('tries end: after eight a person decides', async () => {
  const parts = start();
  parts.say('hello');
  for (let round = 0; round < 8; round += 1) {
    parts.tries[round].reject(refusal('unavailable'));
    await parts.clock.pass(1_000);
  }
  assert.equal(parts.tries.length, 8);
  assert.deepEqual(parts.states(), ['failed']);
});

test('what was not sent is kept, and comes back after a reload to be sent', async () => {
  const before = start({ isOnline: false });
  before.say('unsent');
  assert.deepEqual(before.saved, ['unsent']);
  const after = start({ isOnline: false });
  after.outbox.restore([{ key: 'old', room: 'a', body: 'unsent', at: '2026-11-21T10:00:00.000Z', state: 'sending' }]);
  assert.deepEqual(after.states(), ['queued']);
  after.isOnline = true;
  after.outbox.flush();
  assert.equal(after.tries[0].fields.key, 'old');
});
