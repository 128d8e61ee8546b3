import assert from 'node:assert/strict';
import { test } from 'node:test';

import { logWords } from '../web/console/log-words.js';
import { roster, rosterWords } from '../web/console/roster.js';
import { Samples, SPAN_MS, summary } from '../web/console/samples.js';
import { ticks } from '../web/console/scale.js';
import { ago, bytes, duration, latency, nameList, perSecond, short } from '../web/shared/words.js';

const T0 = Date.parse('2026-11-21T10:00:00.000Z');

function stats(second, { received = 0, uptime = 100 + second, cpu = 0, cache = {}, bus = {}, cluster = {} } = {}) {
  return {
    at: new Date(T0 + second * 1_000).toISOString(), uptime_seconds: uptime, version: '1', node: 'a', name: 'north',
    connections: { active: 2, opened_total: 0, closed_total: 0, rejected_total: 0 }, users_online: 1, rooms_active: 1,
    messages: { received_total: received, sent_total: 0, accepted_total: 0, rejected_total: 0, failed_total: 0 },
    delivery: { p50_seconds: null, p99_seconds: null }, http: { requests_total: 0, errors_total: 0 },
    store: { up: true, kind: 'postgres', operations_total: 0, errors_total: 0 },
    bus: { up: true, kind: 'redis', received_total: 0, published_total: 0, dropped_total: 0, lag_p50_seconds: null, lag_p99_seconds: null, ...bus },
    cache: { hits_total: 0, misses_total: 0, evictions_total: 0, ...cache }, cluster: { nodes: 3, nodes_expected: 3, ...cluster },
    memory_bytes: 1, cpu_seconds_total: cpu,
  };
}

test('totals become rates by the server\'s own clock', () => {
  const samples = new Samples();
  samples.add(stats(0, { received: 100, cpu: 1 }), 0);
  assert.equal(samples.latest.received, null, 'one total is no rate');
  samples.add(stats(2, { received: 150, cpu: 2 }), 2_400);
  assert.equal(samples.latest.received, 25);
  assert.equal(samples.latest.cpu, 0.5);
});

test('a restart is no negative rate', () => {
  const samples = new Samples();
  samples.add(stats(0, { received: 100 }), 0);
  samples.add(stats(1, { received: 3, uptime: 1 }), 1_000);
  assert.equal(samples.latest.received, null);
  samples.add(stats(2, { received: 8, uptime: 2 }), 2_000);
  assert.equal(samples.latest.received, 5);
});

test('a time without answers is a gap, and no rate is made across it', () => {
  const samples = new Samples();
  samples.add(stats(0, { received: 100 }), 0);
  samples.addGap(1_000);
  samples.add(stats(2, { received: 200 }), 2_000);
  assert.deepEqual(samples.list.map(({ values }) => values === null), [false, true, false]);
  assert.equal(samples.latest.received, null);
});

test('five minutes are kept', () => {
  const samples = new Samples();
  for (let second = 0; second <= 400; second += 1) samples.add(stats(second), second * 1_000);
  assert.equal(samples.list[0].at, 400_000 - SPAN_MS);
  assert.equal(samples.list.length, 301);
});

test('the cache is judged by its last minute', () => {
  const samples = new Samples();
  samples.add(stats(0, { cache: { hits_total: 1_000, misses_total: 0 } }), 0);
  assert.equal(samples.hitRatio(0), null, 'what was before says nothing of now');
  samples.add(stats(1, { cache: { hits_total: 1_001, misses_total: 3 } }), 1_000);
  assert.equal(samples.hitRatio(1_000), 0.25);
  assert.equal(samples.hitRatio(70_000), null);
});

const LISTED = [
  { node: 'a', name: 'north', self: true, alive: true, version: '1', since: '2026-11-21T09:00:00.000Z', connections: 9, users: 9 },
  { node: 'b', name: 'south', self: false, alive: true, version: '1', since: '2026-11-21T09:00:00.000Z', connections: 5, users: 4 },
  { node: 'c', name: 'west', self: false, alive: false, version: '1', since: '2026-11-21T09:00:00.000Z' },
];
const said = (seen) => seen.rows.map(({ name, state, connections }) => `${name} ${state} ${connections ?? '?'}`);

test('a node that is missed is told from one that is there', () => {
  const seen = roster(stats(0), LISTED, 0, 1_000);
  assert.deepEqual(said(seen), ['north alive 2', 'south alive 5', 'west missing ?']);
  assert.deepEqual(rosterWords(seen), { tone: 'down', words: '1 of 3 nodes is missing', note: 'west' });
});

test('a node that does not answer in time is alive, with counts nobody knows', () => {
  const [north, { connections: _, users: __, ...south }] = LISTED;
  const seen = roster(stats(0, { cluster: { nodes_expected: 2 } }), [north, south], 0, 1_000);
  assert.deepEqual(said(seen), ['north alive 2', 'south alive ?']);
  assert.deepEqual(rosterWords(seen), { tone: 'up', words: 'Both nodes are alive', note: '' });
});

