// Invitations, where accounts are made by invitation: who may still come, and inviting somebody.

import { confirmDialog, openDialog } from '../shared/dialog.js';
import { el, field, setText } from '../shared/dom.js';
import { count, duration, exactTime } from '../shared/words.js';
import { Table } from './table.js';

const DAY = 86_400;
const USES = [[1, 'One person'], [5, 'Five people'], [25, '25 people'], [100, 'A hundred people']];
const LIFETIMES = [[DAY, 'One day'], [7 * DAY, 'One week'], [30 * DAY, '30 days']];

/** The panel with the invitations; hidden until it is given some to show. */
export class InvitesView {
  #api;
  #table;

  constructor({ api }) {
    this.#api = api;
    const revoke = (invite) => el('button', { type: 'button', class: 'link-button', 'aria-label': `Revoke the invitation that ends ${exactTime(invite.expires_at)}`, onclick: () => this.#revoke(invite) }, 'Revoke');
    this.#table = new Table({
      title: 'Invitations',
      columns: [
        { title: 'Made by', cell: (invite) => invite.made_by ?? 'command line' },
        { title: 'Made', spare: true, cell: (invite) => exactTime(invite.made_at) },
        { title: 'For', cell: (invite) => count(invite.uses_left, 'person', 'people') },
        { title: 'Ends in', cell: (invite) => left(invite.expires_at) },
        { title: '', number: true, cell: (invite) => invite.id, draw: revoke },
      ],
      nothing: 'Nobody is invited.',
    });
    this.#table.head.append(el('button', { type: 'button', class: 'button', onclick: () => this.#ask() }, 'Invite somebody'));
    this.root = el('div', { class: 'tables', hidden: true }, this.#table.root);
  }

  /** Shows what was answered; null leaves the panel as it is. */
  show(invites) {
    if (!invites) return;
    this.root.hidden = false;
    this.#table.show(invites, count(invites.length, 'invitation'));
  }

  async #reload() {
    const { invites } = await this.#api.get('/invites');
    this.show(invites);
  }

  #ask() {
    const [uses, lifetime] = [choice(USES, 1), choice(LIFETIMES, 7 * DAY)];
    const failure = el('p', { class: 'form-error', role: 'alert' });
    const form = el('form', { class: 'dialog-body' },
      field({ label: 'For', input: uses }).root,
      field({ label: 'Within', input: lifetime }).root,
      failure,
      el('div', { class: 'dialog-actions' }, el('button', { type: 'submit', class: 'button primary' }, 'Make invitation')),
    );
    const { dialog } = openDialog({ title: 'Invite somebody', content: form });
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      try {
        const { code } = await this.#api.post('/invites', { uses: Number(uses.value), lifetime_seconds: Number(lifetime.value) });
        form.replaceWith(made(code));
        dialog.querySelector('input')?.select();
        await this.#reload();
      } catch (error) {
        setText(failure, error.message);
      }
    });
  }

  async #revoke(invite) {
    const sure = await confirmDialog({ title: 'Revoke this invitation?', text: 'Nobody can make an account with it any more. Accounts that were made with it stay.', action: 'Revoke' });
    if (!sure) return;
    // One that is gone already is what was wanted.
    await this.#api.delete(`/invites/${invite.id}`).catch(() => {});
    await this.#reload().catch(() => {});
  }
}

/** What to send to whoever is invited; the server does not tell it again. */
function made(code) {
  const input = el('input', { type: 'text', readonly: true, value: `${location.origin}/#invite=${code}` });
  const copied = el('p', { class: 'hint', role: 'status' });
  const copy = async () => {
    input.select();
    try {
      await navigator.clipboard.writeText(input.value);
      setText(copied, 'Copied.');
    } catch {
      setText(copied, 'Press Ctrl+C to copy it.');
    }
  };
  return el('div', { class: 'dialog-body' },
    field({ label: 'Send them this link', hint: 'It is shown this once.', input }).root,
    copied,
    el('div', { class: 'dialog-actions' }, el('button', { type: 'button', class: 'button primary', onclick: copy }, 'Copy link')),
  );
}

function choice(options, chosen) {
  return el('select', {}, options.map(([value, label]) => el('option', { value, selected: value === chosen }, label)));
}

function left(expiresAt) {
  return duration((new Date(expiresAt) - Date.now()) / 1_000);
}
