// The dialogs of the chat: make a room, look around, write to somebody, invite, change what a room is about and how long it keeps messages.

import { el, field, setText } from '../shared/dom.js';
import { openDialog } from '../shared/dialog.js';
import { icon } from '../shared/icons.js';
import { count } from '../shared/words.js';
import { openSwitcher } from './view-switcher.js';

const NAME = /^[a-z0-9._-]{1,64}$/;
const DAY = 86_400;
/** How long a room may keep its messages, in seconds. */
const RETENTIONS = [[DAY, 'One day'], [7 * DAY, 'One week'], [30 * DAY, '30 days'], [365 * DAY, 'One year'], [36_500 * DAY, 'A hundred years']];
const NAME_HINT = 'Lower-case letters, digits, dot, hyphen and underscore.';

/** Opens dialogs; `open(name)` opens a room. */
export class Dialogs {
  #store;
  #actions;

  constructor({ store, actions, open }) {
    this.#store = store;
    this.#actions = actions;
    this.open = open;
  }

  /** Jump to a room by typing a part of its name. */
  switcher() {
    openSwitcher({ store: this.#store, actions: this.#actions, dialogs: this });
  }

  createRoom(name = '') {
    const input = el('input', { type: 'text', maxlength: '64', autocapitalize: 'none', autocomplete: 'off', spellcheck: 'false', value: name });
    const topic = el('input', { type: 'text', maxlength: '250', autocomplete: 'off' });
    const kind = (value, icons, title, text, checked) => el('label', { class: 'choice' },
      el('input', { type: 'radio', name: 'kind', value, checked }), icon(icons), el('span', {}, el('strong', {}, title), el('span', {}, text)));
    this.#ask({
      title: 'Create a room', action: 'Create room',
      fields: [{ label: 'Name', hint: NAME_HINT, input }, { label: 'Topic (optional)', input: topic }],
      extra: el('fieldset', { class: 'choices' }, el('legend', {}, 'Who may enter'),
        kind('public', 'hash', 'Public', 'Everybody on this server can find it and join.', true),
        kind('private', 'lock', 'Private', 'Only those its owners invite.', false)),
      run: (form) => this.#actions.createRoom({ name: input.value, kind: form.elements.kind.value, topic: topic.value.trim() }),
    });
  }