test('a node that is expected and never came is missing too', () => {
  const seen = roster(stats(0), LISTED.slice(0, 2), 0, 1_000);
  assert.deepEqual(said(seen), ['north alive 2', 'south alive 5', 'never seen missing ?']);
  assert.equal(rosterWords(seen).words, '1 of 3 nodes is missing');
});

test('nothing is said of others while nobody can be asked', () => {
  const away = stats(0, { bus: { up: false } });
  assert.deepEqual(said(roster(away, LISTED, 0, 1_000)), ['north alive 2', 'south unknown ?', 'west unknown ?']);
  assert.deepEqual(said(roster(away, null, 0, 1_000)), ['north alive 2'], 'not even that there are some');
  assert.equal(rosterWords(roster(stats(0), null, 0, 1_000)).words, 'Asking the other nodes', 'at first');
  const old = roster(stats(0), LISTED, 0, 60_000);
  assert.deepEqual(rosterWords(old), { tone: 'unsure', words: 'Other nodes unknown', note: '3 expected' });
});

test('a node by itself is simply there', () => {
  const alone = roster(stats(0, { cluster: { nodes_expected: 1 } }), LISTED.slice(0, 1), 0, 1_000);
  assert.deepEqual(rosterWords(alone), { tone: 'up', words: 'Node is up', note: 'north' });
  assert.deepEqual(rosterWords(roster(stats(0, { cluster: { nodes_expected: 1 } }), null, 0, 0)), { tone: 'up', words: 'Node is up', note: 'north' });
});

test('of logs it is said how they fare, and nothing where none are shipped', () => {
  assert.equal(logWords(stats(0), null), null);
  const logs = { queue_bytes: 1_536, oldest_seconds: 0.4, sent_total: 10, dropped_total: 2, last_success_at: stats(57).at };
  const samples = new Samples();
  const said = (second, change) => {
    const answer = { ...stats(second), logs: { ...logs, ...change } };
    samples.add(answer, second * 1_000);
    return logWords(answer, samples.latest);
  };
  const note = '1.5 KiB wait, 2 dropped, last taken 3 s ago';
  assert.deepEqual(said(60, {}), { tone: 'up', words: 'Logs are shipped', note: `– sent, ${note}` });
  assert.deepEqual(said(61, { sent_total: 22 }).note, '12/s sent, 1.5 KiB wait, 2 dropped, last taken 4 s ago');
  assert.deepEqual(said(62, { oldest_seconds: 61, last_success_at: null }), { tone: 'down', words: 'Logs wait', note: '– sent, 1.5 KiB wait, 2 dropped, none taken yet' });
  assert.equal(said(63, { dropped_total: 9 }).words, 'Logs are dropped');
});

test('a summary leaves out what is not there', () => {
  const samples = [1, null, 5].map((value, index) => ({ at: index, values: value === null ? null : { value } }));
  assert.deepEqual(summary(samples, (one) => one.value), { least: 1, most: 5, mean: 3, now: 5 });
  assert.deepEqual(summary([], (one) => one.value), { least: null, most: null, mean: null, now: null });
});

test('ticks are round and hold the largest value', () => {
  assert.deepEqual(ticks(0), [0, 1]);
  assert.deepEqual(ticks(10, { wanted: 5 }), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(ticks(0.0047, { wanted: 3 }), [0, 0.002, 0.004, 0.006]);
  assert.deepEqual(ticks(58 * 1024 ** 2, { wanted: 3, binary: true }).map((tick) => tick / 1024 ** 2), [0, 32, 64]);
  for (const largest of [1e-6, 0.3, 1, 7, 99, 1234, 5e9]) {
    const found = ticks(largest);
    assert.ok(found.at(-1) >= largest && found.length <= 7, `${largest}: ${found}`);
  }
});

test('numbers are said as people say them', () => {
  assert.deepEqual([0, 9.876, 123.4, 12_345, 3_400_000, null].map(short), ['0', '9.88', '123', '12.3 k', '3.4 M', '–']);
  assert.deepEqual([0, 0.44, 7.04, 1234.5, null].map(perSecond), ['0/s', '0.4/s', '7/s', '1,235/s', '–']);
  assert.deepEqual([0, 0.00043, 0.0042, 1.3, null].map(latency), ['0 s', '430 µs', '4.2 ms', '1.3 s', '–']);
  assert.deepEqual([512, 1536, 12 * 1024 ** 2].map(bytes), ['512 B', '1.5 KiB', '12 MiB']);
  assert.deepEqual([0, 59, 3_700, 90_061].map(duration), ['0 s', '59 s', '1 h 1 min', '1 d 1 h']);
  assert.deepEqual([['ada'], ['ada', 'bob'], ['ada', 'bob', 'eve', 'kim']].map((names) => nameList(names)), ['ada', 'ada and bob', 'ada, bob and 2 others']);
});

test('a moment is said by its distance', () => {
  const now = new Date(2026, 10, 21, 15, 0).getTime();
  const before = (ms) => ago(now - ms, now);
  assert.deepEqual([5_000, 300_000, 2 * 3_600_000, 26 * 3_600_000].map(before), ['just now', '5 min ago', '2 h ago', 'yesterday']);
});
