import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Timeline } from '../web/chat/timeline.js';

const message = (seq, body = `m${seq}`) => ({ seq, body, from: 'ada', at: '2026-11-21T10:00:00.000Z' });
const run = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => message(from + index));
const seqs = (timeline) => timeline.messages.map(({ seq }) => seq);

function loaded(from, to, { epoch = 'e1', has_more = from > 1 } = {}) {
  const timeline = new Timeline();
  timeline.reset({ epoch, messages: from > to ? [] : run(from, to), has_more });
  return timeline;
}

test('messages that come in order are appended', () => {
  const timeline = loaded(1, 3);
  assert.equal(timeline.receive(message(4)), 'appended');
  assert.deepEqual(seqs(timeline), [1, 2, 3, 4]);
});

test('a message that comes twice is there once', () => {
  const timeline = loaded(1, 3);
  timeline.receive(message(4));
  assert.equal(timeline.receive(message(4)), 'duplicate');
  assert.equal(timeline.receive(message(2)), 'duplicate');
  assert.deepEqual(seqs(timeline), [1, 2, 3, 4]);
});

test('a message beyond a hole waits until the hole is filled', () => {
  const timeline = loaded(1, 3);
  assert.equal(timeline.receive(message(6)), 'ahead');
  assert.equal(timeline.receive(message(5)), 'ahead');
  assert.ok(timeline.hasHole);
  assert.deepEqual(seqs(timeline), [1, 2, 3]);
  assert.equal(timeline.receive(message(4)), 'appended');
  assert.deepEqual(seqs(timeline), [1, 2, 3, 4, 5, 6]);
  assert.ok(!timeline.hasHole);
});

test('what is heard while the first page loads is not lost and not doubled', () => {
  const timeline = new Timeline();
  for (const seq of [9, 10, 11]) timeline.receive(message(seq));
  timeline.reset({ epoch: 'e1', messages: run(1, 10), has_more: false });
  assert.deepEqual(seqs(timeline), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test('an older page goes in front, once', () => {
  const timeline = loaded(51, 60);
  assert.equal(timeline.prepend({ messages: run(41, 50), has_more: true }), 10);
  assert.equal(timeline.prepend({ messages: run(41, 50), has_more: true }), 0);
  assert.equal(timeline.first, 41);
  assert.ok(!timeline.reachedStart);
  timeline.prepend({ messages: run(1, 40), has_more: false });
  assert.ok(timeline.reachedStart);
  assert.deepEqual(seqs(timeline), run(1, 60).map(({ seq }) => seq));
});

test('a resume gives exactly what was missed', () => {
  const timeline = loaded(1, 5);
  assert.equal(timeline.resume({ epoch: 'e1', last_seq: 8, messages: run(6, 8) }), 'resumed');
  assert.deepEqual(seqs(timeline), [1, 2, 3, 4, 5, 6, 7, 8]);
});

test('a resume that missed nothing changes nothing', () => {
  const timeline = loaded(1, 5);
  assert.equal(timeline.resume({ epoch: 'e1', last_seq: 5, messages: [] }), 'resumed');
  assert.deepEqual(seqs(timeline), [1, 2, 3, 4, 5]);
});

test('a resume that stops short says that more must be fetched', () => {
  const timeline = loaded(1, 5);
  assert.equal(timeline.resume({ epoch: 'e1', last_seq: 9, messages: run(6, 7) }), 'behind');
  timeline.extend({ messages: run(8, 9) });
  assert.equal(timeline.last, 9);
});

test('another epoch, too much missed, or a shorter history: all is read anew', () => {
  for (const answer of [
    { epoch: 'e2', last_seq: 5, messages: [] },
    { epoch: 'e1', last_seq: 5_000, messages: [], truncated: true },
    { epoch: 'e1', last_seq: 3, messages: [] },
  ]) {
    const timeline = loaded(1, 5);
    assert.equal(timeline.resume(answer), 'reset');
    assert.ok(!timeline.loaded);
    assert.deepEqual(seqs(timeline), []);
  }
});

test('an empty room can be resumed too', () => {
  const timeline = loaded(1, 0);
  assert.equal(timeline.resume({ epoch: 'e1', last_seq: 2, messages: run(1, 2) }), 'resumed');
  assert.deepEqual(seqs(timeline), [1, 2]);
});

test('numbers that retention removed are no hole', () => {
  const timeline = loaded(1, 0);
  assert.equal(timeline.receive(message(101)), 'ahead');
  assert.equal(timeline.extend({ messages: [message(101)] }), 1);
  assert.deepEqual(seqs(timeline), [101]);
  assert.ok(!timeline.hasHole);
});

test('edits, deletions and reactions change the message in its place', () => {
  const timeline = loaded(1, 3);
  assert.ok(timeline.edit(2, 'new', '2026-11-21T11:00:00.000Z'));
  assert.deepEqual([timeline.find(2).body, timeline.find(2).edited_at], ['new', '2026-11-21T11:00:00.000Z']);
  timeline.react(2, '👍', 'bob', true);
  timeline.react(2, '👍', 'bob', true);
  timeline.react(2, '👍', 'eve', true);
  assert.deepEqual(timeline.find(2).reactions, [{ emoji: '👍', users: ['bob', 'eve'] }]);
  timeline.react(2, '👍', 'bob', false);
  timeline.react(2, '👍', 'eve', false);
  assert.deepEqual(timeline.find(2).reactions, []);
  timeline.remove(3);
  assert.deepEqual([timeline.find(3).deleted, timeline.find(3).body], [true, '']);
  assert.deepEqual(seqs(timeline), [1, 2, 3]);
});

test('a change to a message that waits beyond a hole is not lost', () => {
  const timeline = loaded(1, 3);
  timeline.receive(message(5));
  timeline.edit(5, 'late', '2026-11-21T11:00:00.000Z');
  timeline.receive(message(4));
  assert.equal(timeline.find(5).body, 'late');
});

test('a change to a message that is not known here is no error', () => {
  assert.equal(loaded(10, 12).edit(2, 'x', ''), false);
});

test('reading the end again takes over what changed, and only that', () => {
  const timeline = loaded(1, 3);
  const edited = { ...message(2), body: 'edited meanwhile' };
  assert.deepEqual(timeline.refresh([message(1), edited, message(3), message(9)]), [2]);
  assert.equal(timeline.find(2).body, 'edited meanwhile');
});
