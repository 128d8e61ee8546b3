// Changing what an application is set to: its name, its switches, its origins, its limits and quotas.

import { segment } from '../shared/api.js';
import { openDialog } from '../shared/dialog.js';
import { el, field, setText } from '../shared/dom.js';

const SWITCHES = {
  client_messages: 'Client messages',
  subscription_counts: 'Subscription counts',
  user_authentication: 'User authentication',
  tls_only: 'TLS only',
};
const QUOTAS = ['connections_max', 'messages_per_day_max'];

/** Asks for other settings, and keeps what is changed; `onChanged(app)` is called with what it is then. */
export async function settingsDialog({ api, app, onChanged }) {
  const failure = el('p', { class: 'form-error', role: 'alert' });
  const form = el('form', { class: 'dialog-body' }, el('p', { class: 'hint' }, 'A moment …'));
  const { close } = openDialog({ title: `Settings of ${app.name || app.id}`, content: form, className: 'settings' });
  const described = await descriptions(api);
  const inputs = fields(app, described);
  const save = el('button', { type: 'submit', class: 'button primary' }, 'Save');
  form.replaceChildren(
    inputs.name.root,
    group('Switches', Object.values(inputs.switches).map(({ root }) => root)),
    inputs.origins.root,
    group('Quotas', QUOTAS.map((name) => inputs.limits[name].root)),
    group('Limits', Object.entries(inputs.limits).filter(([name]) => !QUOTAS.includes(name)).map(([, { root }]) => root)),
    el('div', { class: 'dialog-foot' },
      failure,
      el('div', { class: 'dialog-actions' }, el('button', { type: 'button', class: 'button', onclick: close }, 'Cancel'), save)));
  inputs.name.input.focus();
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    setText(failure, '');
    const change = changes(app, written(inputs));
    if (change === null) {
      close();
      return;
    }
    save.disabled = true;
    try {
      const answer = await api.patch(`/apps/${segment(app.id)}`, change);
      close();
      onChanged(answer.app);
    } catch (error) {
      setText(failure, error.message);
    } finally {
      save.disabled = false;
    }
  });
}

/**
 * What is sent for an application to become what was written: only what differs, so that what others
 * change meanwhile stays; null where nothing does.
 */
export function changes({ name, settings }, wanted) {
  const differing = (before, now) => Object.fromEntries(Object.entries(now).filter(([key, value]) => before[key] !== value));
  const change = differing(settings, wanted.switches);
  if (JSON.stringify(wanted.origins) !== JSON.stringify(settings.allowed_origins)) change.allowed_origins = wanted.origins;
  const limits = differing(settings.limits, wanted.limits);
  if (Object.keys(limits).length > 0) change.limits = limits;
  const whole = {};
  if (wanted.name !== name) whole.name = wanted.name;
  if (Object.keys(change).length > 0) whole.settings = change;
  return Object.keys(whole).length > 0 ? whole : null;
}

/** The origins of a text: one on each line, or between blanks. */
export function origins(text) {
  return text.split(/\s+/).filter((origin) => origin !== '');
}

/** The name of a setting, for people: `event_data_bytes_max` becomes "Event data, bytes at most". */
export function title(name) {
  const isMost = name.endsWith('_max');
  const bare = name.replace(/_max$/, '');
  const unit = /_(bytes|characters|seconds)$/.exec(bare);
  const words = [...(unit ? [unit[1]] : []), ...(isMost ? ['at most'] : [])].join(' ');
  const subject = (unit ? bare.slice(0, unit.index) : bare).replaceAll('_', ' ');
  return `${subject[0].toUpperCase()}${subject.slice(1)}${words && `, ${words}`}`;
}

/** What the server says of each setting; nothing where it does not say. */
async function descriptions(api) {
  const { components } = await api.description().catch(() => ({ components: null }));
  const { AppSettings, AppLimits } = components?.schemas ?? {};
  return { ...AppSettings?.properties, ...AppLimits?.properties };
}

function fields(app, described) {
  const { settings } = app;
  const say = (name) => described[name]?.description?.replaceAll('`', '');
  const unset = (name) => (described[name]?.default === undefined ? '' : ` ${described[name].default} where it is not set.`);
  const whole = (name) => described[name]?.type === 'integer';
  const limit = ([name, value]) => {
    const input = el('input', {
      type: 'text', inputmode: 'decimal', required: true, maxlength: '15', autocomplete: 'off', value: String(value), 'data-setting': name,
      pattern: whole(name) ? '[0-9]+' : '[0-9]+(\\.[0-9]+)?', title: whole(name) ? 'a whole number' : 'a number',
    });
    return [name, { input, root: field({ label: title(name), hint: `${say(name) ?? ''}${unset(name)}`.trim(), input }).root }];
  };
  const name = el('input', { type: 'text', required: true, maxlength: '100', autocomplete: 'off', value: app.name });
  const allowed = el('textarea', { rows: '3', spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off', value: settings.allowed_origins.join('\n') });
  return {
    name: { input: name, root: field({ label: 'Name', hint: 'For people.', input: name }).root },
    switches: Object.fromEntries(Object.entries(SWITCHES).map(([key, label]) => [key, check(label, say(key), settings[key])])),
    origins: { input: allowed, root: field({ label: 'Allowed origins', hint: `${say('allowed_origins') ?? ''} One a line, such as https://shop.example.`.trim(), input: allowed }).root },
    limits: Object.fromEntries(Object.entries(settings.limits).map(limit)),
  };
}

function check(label, hint, checked) {
  const input = el('input', { type: 'checkbox' });
  input.checked = checked;
  const { root } = field({ label, hint, input });
  root.className = 'check';
  root.prepend(input);
  return { input, root };
}

function written({ name, switches, origins: allowed, limits }) {
  const each = (inputs, read) => Object.fromEntries(Object.entries(inputs).map(([key, { input }]) => [key, read(input)]));
  return {
    name: name.input.value.trim(),
    switches: each(switches, ({ checked }) => checked),
    origins: origins(allowed.input.value),
    limits: each(limits, ({ value }) => Number(value)),
  };
}

function group(legend, rows) {
  return el('fieldset', {}, el('legend', {}, legend), rows);
}
