import assert from 'node:assert/strict';
import { test } from 'node:test';

import { findLinks } from '../web/chat/links.js';

const links = (text) => findLinks(text).filter(({ href }) => href).map(({ text: shown }) => shown);

test('the parts together are the text', () => {
  for (const text of ['', 'no link', 'see https://a.example, and (http://b.example/x).', 'https://a.examplehttps://b.example', '💬 https://ü.example/ö?q=1#z !']) {
    assert.equal(findLinks(text).map((part) => part.text).join(''), text);
  }
});

test('punctuation after a link does not belong to it', () => {
  assert.deepEqual(links('See https://a.example/x. Or https://b.example/y?'), ['https://a.example/x', 'https://b.example/y']);
  assert.deepEqual(links('(https://a.example/x)'), ['https://a.example/x']);
  assert.deepEqual(links('https://a.example/Bell_(instrument)'), ['https://a.example/Bell_(instrument)']);
});

test('only http and https are links', () => {
  assert.deepEqual(links('javascript:alert(1) data:text/html,x ftp://a.example //a.example www.a.example'), []);
});

test('what looks like markup stays text', () => {
  const parts = findLinks('<a href="https://a.example">x</a>');
  assert.deepEqual(parts.map(({ text }) => text), ['<a href="', 'https://a.example', '">x</a>']);
});

test('what is no address is no link', () => {
  assert.deepEqual(links('https:// http://[ https://?'), []);
});

test('a long text without spaces is read in no time', () => {
  const began = performance.now();
  findLinks(`https://a.example/${')'.repeat(16_000)}`);
  findLinks('https://'.repeat(2_000));
  assert.ok(performance.now() - began < 1_000);
});
