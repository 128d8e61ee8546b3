// Making an application, and changing one: on and off, its keys, its settings, and its end.

import { segment } from '../shared/api.js';
import { confirmDialog, openDialog } from '../shared/dialog.js';
import { el, field, setText } from '../shared/dom.js';
import { count, exactTime } from '../shared/words.js';
import { settingsDialog } from './app-settings.js';

/** Asks for an application, makes it, and shows its secret once; `onChanged` is called when it is there. */
export function newAppDialog({ api, onChanged }) {
  const name = el('input', { type: 'text', required: true, maxlength: '100', autocomplete: 'off' });
  const id = el('input', { type: 'text', maxlength: '64', pattern: '[A-Za-z0-9_\\-]{1,64}', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false' });
  const failure = el('p', { class: 'form-error', role: 'alert' });
  const form = el('form', { class: 'dialog-body' },
    field({ label: 'Name', hint: 'For people.', input: name }).root,
    field({ label: 'Id', hint: 'Letters, digits, _ and -; digits where you leave it empty, as some libraries take nothing else.', input: id }).root,
    failure,
    el('div', { class: 'dialog-actions' }, el('button', { type: 'submit', class: 'button primary' }, 'Make application')));
  const { dialog } = openDialog({ title: 'New application', content: form });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const wanted = { name: name.value.trim() };
    if (id.value !== '') wanted.id = id.value;
    try {
      const { app, key, secret } = await api.post('/apps', wanted);
      setText(dialog.querySelector('h2'), app.name);
      form.replaceWith(secretShown({ id: app.id, key, secret }));
      dialog.querySelector('input')?.select();
      onChanged();
    } catch (error) {
      setText(failure, error.message);
    }
  });
}

/** Shows what can be changed of an application that operators made. */
export function manageDialog({ api, app, onChanged }) {
  const failure = el('p', { class: 'form-error', role: 'alert' });
  const content = el('div', { class: 'dialog-body' });
  const { dialog, close } = openDialog({ title: app.name || app.id, content, className: 'manage' });
  const path = `/apps/${segment(app.id)}`;

  /** Does something, and shows the application as it is then. */
  async function change(what) {
    setText(failure, '');
    try {
      const answer = await what();
      onChanged();
      return answer;
    } catch (error) {
      setText(failure, error.message);
      return undefined;
    }
  }

  async function read() {
    const answer = await change(() => api.get(path));
    if (answer) draw(answer.app);
  }

  async function toggle(now) {
    const text = 'Its connections are closed, and what it asks is refused, until it is enabled again.';
    if (now.enabled && !(await confirmDialog({ title: `Disable ${now.id}?`, text, action: 'Disable' }))) return;
    const answer = await change(() => api.patch(path, { enabled: !now.enabled }));
    if (answer) draw(answer.app);
  }

  async function addKey() {
    const answer = await change(() => api.post(`${path}/keys`));
    if (!answer) return;
    content.replaceChildren(...secretShown({ id: app.id, ...answer }, { onDone: read }).children);
    content.querySelector('input')?.select();
  }

  async function revoke(key) {
    const text = `Connections that came with ${key} are closed, and nothing that is signed with it is good any more.`;
    if (!(await confirmDialog({ title: 'Revoke this key?', text, action: 'Revoke' }))) return;
    if ((await change(() => api.delete(`${path}/keys/${segment(key)}`))) !== undefined) await read();
  }

  async function remove() {
    const text = 'Its connections are closed, and its keys are gone. This cannot be undone.';
    if (!(await confirmDialog({ title: `Delete ${app.id}?`, text, action: 'Delete' }))) return;
    if ((await change(() => api.delete(path))) !== undefined) close();
  }

  /** The settings as they are now: somebody else may have changed them since the list was drawn. */
  async function set() {
    const answer = await change(() => api.get(path));
    if (!answer) return;
    settingsDialog({
      api,
      app: answer.app,
      onChanged: (changed) => {
        setText(dialog.querySelector('h2'), changed.name);
        onChanged();
        draw(changed);
      },
    });
  }

  function draw(now) {
    const revocable = now.keys.length > 1;
    const rows = now.keys.map(({ key, created_at: at }) => el('li', {},
      el('code', {}, key),
      el('span', { class: 'hint' }, at ? `made ${exactTime(at)}` : ''),
      revocable && el('button', { type: 'button', class: 'link-button danger', 'aria-label': `Revoke ${key}`, onclick: () => revoke(key) }, 'Revoke')));
    content.replaceChildren(
      el('p', {}, now.enabled ? 'It is enabled.' : 'It is disabled: nobody connects, and what it asks is refused.'),
      el('div', { class: 'key-list' }, el('h3', {}, count(now.keys.length, 'key')), el('ul', {}, rows),
        el('p', { class: 'hint' }, 'To change keys, add one, give it to clients and servers, then revoke the old one.')),
      failure,
      el('div', { class: 'dialog-actions' },
        el('button', { type: 'button', class: 'button danger', onclick: remove }, 'Delete'),
        el('button', { type: 'button', class: 'button', onclick: set }, 'Settings'),
        el('button', { type: 'button', class: 'button', onclick: () => toggle(now) }, now.enabled ? 'Disable' : 'Enable'),
        el('button', { type: 'button', class: 'button primary', onclick: addKey }, 'Add a key')));
    if (!dialog.contains(document.activeElement)) dialog.querySelector('.dialog-body .button.primary').focus();
  }

  draw(app);
}

/** A key with its secret, which the server does not tell again. */
function secretShown({ id, key, secret }, { onDone } = {}) {
  const line = (label, value, hint) => field({ label, hint, input: el('input', { type: 'text', readonly: true, class: 'code', value }) }).root;
  const copied = el('p', { class: 'hint', role: 'status' });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(secret);
      setText(copied, 'Copied.');
    } catch {
      setText(copied, 'Select the secret and press Ctrl+C to copy it.');
    }
  };
  return el('div', { class: 'dialog-body' },
    line('Secret', secret, 'It is shown this once.'), line('Key', key), line('Application id', id), copied,
    el('div', { class: 'dialog-actions' },
      onDone && el('button', { type: 'button', class: 'button', onclick: onDone }, 'Done'),
      el('button', { type: 'button', class: 'button primary', onclick: copy }, 'Copy secret')));
}
