// What stands where there is nothing yet: a first visit, no room open, a room without messages.

import { el } from '../shared/dom.js';
import { icon, mark } from '../shared/icons.js';
import { count } from '../shared/words.js';

/** The beginning of a room: what it is, and what to do when nobody has spoken. */
export function emptyRoom(room, { hasMessages }) {
  const isDirect = room.kind === 'direct';
  const what = isDirect
    ? `This is the beginning of your conversation with ${room.title}.`
    : `This is the beginning of #${room.title}.`;
  const hint = hasMessages ? '' : isDirect ? 'Write the first line below.' : 'Nobody has spoken yet. Ring the first bell.';
  return el('div', { class: `beginning${hasMessages ? '' : ' alone'}` },
    el('span', { class: 'beginning-mark' }, mark()),
    el('h2', {}, isDirect ? room.title : `#${room.title}`),
    el('p', {}, what, ' ', hint),
  );
}

/** What one sees with no room open; `dialogs` opens what the cards lead to. */
export function welcome({ store, dialogs }) {
  const isFirst = store.rooms.size === 0;
  const card = (name, title, text, run) => el('button', { type: 'button', class: 'card', onclick: run },
    el('span', { class: 'card-icon' }, icon(name)), el('strong', {}, title), el('span', {}, text));
  return el('section', { class: 'welcome', 'aria-labelledby': 'welcome-title' },
    el('span', { class: 'welcome-mark' }, mark()),
    el('h1', { id: 'welcome-title' }, isFirst ? `Welcome, ${store.me}` : 'Where to?'),
    el('p', {}, isFirst
      ? 'The square is quiet. Begin a room, look around for one, or write to somebody you know.'
      : store.unreadRooms > 0 ? `${count(store.unreadRooms, 'room has', 'rooms have')} something new for you.` : 'Choose a room on the left, or begin something new.'),
    el('div', { class: 'cards' },
      card('plus', 'Create a room', 'Public for everyone here, or private for those you invite.', () => dialogs.createRoom()),
      card('compass', 'Browse rooms', 'See the public rooms and join one.', () => dialogs.browse()),
      card('message', 'Message someone', 'A direct conversation between two.', () => dialogs.direct()),
    ),
    el('p', { class: 'keys' }, el('kbd', {}, 'Ctrl'), ' ', el('kbd', {}, 'K'), ' or ', el('kbd', {}, '/'), ' jumps to any room; ', el('kbd', {}, 'Alt'), ' ', el('kbd', {}, '↑'), ' ', el('kbd', {}, '↓'), ' goes through them.'),
  );
}
