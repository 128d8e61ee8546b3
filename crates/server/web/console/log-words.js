// What becomes of log lines on their way to Loki, in a few words.

import { bytes, duration, perSecond, short } from '../shared/words.js';

/** Longer than this no line waits while all is well. */
const LATE_SECONDS = 60;

/** How the logs fare: `{tone, words, note}`; null where none are shipped. `now` are the newest rates. */
export function logWords({ logs, at }, now) {
  if (!logs) return null;
  const age = logs.last_success_at === null ? null : (new Date(at) - new Date(logs.last_success_at)) / 1000;
  const note = [
    `${perSecond(now?.logsSent)} sent`,
    `${bytes(logs.queue_bytes)} wait`,
    `${short(logs.dropped_total)} dropped`,
    age === null ? 'none taken yet' : `last taken ${duration(age)} ago`,
  ].join(', ');
  if (now?.logsDropped > 0) return { tone: 'down', words: 'Logs are dropped', note };
  if (logs.oldest_seconds > LATE_SECONDS) return { tone: 'down', words: 'Logs wait', note };
  return { tone: 'up', words: 'Logs are shipped', note };
}
