// Section 3: how a server that stops sends its connections away.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Socket, client, happens, start } from "../harness.mjs";

/** Over how long the server spreads the ends of its connections. */
const DRAIN_SECONDS = 2;

test("3.4 3.5 a server that stops closes one connection after the other with 4200, over the time it has", async (t) => {
  const server = await start(t, { environment: { CAMPANILE_SERVER__DRAIN_SECONDS: String(DRAIN_SECONDS) } });
  const sockets = await Promise.all(Array.from({ length: 20 }, () => Socket.open(t, { at: server.url })));
  const pusher = await client(t, { at: server.url });
  const again = happens(pusher.connection, "connecting");
  server.process.kill("SIGTERM");
  const ends = await Promise.all(sockets.map((socket) => socket.close()));
  assert.deepEqual([...new Set(ends.map(({ code }) => code))], [4200]);
  const times = ends.map(({ at }) => at).sort((one, other) => one - other);
  const gaps = times.slice(1).map((time, index) => time - times[index]);
  assert.ok(times.at(-1) - times[0] > DRAIN_SECONDS * 500, `all within ${times.at(-1) - times[0]} ms`);
  assert.ok(Math.max(...gaps) < DRAIN_SECONDS * 500, `none for ${Math.max(...gaps)} ms`);
  // Code 4200 means: at once. pusher-js looks for another server without waiting.
  await again;
});
