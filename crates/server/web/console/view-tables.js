// Top rooms, and who is connected.

import { el } from '../shared/dom.js';
import { ago, bytes, count } from '../shared/words.js';
import { Table } from './table.js';

const ROOMS = [
  { title: 'Room', cell: (row) => row.room },
  { title: 'Kind', cell: (row) => row.kind },
  { title: 'Listening', number: true, cell: (row) => row.participants.toLocaleString() },
  { title: 'Messages', number: true, cell: (row) => row.messages_total.toLocaleString() },
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
  #rooms = new Table({ title: 'Top rooms', columns: ROOMS, nothing: 'No room is active.' });
  #clients = new Table({ title: 'Connected clients', columns: CLIENTS, nothing: 'Nobody is connected.' });
  #filter = el('input', { type: 'search', placeholder: 'Filter by user or address', 'aria-label': 'Filter connected clients', autocomplete: 'off' });
  #connections = [];
  #names = new Map();
  #isAlone = false;

  constructor() {
    this.#filter.addEventListener('input', () => this.#showClients());
    this.#clients.head.append(this.#filter);
    this.root = el('div', { class: 'tables' }, this.#rooms.root, this.#clients.root);
  }

  /** Shows what was answered; null leaves a table as it is. Where other nodes cannot be asked it is of this one. */
  show({ rooms, connections, nodes }, isAlone) {
    this.#isAlone = isAlone;
    if (rooms) this.#rooms.show([...rooms].sort((one, other) => other.participants - one.participants || other.messages_total - one.messages_total), this.#hint(rooms));
    if (nodes) this.#names = new Map(nodes.map(({ node, name }) => [node, name]));
    if (!connections) return;
    this.#connections = connections;
    this.#showClients();
  }

  #showClients() {
    const wanted = this.#filter.value.trim().toLowerCase();
    const matching = this.#connections.filter(({ user, address }) => (user ?? '').includes(wanted) || String(address).includes(wanted));
    this.#clients.show(matching.map((connection) => ({ ...connection, nodeName: this.#names.get(connection.node) ?? connection.node })), this.#hint(matching));
  }

  #hint(rows) {
    return `${count(rows.length, 'row')}${this.#isAlone ? ', of this node only' : ''}`;
  }
}
