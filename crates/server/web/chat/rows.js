// Which rows a window of messages makes: days, the line "new", messages in groups, and what is on
// its way. Pure: it says what to show, `view-timeline` shows it.

import { dayName, sameDay } from '../shared/words.js';

const GROUP_MS = 5 * 60_000;

/**
 * The rows, each `{key, type: day | new | message, message?, look?, text?}`. `shown` are the
 * messages of the window, `pending` what is on its way and follows them.
 */
export function rowsOf({ room, shown, pending, me, now = Date.now() }) {
  const items = [...shown, ...pending.map((item) => asMessage(item, me))];
  const rows = [];
  for (const [index, message] of items.entries()) {
    const before = items[index - 1];
    const after = items[index + 1];
    if (!before || !sameDay(before.at, message.at)) {
      rows.push({ key: `day-${new Date(message.at).toDateString()}`, type: 'day', text: dayName(message.at, now) });
    }
    const startsNew = message.seq !== undefined && message.seq === room.newFrom;
    if (startsNew) rows.push({ key: 'new', type: 'new' });
    rows.push({
      key: message.key && message.from === me ? `key-${message.key}` : `seq-${message.seq}`,
      type: 'message',
      message,
      look: {
        me,
        mine: message.from === me,
        opens: startsNew || !joins(before, message),
        closes: !joins(message, after) || after?.seq === room.newFrom,
        state: stateOf(message, room, me),
        problem: message.pending?.problem,
        readers: message.seq ? room.readersAt(message.seq, me).filter((name) => name !== message.from) : [],
        quoted: message.reply_to ? quotedFrom(room, message.reply_to) : null,
      },
    });
  }
  return rows;
}

/** Whether two messages are of one author in one breath. */
function joins(one, other) {
  return Boolean(one && other)
    && one.from === other.from
    && sameDay(one.at, other.at)
    && Math.abs(new Date(other.at) - new Date(one.at)) < GROUP_MS
    && !other.reply_to;
}

function asMessage(item, me) {
  const { key, body, reply_to: replyTo, at, state, problem } = item;
  return { key, body, reply_to: replyTo, at, from: me, pending: { state, problem } };
}

function stateOf(message, room, me) {
  if (message.pending) return message.pending.state;
  if (message.from !== me || message.deleted) return null;
  return room.isReadByOthers(message.seq, me) ? 'read' : 'sent';
}

function quotedFrom(room, seq) {
  const found = room.timeline.find(seq);
  return found ? { from: found.from, body: found.body, deleted: found.deleted === true } : null;
}
