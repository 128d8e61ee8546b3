// Top rooms, nodes, and who is connected.

import { el, setText } from '../shared/dom.js';
import { ago, bytes, count } from '../shared/words.js';

const ROOMS = [
  { title: 'Room', cell: (row) => row.room },
  { title: 'Kind', cell: (row) => row.kind },
  { title: 'Listening', number: true, cell: (row) => row.participants.toLocaleString() },
  { title: 'Messages', number: true, cell: (row) => row.messages_total.toLocaleString() },
];
const NODES = [
  { title: 'Node', cell: (row) => (row.self ? `${row.name} (this one)` : row.name) },
  { title: 'State', cell: (row) => (row.alive ? 'alive' : 'missing') },
  { title: 'Version', cell: (row) => row.version },
  { title: 'Since', cell: (row) => ago(row.since) },
  { title: 'Connections', number: true, cell: (row) => row.connections?.toLocaleString() ?? '–' },
  { title: 'Users', number: true, cell: (row) => row.users?.toLocaleString() ?? '–' },
];
const CLIENTS = [
  { title: 'User', cell: (row) => row.user ?? 'signing in' },
  { title: 'Transport', cell: (row) => row.transport },
  { title: 'Address', cell: (row) => row.address },
  { title: 'Node', cell: (row) => row.nodeName },
  { title: 'Connected', cell: (row) => ago(row.since) },
  { title: 'Rooms', number: true, cell: (row) => row.rooms.toLocaleString() },
  { title: 'Outbox', number: true, cell: (row) => bytes(row.outbox_bytes) },
  { title: 'Connection', code: true, cell: (row) => row.connection },
];

/** The tables under the plots. */
export class TablesView {
  #rooms = new Table('Top rooms', ROOMS, 'No room is active.');
  #nodes = new Table('Nodes', NODES, 'No node answered.');
  #clients = new Table('Connected clients', CLIENTS, 'Nobody is connected.');
  #filter = el('input', { type: 'search', placeholder: 'Filter by user or address', 'aria-label': 'Filter connected clients', autocomplete: 'off' });
  #connections = [];
  #names = new Map();

  constructor() {
    this.#filter.addEventListener('input', () => this.#showClients());
    this.#clients.head.append(this.#filter);
    this.root = el('div', { class: 'tables' }, this.#rooms.root, this.#nodes.root, this.#clients.root);
    this.#clients.root.classList.add('wide');
  }

  /** Shows what was answered; null leaves a table as it is. */
  show({ rooms, connections, nodes }) {
    if (rooms) this.#rooms.show([...rooms].sort((one, other) => other.participants - one.participants || other.messages_total - one.messages_total));
    if (nodes) {
      this.#nodes.show(nodes);
      this.#names = new Map(nodes.map(({ node, name }) => [node, name]));
    }
    if (!connections) return;
    this.#connections = connections;
    this.#showClients();
  }

  #showClients() {
    const wanted = this.#filter.value.trim().toLowerCase();
    const matching = this.#connections.filter(({ user, address }) => (user ?? '').includes(wanted) || String(address).includes(wanted));
    this.#clients.show(matching.map((connection) => ({ ...connection, nodeName: this.#names.get(connection.node) ?? connection.node })));
  }
}

class Table {
  #columns;
  #nothing;
  #body = el('tbody');
  #count = el('span', { class: 'hint' });
  #shown = '';

  constructor(title, columns, nothing) {
    this.#columns = columns;
    this.#nothing = nothing;
    this.head = el('div', { class: 'table-head' }, el('h2', {}, title), this.#count);
    const heads = columns.map((column) => el('th', { scope: 'col', class: column.number ? 'number' : null }, column.title));
    this.root = el('section', { class: 'panel' }, this.head,
      el('div', { class: 'table-scroll', tabindex: '0', role: 'region', 'aria-label': title },
        el('table', {}, el('thead', {}, el('tr', {}, heads)), this.#body)));
  }

  show(rows) {
    setText(this.#count, count(rows.length, 'row'));
    const cells = rows.map((row) => this.#columns.map((column) => column.cell(row)));
    // Left alone where nothing changed, so that a selection or the reading position stays.
    const shown = JSON.stringify(cells);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const made = cells.map((row) => el('tr', {}, row.map((text, index) => {
      const { number, code } = this.#columns[index];
      return el('td', { class: number ? 'number' : code ? 'code' : null }, text);
    })));
    this.#body.replaceChildren(...(made.length > 0 ? made : [el('tr', {}, el('td', { colspan: this.#columns.length, class: 'none' }, this.#nothing))]));
  }
}
