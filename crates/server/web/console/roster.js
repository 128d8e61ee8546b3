// Which nodes there are: what was last heard of them, put beside what should be there.

/** A list older than this says nothing of now. */
const FRESH_MS = 10_000;

/**
 * The nodes as rows, and how many of them are there. `stats` are of the node that answers; `list` is
 * what `GET /nodes` last said, and null before it said anything; `listedAt` is when that was.
 */
export function roster(stats, list, listedAt, now) {
  const isStale = list === null || !stats.bus.up || now - listedAt > FRESH_MS;
  const listed = (list ?? []).filter(({ node, name }) => node !== stats.node && name !== stats.name);
  const others = listed.map((node) => ({ ...node, state: stateOf(node, isStale), ...(isStale && { connections: undefined, users: undefined }) }));
  const since = new Date(new Date(stats.at).getTime() - stats.uptime_seconds * 1000).toISOString();
  const own = { name: stats.name, self: true, state: 'alive', version: stats.version, since, connections: stats.connections.active, users: stats.users_online };
  const rows = [own, ...others].sort((one, other) => (one.name < other.name ? -1 : 1));
  const expected = Math.max(stats.cluster.nodes_expected, rows.length);
  for (let unseen = rows.length; !isStale && unseen < expected; unseen += 1) rows.push({ name: 'never seen', state: 'missing', unseen: true });
  return { rows, isStale, isAsking: list === null && stats.bus.up, expected, alive: rows.filter(({ state }) => state === 'alive').length, missing: rows.filter(({ state }) => state === 'missing') };
}

/** How the nodes are, in a few words: `{tone, words, note}`. */
export function rosterWords({ rows, isStale, isAsking, expected, missing }) {
  if (expected === 1) return { tone: 'up', words: 'Node is up', note: rows[0].name };
  if (isAsking) return { tone: 'unsure', words: 'Asking the other nodes', note: `${expected} expected` };
  if (isStale) return { tone: 'unsure', words: 'Other nodes unknown', note: `${expected} expected` };
  if (missing.length === 0) return { tone: 'up', words: expected === 2 ? 'Both nodes are alive' : `All ${expected} nodes are alive`, note: '' };
  const names = missing.map(({ name, unseen }) => (unseen ? 'one was never seen' : name));
  return { tone: 'down', words: `${missing.length} of ${expected} nodes ${missing.length === 1 ? 'is' : 'are'} missing`, note: shortened(names) };
}

function stateOf({ alive }, isStale) {
  if (isStale) return 'unknown';
  return alive ? 'alive' : 'missing';
}

function shortened(names) {
  return names.length > 4 ? `${names.slice(0, 4).join(', ')} and ${names.length - 4} more` : names.join(', ');
}
