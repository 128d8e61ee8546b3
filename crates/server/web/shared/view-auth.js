// The door: sign in, or make an account and be signed in at once.

import { Api } from './api.js';
import { el, field, setText } from './dom.js';
import { mark } from './icons.js';
import { saveSession } from './session.js';
import { themeButton } from './theme.js';

const NAME = /^[a-z0-9._-]{1,64}$/;
const PASSWORD_MIN = 8;
const KNOWN = 'campanile.known';
/** How an invitation is linked to: what is behind # is not sent to the server, so no log has it. */
const INVITE_HASH = /^#invite=([A-Za-z0-9_-]{1,64})$/;
/** So long the server may take to say who may make an account. */
const PATIENCE_MS = 3_000;

const WORDS = {
  in: { title: 'Welcome back', action: 'Sign in', other: 'New here?', switch: 'Make an account' },
  up: { title: 'Come to the square', action: 'Make account', other: 'Have an account?', switch: 'Sign in' },
};

/** Who may make an account here; where the server does not say, one may try. */
export async function askRegistration() {
  const { registration } = await new Api({ patienceMs: PATIENCE_MS }).get('/registration').catch(() => ({ registration: 'open' }));
  return registration;
}

/**
 * Fills `root` with the door and calls `onSession(session)` once somebody is in.
 * `reason` says why one is here again; `registration` is who may make an account: `open`, `closed`,
 * `invite`, or null to leave it out.
 */
export function showAuth(root, { onSession, reason = '', registration, tagline }) {
  const allowSignUp = registration === 'open' || registration === 'invite';
  const code = (registration === 'invite' && INVITE_HASH.exec(location.hash)?.[1]) || '';
  // Who was never signed in here is more likely to be new than to be back; but not uninvited.
  const isNew = registration === 'invite' ? code !== '' : !localStorage.getItem(KNOWN);
  let mode = allowSignUp && isNew ? 'up' : 'in';
  const name = el('input', {
    name: 'name', type: 'text', autocomplete: 'username', autocapitalize: 'none',
    spellcheck: 'false', maxlength: '64', required: true,
  });
  const password = el('input', {
    name: 'password', type: 'password', autocomplete: 'current-password', maxlength: '256', required: true,
  });
  const nameField = field({ label: 'Name', input: name, hint: 'Lower-case letters, digits, dot, hyphen and underscore.' });
  const passwordField = field({ label: 'Password', input: password, hint: `At least ${PASSWORD_MIN} characters.` });
  const invite = el('input', { name: 'invite', type: 'text', autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', maxlength: '300', value: code });
  const inviteField = field({ label: 'Invitation', input: invite, hint: 'Accounts are made by invitation here: the code somebody sent you.' });
  const stay = el('input', { type: 'checkbox', name: 'stay', id: 'stay', checked: true });
  const title = el('h1', { class: 'auth-title' });
  const submit = el('button', { type: 'submit', class: 'button primary wide' });
  const failure = el('p', { class: 'form-error', role: 'alert' });
  const swap = el('button', { type: 'button', class: 'link-button' });
  const question = el('span');

  const show = () => {
    setText(title, WORDS[mode].title);
    setText(submit, WORDS[mode].action);
    setText(question, WORDS[mode].other);
    setText(swap, WORDS[mode].switch);
    password.autocomplete = mode === 'in' ? 'current-password' : 'new-password';
    form.classList.toggle('signing-in', mode === 'in');
    inviteField.root.hidden = !(registration === 'invite' && mode === 'up');
    for (const { complain } of [nameField, passwordField, inviteField]) complain('');
    setText(failure, '');
  };

  const form = el('form', { class: 'auth-form', novalidate: true },
    title,
    reason && el('p', { class: 'notice', role: 'status' }, reason),
    nameField.root,
    passwordField.root,
    inviteField.root,
    el('div', { class: 'check' },
      stay,
      el('label', { for: 'stay' }, 'Stay signed in on this device'),
      el('p', { class: 'hint' }, 'Off: the sign-in ends with this tab, and another tab can be somebody else.'),
    ),
    failure,
    submit,
    allowSignUp && el('p', { class: 'auth-swap' }, question, ' ', swap),
    registration === 'closed' && el('p', { class: 'auth-swap' }, 'New here? Ask the operator of this server for an account.'),
  );

  swap.addEventListener('click', () => {
    mode = mode === 'in' ? 'up' : 'in';
    show();
    name.focus();
  });

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    name.value = name.value.trim().toLowerCase();
    invite.value = codeIn(invite.value);
    const uninvited = !inviteField.root.hidden && invite.value === '';
    inviteField.complain(uninvited ? 'Paste the code of your invitation.' : '');
    if (!complainAbout({ name: name.value, password: password.value, mode, nameField, passwordField }) || uninvited) {
      (form.querySelector('[aria-invalid="true"]') ?? name).focus();
      return;
    }
    submit.disabled = true;
    setText(failure, '');
    try {
      const session = await enter(mode, { name: name.value, password: password.value }, invite.value);
      saveSession(session, { stay: stay.checked });
      localStorage.setItem(KNOWN, 'yes');
      onSession(session);
    } catch (error) {
      setText(failure, words(error, mode, registration));
      password.focus();
    } finally {
      submit.disabled = false;
    }
  });

  root.replaceChildren(
    el('div', { class: 'auth' },
      el('div', { class: 'auth-scene' },
        el('img', { src: new URL('./tower.svg', import.meta.url).pathname, alt: '', class: 'auth-tower' }),
        el('p', { class: 'auth-tagline' }, tagline),
      ),
      el('main', { class: 'auth-main' },
        el('div', { class: 'auth-top' }, el('span', { class: 'wordmark' }, mark(), 'Campanile'), themeButton()),
        form,
      ),
    ),
  );
  show();
  name.focus();
}

async function enter(mode, credentials, invite) {
  const api = new Api();
  if (mode === 'up') await api.post('/users', invite === '' ? credentials : { ...credentials, invite });
  const { token, user } = await api.post('/login', credentials);
  return { token, user: user.name };
}

function complainAbout({ name, password, mode, nameField, passwordField }) {
  const badName = NAME.test(name) ? '' : name === '' ? 'Say who you are.' : 'Only a–z, 0–9, dot, hyphen and underscore, without spaces.';
  const short = mode === 'up' && password.length < PASSWORD_MIN;
  const badPassword = password === '' ? 'A password is needed.' : short ? `At least ${PASSWORD_MIN} characters.` : '';
  nameField.complain(badName);
  passwordField.complain(badPassword);
  return badName === '' && badPassword === '';
}

/** The code in what was pasted, be it the whole link. */
function codeIn(text) {
  return text.trim().replace(/^.*#invite=/, '');
}

function words(error, mode, registration) {
  switch (error.code) {
    case 'unauthenticated':
      return 'That name and password do not go together.';
    case 'conflict':
      return 'That name is taken. Sign in if it is yours, or choose another.';
    case 'forbidden':
      if (mode === 'up' && registration === 'invite') return 'There is no such invitation, or it was used already. Ask for another.';
      return mode === 'up' ? 'This server does not take new accounts. Ask its operator for one.' : error.message;
    case 'rate_limited':
      return `Too many tries. Wait ${Math.max(1, Math.ceil(error.retryAfterMs / 1000))} s and try again.`;
    case 'unreachable':
      return 'The server does not answer. Is it running?';
    default:
      return error.message;
  }
}
