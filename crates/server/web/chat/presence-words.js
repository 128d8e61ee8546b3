// How presence looks and reads, in one place for every view.

import { el } from '../shared/dom.js';
import { ago } from '../shared/words.js';

/** What a person can say of themselves. */
export const STATUSES = { available: 'Available', away: 'Away', dnd: 'Do not disturb', unavailable: 'Invisible' };

const SEEN_BY_OTHERS = { available: 'Available', away: 'Away', dnd: 'Do not disturb', unavailable: 'Not here' };

/** A dot whose shape, not only its colour, says the status. */
export function presenceDot(status) {
  return el('span', { class: `dot dot-${status}`, 'aria-hidden': 'true' });
}

/** `Available`, `Last seen 5 min ago`. */
export function presenceText(presence) {
  const { status = 'unavailable', lastSeen } = presence ?? {};
  if (status !== 'unavailable') return SEEN_BY_OTHERS[status];
  return lastSeen ? `Last seen ${ago(lastSeen)}` : SEEN_BY_OTHERS.unavailable;
}
