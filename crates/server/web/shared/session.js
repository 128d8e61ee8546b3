// Who is signed in here. The token lives in localStorage when the person asks to stay signed in on
// this device, else in sessionStorage, where it ends with the tab and two tabs can be two people.
// Both are readable by this origin's scripts only, and the page's CSP allows no script but ours.

const KEY = 'campanile.session';

/** The kept session `{token, user, operator}`, or null. A tab's own session goes first. */
export function loadSession() {
  for (const storage of storages()) {
    const session = parse(storage.getItem(KEY));
    if (session) return session;
  }
  return null;
}

/** Keeps a session: on this device, or in this tab only. */
export function saveSession(session, { stay }) {
  clearSession();
  const text = JSON.stringify(session);
  const [tab, device] = storages();
  (stay ? device : tab)?.setItem(KEY, text);
}

/** Forgets the session everywhere. */
export function clearSession() {
  for (const storage of storages()) storage.removeItem(KEY);
}

/** Calls back when the session of this device ends in another tab. */
export function onSessionEnded(callback) {
  addEventListener('storage', (event) => {
    if (event.key === KEY && event.newValue === null && !loadSession()) callback();
  });
}

function storages() {
  try {
    return [sessionStorage, localStorage];
  } catch {
    return [];
  }
}

function parse(text) {
  try {
    const session = JSON.parse(text);
    return session?.token && session?.user ? session : null;
  } catch {
    return null;
  }
}
