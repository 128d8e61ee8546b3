// The chat page: shows the door or the rooms, and wires the parts together.

import { Api } from '../shared/api.js';
import { clearSession, loadSession, onSessionEnded } from '../shared/session.js';
import { askRegistration, showAuth } from '../shared/view-auth.js';
import { Actions } from './actions.js';
import { Connection } from './connection.js';
import { History } from './history.js';
import { Outbox } from './outbox.js';
import { Pushes } from './pushes.js';
import { Reads } from './reads.js';
import { Store } from './store.js';
import { Sync } from './sync.js';
import { Dialogs } from './view-dialogs.js';
import { Shell } from './view-shell.js';

const CLOSE_POLICY = 1008;
const ROOM_HASH = /^#\/room\/([a-z0-9._-]{1,64})$/;

const root = document.getElementById('app');
const session = loadSession();
if (session) chat(session);
else door(takeReason());

async function door(reason) {
  document.title = 'Campanile';
  showAuth(root, { onSession: chat, reason, registration: await askRegistration(), tagline: 'A square to meet on. A tower that watches over it.' });
}

function chat({ token, user }) {
  const api = new Api({ token });
  const store = new Store(user);
  const connection = new Connection({
    url: socketUrl(),
    token,
    onState: (state) => stateChanged(state),
    onReady: () => ready(),
    onEvent: (event) => sync.hear(event),
  });
  const outbox = new Outbox({
    send: (room, fields) => connection.request('send', { room, ...fields }),
    isOnline: () => connection.state.name === 'online',
    onChange: (room) => store.emit('outbox', { room }),
    onAccepted: (item, answer) => sync.accepted(item, answer),
    save: (items) => keepUnsent(user, items),
  });
  const reads = new Reads({ store, connection });
  const history = new History({ store, connection, outbox });
  const sync = new Sync({ store, connection, outbox, api, reads, history });
  const actions = new Actions({ store, connection, outbox, sync, history, reads, api });
  const pushes = new Pushes({ api, user });
  const dialogs = new Dialogs({ store, actions, open: (name) => openRoom(name) });
  let wasReady = false;

  const leave = async (reason) => {
    await pushes.turnOff().catch(() => {});
    await actions.signOut();
    clearSession();
    keepUnsent(user, []);
    // A fresh page is the one sure way to leave nothing of the visit behind.
    sessionStorage.setItem('campanile.reason', reason);
    location.assign('/');
  };

  function stateChanged(state) {
    store.setConnection(state);
    if (state.name === 'refused') leave('Your session has ended. Sign in again.');
    // Said by the server to those who are banned or signed out elsewhere: ask whether one still is in.
    if (state.closeCode === CLOSE_POLICY) api.get('/me').catch((error) => error.code === 'unauthenticated' && leave('You were signed out.'));
  }

  async function ready() {
    reads.again();
    try {
      await sync.ready();
    } catch (error) {
      if (error.code === 'unauthenticated') leave('Your session has ended. Sign in again.');
      return;
    }
    if (!wasReady) {
      wasReady = true;
      openRoom(firstRoom(store, user), { replace: true });
    }
  }

  function openRoom(name, { replace = false } = {}) {
    const hash = name ? `#/room/${name}` : '#';
    if (location.hash !== hash && !(name === null && location.hash === '')) globalThis.history[replace ? 'replaceState' : 'pushState'](null, '', hash);
    if (name) remember(user, name);
    actions.open(name);
  }

  new Shell({ root, store, outbox, actions, dialogs, pushes, onSignOut: () => leave('You are signed out.') });
  outbox.restore(unsent(user));
  store.on('active', () => {
    if (store.active && roomInAddress() !== store.active) openRoom(store.active);
    if (!store.active && roomInAddress()) globalThis.history.replaceState(null, '', '#');
  });
  addEventListener('popstate', () => store.isReady && actions.open(store.rooms.has(roomInAddress()) ? roomInAddress() : null));
  addEventListener('online', () => connection.retryNow());
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'visible') return;
    connection.retryNow();
    // Not having looked is no fault: the next look or the next hello finds them.
    if (wasReady && connection.state.name === 'online') sync.lookForRooms().catch(() => {});
  });
  pushes.onOpen((room) => store.rooms.has(room) && openRoom(room));
  // Not having told the server is no fault: the next visit does.
  pushes.renew().catch(() => {});
  onSessionEnded(() => location.assign('/'));
  connection.start();
}

/** Why the last visit ended, said once. */
function takeReason() {
  const reason = sessionStorage.getItem('campanile.reason') ?? '';
  sessionStorage.removeItem('campanile.reason');
  return reason;
}

function socketUrl() {
  return `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}/ws`;
}

function roomInAddress() {
  return ROOM_HASH.exec(location.hash)?.[1] ?? null;
}

/** The room in the address, else the one open last time, else the first. */
function firstRoom(store, user) {
  const { rooms, direct } = store.ordered;
  const wishes = [roomInAddress(), localStorage.getItem(`campanile.last.${user}`), rooms[0]?.name, direct[0]?.name];
  return wishes.find((name) => name && store.rooms.has(name)) ?? null;
}

function remember(user, name) {
  localStorage.setItem(`campanile.last.${user}`, name);
}

/** What was not sent yet survives a reload of this tab. */
function keepUnsent(user, items) {
  const kept = items.map(({ key, room, body, reply_to: replyTo, at, state, problem }) => ({ key, room, body, reply_to: replyTo, at, state, problem }));
  sessionStorage.setItem(`campanile.unsent.${user}`, JSON.stringify(kept));
}

function unsent(user) {
  try {
    return JSON.parse(sessionStorage.getItem(`campanile.unsent.${user}`)) ?? [];
  } catch {
    return [];
  }
}
