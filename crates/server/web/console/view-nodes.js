// The nodes: who is there, who is missed, and what each has to do.

import { el } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import { ago, duration } from '../shared/words.js';
import { Table } from './table.js';

const STATES = { alive: 'check', missing: 'alert', unknown: 'clock' };

const COLUMNS = [
  {
    title: 'Node',
    cell: (row) => `${row.name} ${row.self ? '(this one)' : ''} ${row.version ?? ''}`,
    draw: (row) => [el('strong', {}, row.name), row.self && el('span', { class: 'this-one' }, ' (this one)'), row.version && el('span', { class: 'under' }, row.self ? `this one, ${row.version}` : row.version)],
  },
  { title: 'State', cell: (row) => row.state, draw: (row) => el('span', { class: `state ${row.state}` }, icon(STATES[row.state]), row.state) },
  { title: 'Version', spare: true, cell: (row) => row.version ?? '–' },
  { title: 'Started', spare: true, cell: (row) => (row.since ? ago(row.since) : '–') },
  { title: 'Connections', number: true, cell: (row) => countOf(row, row.connections) },
  { title: 'Users', number: true, cell: (row) => countOf(row, row.users) },
];

/** The panel of nodes. */
export class NodesView {
  #table = new Table({ title: 'Nodes', columns: COLUMNS, nothing: 'No node answered.', rowClass: ({ state }) => (state === 'alive' ? null : `is-${state}`) });
  root = this.#table.root;

  /** Shows a roster; `ageMs` is how old the list is, null where there was none. */
  show(roster, ageMs) {
    this.#table.show(roster.rows, hintOf(roster, ageMs));
    this.root.classList.toggle('is-down', roster.missing.length > 0);
  }
}

function hintOf({ alive, expected, isStale, isAsking }, ageMs) {
  if (expected === 1) return '1 of 1 alive';
  if (isAsking) return 'asking the others';
  if (!isStale) return `${alive} of ${expected} alive`;
  return ageMs === null ? 'the others cannot be seen now' : `as they were seen ${duration(ageMs / 1000)} ago`;
}

/** What a node that is there does not say in time is not known; of others nobody asks. */
function countOf({ state }, value) {
  if (value !== undefined && value !== null && state !== 'missing') return value.toLocaleString();
  return state === 'alive' ? 'unknown' : '–';
}
