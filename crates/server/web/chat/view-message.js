// One message as a row: bubble, quote, reactions, state, and who has read up to here.

import { avatar } from '../shared/avatar.js';
import { el } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import { exactTime, nameList, timeOfDay } from '../shared/words.js';
import { isEmojiOnly } from './emoji-only.js';
import { findLinks } from './links.js';

const READERS_SHOWN = 5;

const STATES = {
  queued: { icon: 'clock', text: 'Waiting for the connection' },
  sending: { icon: 'clock', text: 'Sending' },
  waiting: { icon: 'clock', text: 'The server is busy; sending again soon' },
  sent: { icon: 'check', text: 'Sent' },
  read: { icon: 'checks', text: 'Read' },
  failed: { icon: 'alert', text: 'Not sent' },
};

/**
 * What decides how a row looks; rows are made again only where this differs.
 * `mine`, `opens` and `closes` (a group of messages of one author), `state`, `readers`, `quoted`.
 */
export function signature(message, look) {
  const { body, edited_at: edited, deleted, reactions, seq } = message;
  return JSON.stringify([seq, body, edited, deleted, reactions, look]);
}

/** The row of a message, or of one on its way. */
export function messageRow(message, look) {
  const { mine, opens, closes } = look;
  const classes = ['message', mine ? 'mine' : 'theirs', opens && 'opens', closes && 'closes', look.state === 'failed' && 'failed'];
  const row = el('li', {
    class: classes.filter(Boolean).join(' '),
    tabindex: '-1',
    'data-seq': message.seq ?? null,
    'data-key': message.seq ? null : message.key,
    'data-state': look.state ?? null,
  });
  if (!mine) row.append(opens ? avatar(message.from) : el('span', { class: 'avatar-space' }));
  const content = el('div', { class: 'message-content' },
    byline(message, look),
    message.reply_to ? quote(message.reply_to, look.quoted) : null,
    bubble(message, look),
    reactionList(message, look.me),
    look.state === 'failed' && failure(look.problem),
    look.readers?.length > 0 && readers(look.readers),
  );
  row.append(content);
  return row;
}

/** A line between days. */
export function dayRow(name) {
  return el('li', { class: 'divider', 'data-divider': 'day' }, el('span', {}, name));
}

/** The line above the first unread message. */
export function newRow() {
  return el('li', { class: 'divider new', 'data-divider': 'new' }, el('span', {}, 'New'));
}

function byline(message, { mine, opens }) {
  const name = mine ? 'You' : message.from;
  const shown = opens && !mine;
  return el('span', { class: shown ? 'byline' : 'sr-only' }, name, el('span', { class: 'sr-only' }, ': '));
}

function bubble(message, look) {
  const big = !message.deleted && isEmojiOnly(message.body);
  return el('div', { class: `bubble${big ? ' big' : ''}${message.deleted ? ' gone' : ''}` },
    message.deleted ? el('p', { class: 'body' }, 'This message was taken back.') : body(message.body),
    el('span', { class: 'meta' },
      message.edited_at && !message.deleted && el('span', { class: 'edited', title: `Edited ${exactTime(message.edited_at)}` }, 'edited'),
      el('time', { datetime: message.at, title: exactTime(message.at) }, timeOfDay(message.at)),
      look.state && stateMark(look.state),
    ),
  );
}

function body(text) {
  const parts = findLinks(text).map((part) => (part.href
    ? el('a', { href: part.href, target: '_blank', rel: 'noopener noreferrer nofollow' }, part.text)
    : part.text));
  return el('p', { class: 'body', dir: 'auto' }, ...parts);
}

function stateMark(state) {
  const known = STATES[state];
  return el('span', { class: `state state-${state}`, title: known.text }, icon(known.icon), el('span', { class: 'sr-only' }, known.text));
}

function quote(seq, quoted) {
  const text = quoted?.deleted ? 'A message that was taken back' : (quoted?.body ?? 'An earlier message');
  return el('button', { type: 'button', class: 'quote', 'data-action': 'reveal', 'data-target': seq, tabindex: '-1' },
    el('span', { class: 'sr-only' }, 'In answer to '),
    quoted && el('strong', {}, quoted.from),
    el('span', { class: 'quote-text' }, text.slice(0, 140)),
  );
}

function reactionList(message, me) {
  const reactions = message.reactions ?? [];
  if (reactions.length === 0) return null;
  return el('div', { class: 'reactions' }, reactions.map(({ emoji, users }) => {
    const mine = users.includes(me);
    const names = nameList(users.map((name) => (name === me ? 'you' : name)), 4);
    return el('button', {
      type: 'button', class: 'reaction', tabindex: '-1', title: names,
      'aria-pressed': String(mine), 'aria-label': `${emoji}, ${users.length}: ${names}`,
      'data-action': 'react', 'data-emoji': emoji,
    }, el('span', { class: 'emoji' }, emoji), el('span', {}, String(users.length)));
  }));
}

function failure(problem) {
  return el('p', { class: 'failure' },
    el('span', {}, `Not sent. ${problem ?? ''}`), ' ',
    el('button', { type: 'button', class: 'link-button', 'data-action': 'retry' }, 'Try again'), ' ',
    el('button', { type: 'button', class: 'link-button', 'data-action': 'discard' }, 'Throw away'),
  );
}

function readers(names) {
  return el('div', { class: 'readers', title: `Read by ${nameList(names, 10)}` },
    el('span', { class: 'sr-only' }, `Read by ${nameList(names, 10)}`),
    names.slice(0, READERS_SHOWN).map((name) => avatar(name, 'tiny')),
    names.length > READERS_SHOWN && el('span', { class: 'more', 'aria-hidden': 'true' }, `+${names.length - READERS_SHOWN}`),
  );
}
