// The form of a test event.

import { segment } from '../shared/api.js';
import { el, field, setText } from '../shared/dom.js';

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** Publishes to a channel of `app()`, and says what came of it. */
export class PublishForm {
  #api;
  #app;
  #channel = el('input', { type: 'text', required: true, maxlength: '200', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', value: 'test-channel' });
  #name = el('input', { type: 'text', required: true, maxlength: '200', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', value: 'test-event' });
  #data = el('textarea', { rows: '4', spellcheck: 'false', value: '{"hello":"world"}' });
  #said = el('p', { class: 'hint', role: 'status' });
  #failure = el('p', { class: 'form-error', role: 'alert' });
  #button = el('button', { type: 'submit', class: 'button primary' }, 'Publish');
  root;

  constructor({ api, app }) {
    this.#api = api;
    this.#app = app;
    this.root = el('form', { class: 'publish' },
      el('h2', {}, 'Publish a test event'),
      field({ label: 'Channel', input: this.#channel }).root,
      field({ label: 'Event', input: this.#name }).root,
      field({ label: 'Data', hint: 'Any text; most clients read JSON in it.', input: this.#data }).root,
      this.#failure, this.#button, this.#said);
    this.root.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#publish();
    });
  }

  set channel(name) {
    this.#channel.value = name;
  }

  async #publish() {
    const [channel, name] = [this.#channel.value.trim(), this.#name.value.trim()];
    setText(this.#failure, '');
    this.#button.disabled = true;
    try {
      await this.#api.post(`/apps/${segment(this.#app())}/events`, { channel, name, data: this.#data.value });
      setText(this.#said, `Published ${name} to ${channel} at ${clock.format(new Date())}.`);
    } catch (error) {
      setText(this.#said, '');
      setText(this.#failure, `It was not published: ${error.message}`);
    } finally {
      this.#button.disabled = false;
    }
  }
}
