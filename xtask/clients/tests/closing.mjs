// Section 3: how a server that stops sends its connections away.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";

import { Socket, client, eventually, happens, setting } from "../harness.mjs";

/** Over how long the server spreads the ends of its connections. */
const DRAIN_SECONDS = 2;

test("3.4 3.5 a server that stops closes one connection after the other with 4200, over the time it has", async (t) => {
  const server = await start(t);
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

/** A server of this test alone. */
async function start(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "campanile-clients-"));
  const [port, metrics] = [await freePort(), await freePort()];
  const options = ["serve", "--listen", `127.0.0.1:${port}`, "--metrics-listen", `127.0.0.1:${metrics}`, "--data-dir", folder];
  const environment = { ...process.env, CAMPANILE_SERVER__DRAIN_SECONDS: String(DRAIN_SECONDS) };
  const server = { url: `http://127.0.0.1:${port}`, process: spawn(setting("BINARY"), options, { stdio: "ignore", env: environment }) };
  t.after(async () => {
    const { process } = server;
    if (process.exitCode === null && process.signalCode === null) {
      process.kill("SIGKILL");
      await once(process, "exit");
    }
    fs.rmSync(folder, { recursive: true, force: true });
  });
  await eventually(async () => assert.ok((await fetch(`${server.url}/readyz`)).ok), 20_000);
  return server;
}

async function freePort() {
  const probe = net.createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}
