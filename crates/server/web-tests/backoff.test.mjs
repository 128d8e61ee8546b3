import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Backoff } from '../web/chat/backoff.js';

test('delays double up to a ceiling', () => {
  const backoff = new Backoff({ baseMs: 100, capMs: 1_000, random: () => 1 });
  assert.deepEqual([1, 2, 3, 4, 5, 6].map(() => backoff.next()), [100, 200, 400, 800, 1_000, 1_000]);
});

test('two clients that were cut at once do not come back at once', () => {
  const drawn = [0, 0.25, 0.5, 0.999].map((random) => new Backoff({ baseMs: 1_000, random: () => random }).next());
  assert.deepEqual(drawn, [500, 625, 750, 999.5]);
});

test('the wait a server asks for is kept, and jitter comes on top', () => {
  const backoff = new Backoff({ baseMs: 100, random: () => 0 });
  assert.equal(backoff.next(5_000), 5_050);
});

test('success starts over', () => {
  const backoff = new Backoff({ baseMs: 100, random: () => 1 });
  backoff.next();
  backoff.next();
  backoff.reset();
  assert.equal(backoff.next(), 100);
});
