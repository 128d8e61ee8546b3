import assert from 'node:assert/strict';
import { test } from 'node:test';

import { changes, origins, title } from '../web/console/app-settings.js';
import { EventReader, EventStream } from '../web/console/event-stream.js';
import { Passing, REMEMBERED, about, kindWords } from '../web/console/passing.js';
import { Refresher } from '../web/console/refresher.js';
import { address, read } from '../web/console/sections.js';

const event = (channel, name = 'sold') => ({ kind: 'event', channel, event: name, data: 'x' });
const channels = (passing, text = '') => passing.seen(text).map(({ channel }) => channel);

test('the newest passes first, and only so many are remembered', () => {
  const passing = new Passing();
  for (let number = 0; number < REMEMBERED + 3; number += 1) passing.add(event(`c${number}`));
  assert.equal(passing.seen('').length, REMEMBERED);
  assert.deepEqual(channels(passing).slice(0, 2), [`c${REMEMBERED + 2}`, `c${REMEMBERED + 1}`]);
  assert.equal(channels(passing).at(-1), 'c3');
});

test('while it is paused nothing moves, and what came is seen afterwards', () => {
  const passing = new Passing();
  passing.add(event('before'));
  passing.pause();
  for (let number = 0; number < REMEMBERED + 9; number += 1) passing.add(event(`c${number}`));
  assert.deepEqual(channels(passing), ['before']);
  assert.equal(passing.waiting, REMEMBERED + 9, 'those that were not kept are counted too');
  passing.resume();
  assert.equal(passing.waiting, 0);
  assert.equal(channels(passing)[0], `c${REMEMBERED + 8}`);
  assert.equal(passing.seen('').length, REMEMBERED);
});

test('clearing forgets also what waits', () => {
  const passing = new Passing();
  passing.pause();
  passing.add(event('held'));
  passing.clear();
  passing.resume();
  assert.deepEqual(passing.seen(''), []);
});

test('a filter goes by channel and event, and never hides that something was missed', () => {
  const passing = new Passing();
  for (const passed of [event('news', 'Sold'), event('presence-room', 'moved'), { kind: 'missed', count: 7 }]) passing.add(passed);
  assert.deepEqual(passing.seen(' SOLD ').map(({ kind }) => kind), ['missed', 'event']);
  assert.deepEqual(channels(passing, 'room'), [undefined, 'presence-room']);
  assert.deepEqual(passing.seen('nothing').map(({ kind }) => kind), ['missed']);
});

test('each kind has its words', () => {
  assert.equal(about({ kind: 'missed', count: 1234 }), `${(1234).toLocaleString()} passed too fast to be shown`);
  assert.equal(about({ kind: 'client_event', user: 'ada' }), 'by ada');
  assert.equal(about({ kind: 'subscribed', user: 'ada', socket_id: '1.2' }), 'ada, connection 1.2');
  assert.equal(about({ kind: 'member_added', user: '' }), '', 'a member may have an empty name');
  assert.equal(about({ kind: 'webhook', url: 'https://a.example' }), 'to https://a.example');
  assert.equal(kindWords({ kind: 'of a later server' }), 'of a later server');
});

test('a stream is read in whatever pieces it comes', () => {
  const text = 'event: passed\ndata: {"a":"x: y"}\n\n:\n\nevent: missed\ndata: {"count":2}\n\n';
  const whole = [{ name: 'passed', data: { a: 'x: y' } }, { name: 'missed', data: { count: 2 } }];
  assert.deepEqual(new EventReader().feed(text), whole);
  const reader = new EventReader();
  assert.deepEqual([...text].flatMap((letter) => reader.feed(letter)), whole);
});

test('a stream that ends or is refused is asked for again, until it is closed', async () => {
  const encoder = new TextEncoder();
  let asked = 0;
  const api = {
    stream: async () => {
      asked += 1;
      if (asked === 1) throw new Error('as many operators watch as may');
      return new Response(encoder.encode('event: passed\ndata: {"number":1}\n\n'));
    },
  };
  const [states, events] = [[], []];
  await new Promise((resolve) => {
    const stream = new EventStream({
      api, path: '/x', againMs: 1, onEvent: ({ data }) => events.push(data.number),
      onState: (state, error) => {
        states.push(error ? `${state}: ${error.message}` : state);
        if (asked === 2 && state === 'away') {
          stream.close();
          resolve();
        }
      },
    });
  });
  assert.deepEqual(states, ['connecting', 'away: as many operators watch as may', 'connecting', 'live', 'away: The server has ended the stream.']);
  assert.deepEqual(events, [1]);
  await new Promise((resolve) => { setTimeout(resolve, 20); });
  assert.equal(asked, 2);
});

test('what an earlier question is answered comes too late', async () => {
  const [answers, shown] = [[], []];
  const refresher = new Refresher({ ask: () => new Promise((resolve) => answers.push(resolve)), show: (answer) => shown.push(answer), fail: assert.fail });
  const first = refresher.open();
  const second = refresher.open();
  answers[1]('new');
  answers[0]('old');
  await Promise.all([first, second]);
  refresher.close();
  assert.deepEqual(shown, ['new']);
});

test('a failure is told, and it is asked again', async () => {
  const failures = [];
  const refresher = new Refresher({ ask: () => Promise.reject(new Error('away')), show: assert.fail, fail: ({ message }) => failures.push(message) });
  await refresher.open();
  refresher.close();
  assert.deepEqual(failures, ['away']);
});

test('an address says which section, and about what', () => {
  assert.deepEqual(read(''), { name: '', argument: '' });
  assert.deepEqual(read(address('debug', '1001')), { name: 'debug', argument: '1001' });
  assert.deepEqual(read(`${address('debug', '1001')}/${encodeURIComponent('#server-to-user-ä/b')}`), { name: 'debug', argument: '1001/#server-to-user-ä/b' });
  assert.deepEqual(read('#debug/%E0%A4%A'), { name: 'debug', argument: '' });
});

const SHOP = {
  name: 'Shop',
  settings: { client_messages: true, tls_only: false, allowed_origins: ['https://a.example'], webhooks: [], limits: { connections_max: 0, cache_seconds: 7.5 } },
};
const wanted = (change) => ({ name: 'Shop', switches: { client_messages: true, tls_only: false }, origins: ['https://a.example'], limits: { connections_max: 0, cache_seconds: 7.5 }, ...change });

test('only what differs is sent, so that what others change stays', () => {
  assert.equal(changes(SHOP, wanted({})), null);
  assert.deepEqual(changes(SHOP, wanted({ name: 'The shop' })), { name: 'The shop' });
  assert.deepEqual(changes(SHOP, wanted({ limits: { connections_max: 500, cache_seconds: 7.5 } })), { settings: { limits: { connections_max: 500 } } });
  assert.deepEqual(changes(SHOP, wanted({ switches: { client_messages: false, tls_only: false } })), { settings: { client_messages: false } });
  assert.deepEqual(changes(SHOP, wanted({ origins: [] })), { settings: { allowed_origins: [] } });
});

test('origins stand on lines of their own, or between blanks', () => {
  assert.deepEqual(origins(' https://a.example\n\nhttps://b.example \t https://c.example\n'), ['https://a.example', 'https://b.example', 'https://c.example']);
  assert.deepEqual(origins(' \n'), []);
});

test('a limit is named for people, with its unit', () => {
  assert.equal(title('event_data_bytes_max'), 'Event data, bytes at most');
  assert.equal(title('connections_max'), 'Connections, at most');
  assert.equal(title('cache_seconds'), 'Cache, seconds');
  assert.equal(title('client_events_per_second'), 'Client events per second');
});
