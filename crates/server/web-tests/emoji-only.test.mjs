import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isEmojiOnly } from '../web/chat/emoji-only.js';

test('a few emoji are shown large, whatever they are made of', () => {
  for (const text of ['👍', '❤️', '👍🏽', '🇮🇹', '👨‍👩‍👧', '👩‍❤️‍👨', '☕🥐', '🔔 🎉 ✨']) assert.ok(isEmojiOnly(text), text);
});

test('anything else is not', () => {
  for (const text of ['', ' ', 'a', '1', '👍 yes', '👍👍👍👍', '#', '🇮']) assert.ok(!isEmojiOnly(text), text);
});

test('no text takes long to look at', () => {
  const began = performance.now();
  assert.ok(!isEmojiOnly(`${'👩‍❤️'.repeat(4_000)}x`));
  assert.ok(!isEmojiOnly(`${'👩‍❤️'.repeat(11)}x`));
  assert.ok(performance.now() - began < 1_000);
});
