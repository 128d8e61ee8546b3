import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Room } from '../web/chat/room.js';
import { rowsOf } from '../web/chat/rows.js';
import { ROWS_MAX, Window } from '../web/chat/window.js';

const at = (minute, day = 21) => new Date(2026, 10, day, 10, minute).toISOString();
const message = (seq, from, minute, more = {}) => ({ seq, from, body: `m${seq}`, at: at(minute), ...more });

function room(messages, members = {}) {
  const made = new Room('a');
  made.timeline.reset({ epoch: 'e', messages, has_more: false });
  for (const [name, readSeq] of Object.entries(members)) made.members.set(name, { role: 'member', readSeq });
  return made;
}

const rows = (made, more = {}) => rowsOf({ room: made, shown: made.timeline.messages, pending: [], me: 'ada', now: new Date(at(59)), ...more });

test('messages of one person in one breath are a group', () => {
  const found = rows(room([message(1, 'bob', 0), message(2, 'bob', 1), message(3, 'eve', 2), message(4, 'eve', 30)])).filter(({ type }) => type === 'message');
  assert.deepEqual(found.map(({ look }) => [look.opens, look.closes]), [[true, false], [false, true], [true, true], [true, true]]);
});

test('each day begins with its name', () => {
  const made = room([message(1, 'bob', 0, { at: at(0, 20) }), message(2, 'bob', 1)]);
  assert.deepEqual(rows(made).filter(({ type }) => type === 'day').map(({ text }) => text), ['Yesterday', 'Today']);
});

test('the line "new" stands above the first unread message', () => {
  const made = room([message(1, 'bob', 0), message(2, 'bob', 1)]);
  made.newFrom = 2;
  assert.deepEqual(rows(made).map(({ key }) => key), [rows(made)[0].key, 'seq-1', 'new', 'seq-2']);
});

test('one\'s own messages are sent, and read once somebody has read so far', () => {
  const made = room([message(1, 'ada', 0), message(2, 'ada', 1)], { ada: 2, bob: 1 });
  assert.deepEqual(rows(made).slice(1).map(({ look }) => look.state), ['read', 'sent']);
});

test('readers stand at the last message they have read, not under their own', () => {
  const made = room([message(1, 'ada', 0), message(2, 'bob', 1)], { ada: 2, bob: 2, eve: 1 });
  assert.deepEqual(rows(made).slice(1).map(({ look }) => look.readers), [['eve'], []]);
});

test('a message keeps its row when it goes from being sent to being stored', () => {
  const made = room([]);
  const pending = [{ key: 'k1', body: 'hello', at: at(0), state: 'sending' }];
  const before = rows(made, { pending }).at(-1);
  made.timeline.receive(message(1, 'ada', 0, { key: 'k1' }));
  const after = rows(made).at(-1);
  assert.deepEqual([before.key, before.look.state, after.key, after.look.state], ['key-k1', 'sending', 'key-k1', 'sent']);
});

test('a key of somebody else does not make two rows one', () => {
  const made = room([message(1, 'bob', 0, { key: 'same' }), message(2, 'eve', 1, { key: 'same' })]);
  assert.equal(new Set(rows(made).map(({ key }) => key)).size, 3);
});

test('an answer quotes what it answers, and says so when that is not known', () => {
  const made = room([message(5, 'bob', 0), message(6, 'eve', 1, { reply_to: 5 }), message(7, 'eve', 2, { reply_to: 1 })]);
  assert.deepEqual(rows(made).slice(2).map(({ look }) => look.quoted), [{ from: 'bob', body: 'm5', deleted: false }, null]);
});

const many = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => ({ seq: from + index }));

test('a window over thousands of messages stays small, wherever one goes', () => {
  const messages = many(1, 5_000);
  const view = new Window();
  view.toEnd(messages);
  assert.equal(view.slice(messages).at(-1).seq, 5_000);
  view.hold(messages);
  while (view.growUp(messages)) assert.ok(view.slice(messages).length <= ROWS_MAX);
  assert.equal(view.slice(messages)[0].seq, 1);
  while (view.growDown(messages)) assert.ok(view.slice(messages).length <= ROWS_MAX);
  assert.equal(view.slice(messages).at(-1).seq, 5_000);
  assert.equal(view.to, null, 'at the end it follows again');
});

test('older messages put in front do not move the window', () => {
  const view = new Window();
  view.toEnd(many(200, 300));
  view.hold(many(200, 300));
  const before = view.slice(many(200, 300)).map(({ seq }) => seq);
  assert.deepEqual(view.slice(many(100, 300)).map(({ seq }) => seq), before);
});

test('a window that follows the end lets the oldest rows go', () => {
  const view = new Window();
  view.toEnd(many(1, 100));
  view.trim(many(1, 400));
  assert.equal(view.slice(many(1, 400)).length, ROWS_MAX);
  assert.equal(view.slice(many(1, 400)).at(-1).seq, 400);
});

test('a window can be put around any message', () => {
  const messages = many(1, 1_000);
  const view = new Window();
  view.around(messages, 500);
  const shown = view.slice(messages);
  assert.ok(shown.length <= ROWS_MAX && shown.some(({ seq }) => seq === 500));
});
