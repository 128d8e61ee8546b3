// The operator's page: signs in, polls, and draws.

import { Api } from '../shared/api.js';
import { el } from '../shared/dom.js';
import { mark } from '../shared/icons.js';
import { clearSession, loadSession } from '../shared/session.js';
import { showAuth } from '../shared/view-auth.js';
import { Poller } from './poller.js';
import { Samples } from './samples.js';
import { Board } from './view-board.js';

/** So long an answer may take before the server counts as away. */
const PATIENCE_MS = 10_000;

const root = document.getElementById('app');
const session = loadSession();
if (session) watch(session);
else door();

function door(reason) {
  showAuth(root, { onSession: watch, reason, registration: null, tagline: 'The view from the tower is for its keepers.' });
}

function watch({ token, user }) {
  const api = new Api({ token, patienceMs: PATIENCE_MS });
  const samples = new Samples();
  let board = null;
  // The board is built by the first answer, so that somebody who may not see it never does.
  const shown = () => (board ??= new Board({ root, api, user, onSignOut: () => signOut(api, poller) }));
  const poller = new Poller({
    api,
    onStats: (stats) => {
      samples.add(stats, Date.now());
      shown().showStats(stats, samples);
    },
    onTables: (tables) => shown().showTables(tables),
    onGap: () => {
      samples.addGap(Date.now());
      shown().draw(samples);
    },
    onState: (state) => {
      if (state === 'forbidden' || state === 'signed-out') board?.end();
      if (state === 'forbidden') forbidden(user, api, poller);
      else if (state === 'signed-out') {
        clearSession();
        door('Your session has ended. Sign in again.');
      } else shown().showState(state);
    },
  });
  root.replaceChildren(el('p', { class: 'log-note', role: 'status' }, el('span', { class: 'spinner' }), 'Climbing the tower…'));
  poller.start();
}

function forbidden(user, api, poller) {
  root.replaceChildren(el('main', { class: 'forbidden' },
    el('span', { class: 'welcome-mark' }, mark()),
    el('h1', {}, 'For operators only'),
    el('p', {}, `You are signed in as ${user}, who is not an operator of this server. The first account of a server is one; more are made with `, el('code', {}, 'campanile user add NAME --operator'), '.'),
    el('div', { class: 'dialog-actions' },
      el('a', { class: 'button primary', href: '/' }, 'Back to the chat'),
      el('button', { type: 'button', class: 'button', onclick: () => signOut(api, poller) }, 'Sign in as somebody else')),
  ));
}

async function signOut(api, poller) {
  poller.stop();
  await api.post('/logout').catch(() => {});
  clearSession();
  location.assign('/console');
}