  direct(name = '') {
    const input = el('input', { type: 'text', maxlength: '64', autocapitalize: 'none', autocomplete: 'off', spellcheck: 'false', value: name });
    this.#ask({
      title: 'Message someone', action: 'Start', fields: [{ label: 'Their name', hint: 'Exactly as they sign in.', input }],
      run: () => this.#actions.openDirect(input.value),
      missing: (text) => `There is nobody called ${text} here.`,
    });
  }

  invite(room) {
    const input = el('input', { type: 'text', maxlength: '64', autocapitalize: 'none', autocomplete: 'off', spellcheck: 'false' });
    this.#ask({
      title: `Invite to ${room.title}`, action: 'Invite', fields: [{ label: 'Their name', hint: 'They see the room at once.', input }],
      run: async () => {
        await this.#actions.invite(room, input.value);
        this.#store.notice(`${input.value} is in ${room.title} now.`);
      },
      missing: (text) => `There is nobody called ${text} here.`,
    });
  }

  topic(room) {
    const input = el('input', { type: 'text', maxlength: '250', autocomplete: 'off', value: room.topic });
    this.#ask({
      title: 'Change the topic', action: 'Save', isName: false, fields: [{ label: 'What the room is about', input }],
      run: () => this.#actions.setTopic(room, input.value.trim()),
    });
  }

  async retention(room) {
    let seconds;
    try {
      seconds = await this.#actions.retention(room);
    } catch (error) {
      this.#store.notice(error.message);
      return;
    }
    const choices = new Map(RETENTIONS);
    if (seconds !== null && !choices.has(seconds)) choices.set(seconds, count(seconds, 'second'));
    const option = ([value, text]) => el('option', { value: value ?? '', selected: value === seconds }, text);
    const input = el('select', {}, [[null, 'As long as this server keeps them'], ...choices].map(option));
    this.#ask({
      title: 'Keep messages', action: 'Save', isName: false,
      fields: [{ label: 'How long', hint: 'Older messages are deleted for everybody, and do not come back.', input }],
      run: async () => {
        await this.#actions.setRetention(room, input.value === '' ? null : Number(input.value));
        this.#store.notice(`${room.title} keeps messages: ${input.selectedOptions[0].text.toLowerCase()}.`);
      },
    });
  }

  /** All public rooms, with a filter. */
  browse() {
    const filter = el('input', { type: 'search', placeholder: 'Filter by name or topic', 'aria-label': 'Filter rooms', autocomplete: 'off' });
    const list = el('ul', { class: 'browse-list' });
    const status = el('p', { class: 'hint', role: 'status' }, 'Looking around…');
    const content = el('div', { class: 'dialog-body' }, filter, status, list);
    const { close } = openDialog({ title: 'Browse rooms', content });
    filter.focus();
    let rooms = [];
    const show = () => {
      const wanted = filter.value.trim().toLowerCase();
      const found = rooms.filter((room) => room.name.includes(wanted) || (room.topic ?? '').toLowerCase().includes(wanted));
      setText(status, found.length > 0 ? count(found.length, 'public room') : rooms.length > 0 ? 'No room matches.' : 'There is no public room yet. Make the first one.');
      list.replaceChildren(...found.slice(0, 200).map((room) => this.#browseRow(room, { close, status })));
    };
    filter.addEventListener('input', show);
    this.#actions.listRooms()
      .then((all) => {
        rooms = all.filter((room) => room.kind === 'public');
        show();
      })
      .catch((error) => setText(status, error.message));
  }

  #browseRow(room, { close, status }) {
    const isIn = this.#store.rooms.has(room.name);
    const enter = async () => {
      try {
        if (isIn) this.open(room.name);
        else await this.#actions.joinRoom(room.name);
        close();
      } catch (error) {
        setText(status, error.message);
      }
    };
    return el('li', {}, icon('hash'),
      el('span', { class: 'browse-words' }, el('strong', {}, room.name), el('span', {}, [count(room.members ?? 0, 'member'), room.topic].filter(Boolean).join(' · '))),
      el('button', { type: 'button', class: `button${isIn ? '' : ' primary'}`, 'aria-label': `${isIn ? 'Open' : 'Join'} ${room.name}`, onclick: enter }, isIn ? 'Open' : 'Join'));
  }

  /** A dialog with fields and one action; it closes when the action has succeeded. */
  #ask({ title, action, fields, extra, run, missing, isName = true }) {
    const made = fields.map(field);
    const [first] = fields;
    const failure = el('p', { class: 'form-error', role: 'alert' });
    const submit = el('button', { type: 'submit', class: 'button primary' }, action);
    const form = el('form', { class: 'dialog-body', novalidate: true }, made.map(({ root }) => root), extra, failure,
      el('div', { class: 'dialog-actions' }, el('button', { type: 'button', class: 'button', onclick: () => close() }, 'Cancel'), submit));
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      if (isName) {
        first.input.value = first.input.value.trim().toLowerCase().replace(/^[@#]/u, '').replace(/\s+/gu, '-');
        const isGood = NAME.test(first.input.value);
        made[0].complain(isGood ? '' : first.input.value === '' ? 'A name is needed.' : `Not a name. ${NAME_HINT}`);
        if (!isGood) {
          first.input.focus();
          return;
        }
      }
      submit.disabled = true;
      setText(failure, '');
      try {
        await run(form);
        close();
      } catch (error) {
        setText(failure, error.code === 'not_found' && missing ? missing(first.input.value) : error.code === 'conflict' ? 'That name is taken.' : error.message);
      } finally {
        submit.disabled = false;
      }
    });
    const { close } = openDialog({ title, content: form });
    first.input.focus();
  }
}
