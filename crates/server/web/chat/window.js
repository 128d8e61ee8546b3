// Which part of a timeline is on the page. Thousands of messages may be known; a page of rows around
// the reader is enough. Bounds are sequence numbers, so messages added in front do not move them.

export const ROWS_MAX = 180;
const STEP = 60;

/** A window over the messages of one timeline. */
export class Window {
  /** The first message shown. */
  from = 0;
  /** The last one shown; null while the window follows the end. */
  to = null;

  /** The messages in the window. */
  slice(messages) {
    const end = this.to === null ? messages.length : indexAbove(messages, this.to);
    return messages.slice(Math.max(indexAbove(messages, this.from - 1), 0), end);
  }

  /** Shows the end and follows it. */
  toEnd(messages) {
    this.to = null;
    this.from = messages[Math.max(0, messages.length - ROWS_MAX)]?.seq ?? 0;
  }

  /** Lets the rows in front go when the window follows the end and grows too long. */
  trim(messages) {
    if (this.to !== null) return;
    const start = indexAbove(messages, this.from - 1);
    if (messages.length - start > ROWS_MAX + STEP) this.from = messages[messages.length - ROWS_MAX].seq;
  }

  /** Stops following: the end of the window stays where it is. */
  hold(messages) {
    if (this.to === null) this.to = messages.at(-1)?.seq ?? null;
  }

  /** Shows a step more of what is known in front; whether there was any. */
  growUp(messages) {
    const start = indexAbove(messages, this.from - 1);
    if (start === 0) return false;
    const first = Math.max(0, start - STEP);
    this.from = messages[first].seq;
    const end = this.to === null ? messages.length : indexAbove(messages, this.to);
    if (end - first > ROWS_MAX) this.to = messages[first + ROWS_MAX - 1].seq;
    return true;
  }

  /** Shows a step more of what follows; whether there was any. */
  growDown(messages) {
    if (this.to === null) return false;
    const end = indexAbove(messages, this.to);
    if (end >= messages.length) {
      this.to = null;
      return false;
    }
    const last = Math.min(messages.length, end + STEP);
    this.to = last === messages.length ? null : messages[last - 1].seq;
    const start = indexAbove(messages, this.from - 1);
    if (last - start > ROWS_MAX) this.from = messages[last - ROWS_MAX].seq;
    return true;
  }

  /** Puts a message in the middle. */
  around(messages, seq) {
    const at = indexAbove(messages, seq - 1);
    const first = Math.max(0, at - ROWS_MAX / 2);
    const last = Math.min(messages.length, first + ROWS_MAX);
    this.from = messages[first]?.seq ?? 0;
    this.to = last === messages.length ? null : messages[last - 1].seq;
  }
}

/** The index of the first message with a number above `seq`. */
function indexAbove(messages, seq) {
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (messages[middle].seq > seq) high = middle;
    else low = middle + 1;
  }
  return low;
}
