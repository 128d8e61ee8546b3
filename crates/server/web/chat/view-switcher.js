// The quick switch: type a part of a name, go there with Enter.

import { avatar } from '../shared/avatar.js';
import { el, setText } from '../shared/dom.js';
import { openDialog } from '../shared/dialog.js';
import { icon } from '../shared/icons.js';

const SHOWN_MAX = 12;
const NAME = /^[a-z0-9._-]{1,64}$/;

/** Opens the quick switch. */
export function openSwitcher({ store, actions, dialogs }) {
  const input = el('input', {
    type: 'text', class: 'switcher-input', role: 'combobox', placeholder: 'A room or a person', autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false',
    'aria-label': 'Jump to a room or a person', 'aria-expanded': 'true', 'aria-controls': 'switcher-list', 'aria-autocomplete': 'list',
  });
  const nothing = el('p', { class: 'hint', role: 'status' });
  const list = el('ul', { id: 'switcher-list', role: 'listbox', 'aria-label': 'Rooms and people', class: 'switcher-list' });
  const { close } = openDialog({ title: 'Jump to…', className: 'switcher', content: el('div', { class: 'dialog-body' }, input, nothing, list) });
  let found = [];
  let chosen = 0;
  let publicRooms = [];

  const run = async (item) => {
    close();
    try {
      await item.run();
    } catch (error) {
      store.notice(error.message, 'warn');
    }
  };
  const show = () => {
    chosen = Math.max(0, Math.min(chosen, found.length - 1));
    list.replaceChildren(...found.map((item, index) => el('li', {
      id: `switch-${index}`, role: 'option', 'aria-selected': String(index === chosen), onclick: () => run(item),
    }, item.face, el('span', { class: 'room-name' }, item.title), el('span', { class: 'hint' }, item.hint))));
    list.hidden = found.length === 0;
    setText(nothing, found.length > 0 ? '' : input.value === '' ? 'Type a name to find a room or a person.' : 'Nothing has that name, and nothing can.');
    if (found.length > 0) input.setAttribute('aria-activedescendant', `switch-${chosen}`);
    else input.removeAttribute('aria-activedescendant');
    list.children[chosen]?.scrollIntoView({ block: 'nearest' });
  };
  const search = () => {
    found = candidates({ store, actions, dialogs, publicRooms, wanted: input.value.trim().toLowerCase() });
    chosen = 0;
    show();
  };
  input.addEventListener('input', search);
  input.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      chosen = (chosen + step + found.length) % Math.max(1, found.length);
      show();
    } else if (event.key === 'Enter' && !event.isComposing) {
      event.preventDefault();
      if (found[chosen]) run(found[chosen]);
    }
  });
  search();
  input.focus();
  actions.listRooms().then((rooms) => {
    publicRooms = rooms.filter((room) => room.kind === 'public');
    search();
  }).catch(() => {
    // One's own rooms are still there to jump to.
  });
}

/** What the text may mean: one's rooms, the unread first; public rooms; a person; a new room. */
function candidates({ store, actions, dialogs, publicRooms, wanted }) {
  const own = [...store.rooms.values()]
    .filter((room) => room.title.includes(wanted) && (wanted !== '' || room.name !== store.active))
    .sort((one, other) => rank(other, wanted) - rank(one, wanted) || one.title.localeCompare(other.title))
    .map((room) => ({
      title: room.title, hint: room.unread > 0 ? `${room.unread} new` : '', run: () => dialogs.open(room.name),
      face: room.kind === 'direct' ? avatar(room.title, 'small') : icon(room.kind === 'private' ? 'lock' : 'hash'),
    }));
  const others = publicRooms
    .filter((room) => !store.rooms.has(room.name) && wanted !== '' && room.name.includes(wanted))
    .map((room) => ({ title: room.name, hint: 'Join', face: icon('hash'), run: () => actions.joinRoom(room.name) }));
  const items = [...own, ...others].slice(0, SHOWN_MAX);
  const hasPeer = own.some((item) => item.title === wanted);
  if (NAME.test(wanted) && wanted !== store.me) {
    if (!hasPeer) items.push({ title: wanted, hint: 'Send a message', face: icon('message'), run: () => actions.openDirect(wanted) });
    if (!store.rooms.has(wanted) && !publicRooms.some((room) => room.name === wanted)) {
      items.push({ title: wanted, hint: 'Create this room', face: icon('plus'), run: () => dialogs.createRoom(wanted) });
    }
  }
  return items;
}

function rank(room, wanted) {
  return (room.unread > 0 ? 2 : 0) + (wanted !== '' && room.title.startsWith(wanted) ? 4 : 0);
}
