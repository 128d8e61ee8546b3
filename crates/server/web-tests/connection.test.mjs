import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Connection } from '../web/chat/connection.js';
import { Clock, settled } from './support/clock.mjs';
import { Line } from './support/socket.mjs';

function start() {
  const clock = new Clock();
  const line = new Line();
  const seen = { states: [], events: [], ready: 0 };
  const connection = new Connection({
    url: 'ws://here/ws', token: 'secret', open: line.open, timers: clock, random: () => 1,
    onState: (state) => seen.states.push(state.name),
    onEvent: (event) => seen.events.push(event),
    onReady: () => { seen.ready += 1; },
  });
  connection.start();
  return { clock, line, seen, connection };
}

async function online(parts) {
  parts.line.current.accept();
  parts.line.current.answer({ user: 'ada', connection: 'c1', ping_interval_ms: 20_000 });
  await settled();
}

test('the first frame is a hello with the token, and then one is online', async () => {
  const parts = start();
  parts.line.current.accept();
  assert.deepEqual(parts.line.current.sent, [{ op: 'hello', id: 1, token: 'secret' }]);
  await online(parts);
  assert.deepEqual(parts.seen.states, ['connecting', 'online']);
  assert.equal(parts.seen.ready, 1);
});

test('answers find their requests in any order', async () => {
  const parts = start();
  await online(parts);
  const [one, two] = [parts.connection.request('join', { room: 'a' }), parts.connection.request('join', { room: 'b' })];
  const [, first, second] = parts.line.current.sent.slice(-3);
  parts.line.current.say({ op: 'ok', id: second.id, data: { epoch: 'b' } });
  parts.line.current.say({ op: 'error', id: first.id, code: 'forbidden', message: 'no' });
  assert.equal((await two).epoch, 'b');
  await assert.rejects(one, { code: 'forbidden', message: 'no' });
});

test('what has no id is an event', async () => {
  const parts = start();
  await online(parts);
  parts.line.current.say({ op: 'typing', room: 'a', user: 'bob', on: true });
  assert.deepEqual(parts.seen.events, [{ op: 'typing', room: 'a', user: 'bob', on: true }]);
});

test('a lost connection fails what was asked and comes back by itself', async () => {
  const parts = start();
  await online(parts);
  const asked = parts.connection.request('send', { room: 'a', body: 'x' });
  parts.line.current.break();
  await assert.rejects(asked, { code: 'lost' });
  assert.equal(parts.connection.state.name, 'waiting');
  await parts.clock.pass(500);
  assert.equal(parts.line.sockets.length, 2);
  await online(parts);
  assert.equal(parts.seen.ready, 2);
});

test('failed tries wait longer each time, and a steady connection starts over', async () => {
  const parts = start();
  const waits = [];
  for (let round = 0; round < 3; round += 1) {
    parts.line.current.break();
    waits.push(parts.connection.state.retryAt - parts.clock.now());
    await parts.clock.pass(waits.at(-1));
  }
  assert.deepEqual(waits, [500, 1_000, 2_000]);
  await online(parts);
  await parts.clock.pass(6_000);
  parts.line.current.break();
  assert.equal(parts.connection.state.retryAt - parts.clock.now(), 500);
});

test('a connection that breaks as soon as it stands does not start over', async () => {
  const parts = start();
  parts.line.current.break();
  await parts.clock.pass(500);
  await online(parts);
  parts.line.current.break();
  assert.equal(parts.connection.state.retryAt - parts.clock.now(), 1_000);
});

test('a server that has too much to do is given a second more', async () => {
  const parts = start();
  await online(parts);
  parts.line.current.break(1013);
  assert.equal(parts.connection.state.retryAt - parts.clock.now(), 1_500);
});

test('a refused hello waits as long as it was told to', async () => {
  const parts = start();
  parts.line.current.accept();
  parts.line.current.refuse('rate_limited', 3_000);
  await settled();
  assert.equal(parts.connection.state.retryAt - parts.clock.now(), 3_500);
});

test('a token that is not valid ends the tries', async () => {
  const parts = start();
  parts.line.current.accept();
  parts.line.current.refuse('unauthenticated');
  await parts.clock.pass(60_000);
  assert.equal(parts.connection.state.name, 'refused');
  assert.equal(parts.line.sockets.length, 1);
});

test('a silent network is noticed: a ping without an answer is a loss', async () => {
  const parts = start();
  await online(parts);
  await parts.clock.pass(20_000);
  assert.equal(parts.line.current.sent.at(-1).op, 'ping');
  await parts.clock.pass(10_000);
  assert.equal(parts.connection.state.name, 'waiting');
  assert.ok(parts.line.sockets[0].isClosed);
});

test('anything that is heard puts the ping off', async () => {
  const parts = start();
  await online(parts);
  for (let round = 0; round < 4; round += 1) {
    await parts.clock.pass(15_000);
    parts.line.current.say({ op: 'presence', user: 'bob', status: 'away' });
  }
  assert.deepEqual(parts.line.current.sent.map((frame) => frame.op), ['hello']);
});

test('a request without an answer fails after ten seconds, and its late answer is ignored', async () => {
  const parts = start();
  await online(parts);
  const asked = parts.connection.request('history', { room: 'a' });
  const failed = assert.rejects(asked, { code: 'timeout' });
  await parts.clock.pass(10_000);
  await failed;
  parts.line.current.answer({ messages: [] });
  assert.equal(parts.connection.state.name, 'online');
});

test('a hello without an answer is given up, and the old socket is not listened to any more', async () => {
  const parts = start();
  const [first] = parts.line.sockets;
  first.accept();
  await parts.clock.pass(10_000);
  await parts.clock.pass(1_000);
  assert.equal(parts.line.sockets.length, 2);
  first.say({ op: 'ok', id: 1, data: {} });
  await settled();
  assert.equal(parts.seen.ready, 0);
});

test('draining is said on, until the next server has answered', async () => {
  const parts = start();
  await online(parts);
  parts.line.current.say({ op: 'draining', after_ms: 3_000 });
  assert.equal(parts.connection.state.draining, true);
  parts.line.current.break(1001);
  assert.equal(parts.connection.state.draining, true);
  await parts.clock.pass(500);
  await online(parts);
  assert.equal(parts.connection.state.draining, undefined);
});

test('whoever does not want to wait need not', async () => {
  const parts = start();
  parts.line.current.break();
  parts.connection.retryNow();
  assert.equal(parts.line.sockets.length, 2);
  await parts.clock.pass(2_000);
  assert.equal(parts.line.sockets.length, 2, 'the wait that was cut short does not fire');
});

test('stopping is for good', async () => {
  const parts = start();
  await online(parts);
  parts.connection.stop();
  await parts.clock.pass(60_000);
  assert.equal(parts.line.sockets.length, 1);
  assert.ok(parts.line.current.isClosed);
  await assert.rejects(parts.connection.request('ping'), { code: 'lost' });
});
