// A server of one test, which may kill it, and a wire in front of it, which may be cut.

import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";

import { eventually } from "../../harness.mjs";

/** Nobody wants to wait half a minute for connections to be spread over it. */
const SETTINGS = { CAMPANILE_SERVER__DRAIN_SECONDS: "3" };

/** Longer than the server takes to let everybody go. */
const END_DEADLINE_MS = 60_000;

/** A `campanile` with an empty folder of its own; it ends with the test. */
export class OwnServer {
  #folder;
  #ports;
  #process = null;

  /** Settings of the next start, by their names in the environment. */
  settings = {};

  static async start(t, settings = {}) {
    const server = new OwnServer();
    server.settings = settings;
    server.#folder = fs.mkdtempSync(path.join(os.tmpdir(), "campanile-browser-"));
    server.#ports = [await freePort(), await freePort()];
    t.after(async () => {
      await server.kill();
      fs.rmSync(server.#folder, { recursive: true, force: true });
    });
    await server.start();
    return server;
  }

  get port() {
    return this.#ports[0];
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it, again on the same ports and folder, and waits until it answers. */
  async start() {
    const [port, metrics] = this.#ports;
    const options = ["--listen", `127.0.0.1:${port}`, "--metrics-listen", `127.0.0.1:${metrics}`, "--data-dir", this.#folder];
    this.#process = spawn(process.env.CAMPANILE_BINARY, ["serve", ...options], { stdio: "ignore", env: { ...process.env, ...SETTINGS, ...this.settings } });
    await eventually(async () => {
      const answer = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(2_000) });
      if (!answer.ok) throw new Error(`not ready: ${answer.status}`);
    }, 20_000);
  }

  /** Ends it as a power cut would. */
  kill() {
    return this.#end("SIGKILL");
  }

  /** Ends it as an operator would; resolves when it has gone. */
  stop() {
    return this.#end("SIGTERM");
  }

  async #end(signal) {
    const ending = this.#process;
    if (ending === null) return;
    this.#process = null;
    const ended = once(ending, "exit", { signal: AbortSignal.timeout(END_DEADLINE_MS) });
    ending.kill(signal);
    try {
      await ended;
    } catch (failure) {
      ending.kill("SIGKILL");
      throw new Error(`the server did not end on ${signal} within ${END_DEADLINE_MS} ms`, { cause: failure });
    }
  }
}

/** A wire to a server: what is cut off hears nothing, and what was on its way is gone. */
export class Wire {
  #target;
  #listener;
  #ends = new Set();
  #isCut = false;

  static async to(t, server) {
    const wire = new Wire();
    wire.#target = server.port;
    wire.#listener = net.createServer((socket) => wire.#connect(socket)).listen(0, "127.0.0.1");
    await once(wire.#listener, "listening");
    t.after(() => {
      wire.cut();
      wire.#listener.close();
    });
    return wire;
  }

  get url() {
    return `http://127.0.0.1:${this.#listener.address().port}`;
  }

  cut() {
    this.#isCut = true;
    for (const end of this.#ends) end.destroy();
    this.#ends.clear();
  }

  mend() {
    this.#isCut = false;
  }

  #connect(near) {
    if (this.#isCut) {
      near.destroy();
      return;
    }
    const far = net.connect(this.#target, "127.0.0.1");
    for (const [end, other] of [[near, far], [far, near]]) {
      this.#ends.add(end);
      end.on("error", () => other.destroy());
      end.on("close", () => {
        this.#ends.delete(end);
        other.destroy();
      });
      end.pipe(other);
    }
  }
}

async function freePort() {
  const probe = net.createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}
