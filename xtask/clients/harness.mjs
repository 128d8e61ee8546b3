// What every test of the clients needs: the applications, unchanged clients, and a bare socket.
//
//   import { test } from "node:test";
//   import { apps, client, happens, library, unique } from "../harness.mjs";
//
//   test("7.1 an event is heard as it was published", async (t) => {
//     const ada = await client(t);
//     ...
//   });
//
// Each test is named after the lines of the compatibility checklist that it proves.
// `cargo xtask test --only clients` starts the server and sets the environment read here.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

const modules = createRequire(path.join(setting("CLIENT_MODULES"), "any.js"));

/** The unchanged packages. Echo is a module, and the others are not. */
export const PusherJs = modules("pusher-js");
export const PusherServer = modules("pusher");
export const WebSocket = modules("ws");
export const { default: Echo } = await import(pathToFileURL(path.join(setting("CLIENT_MODULES"), "node_modules/laravel-echo/dist/echo.js")));

/** Where the server is, without a slash at the end. */
export const url = setting("URL");

/** The applications of `campanile.toml`, by what they are for. */
export const apps = {
  /** As it is when nothing is set. */
  main: app("1001"),
  /** Clients send no events, and are told how many they are. */
  counted: app("1002"),
  /** By `wss:` only. */
  tls: app("1003"),
  disabled: app("1004"),
  /** One connection. */
  single: app("1005"),
  /** A second to say who one is. */
  guarded: app("1006"),
  /** Pages of https://chat.example only. */
  origins: app("1007"),
  /** Every time is a second, and two are a crowd. */
  brisk: app("1008"),
  /** Five client events that came too fast are refused in a minute, and no more. */
  strict: app("1009"),
  /** Who says nothing for three seconds has been silent for too long. */
  hurried: app("1010"),
  /** Six messages a day. */
  rationed: app("1011"),
  /** Frames of 500 bytes at most. */
  terse: app("1012"),
};

/** Nothing may take longer. */
const PATIENCE_MS = 10_000;

/** Encrypts what is published on encrypted channels. */
const MASTER_KEY = Buffer.alloc(32, "campanile").toString("base64");

function app(id) {
  return { id, key: `key-${id}`, secret: `secret-of-the-app-${id}` };
}

/** A name that no other test has. */
export function unique(name) {
  return `${name}-${Math.random().toString(36).slice(2, 10)}`;
}

/** The official library for servers, as this application's server has it. */
export function library(app = apps.main, at = url) {
  const { hostname: host, port } = new URL(at);
  return new PusherServer({ appId: app.id, key: app.key, secret: app.secret, host, port, useTLS: false, encryptionMasterKeyBase64: MASTER_KEY });
}

/** The options that make pusher-js talk to this server, and those alone. */
export function address(at = url) {
  const { hostname, port } = new URL(at);
  return { wsHost: hostname, wsPort: Number(port), forceTLS: false, enabledTransports: ["ws"], cluster: "x" };
}

/**
 * A pusher-js that has not connected yet; it disconnects with the test. `user` is who it says it
 * is, in presence channels and when it signs in.
 */
export function dialing(t, { app = apps.main, user, at = url, ...options } = {}) {
  const server = library(app);
  const member = user && { user_id: user.id, user_info: user.user_info };
  const client = new PusherJs(app.key, {
    ...address(at),
    channelAuthorization: {
      customHandler: ({ socketId, channelName }, done) => {
        const data = channelName.startsWith("presence-") ? member : undefined;
        done(null, server.authorizeChannel(socketId, channelName, data));
      },
    },
    userAuthentication: {
      customHandler: ({ socketId }, done) => done(null, server.authenticateUser(socketId, user)),
    },
    ...options,
  });
  t.after(() => client.disconnect());
  return client;
}

/** The same, connected. */
export async function client(t, options) {
  const client = dialing(t, options);
  await happens(client.connection, "connected");
  return client;
}

/** Subscribes pusher-js to a channel, and waits until it is. */
export async function subscribed(client, name) {
  const channel = client.subscribe(name);
  const answer = await happens(channel, "pusher:subscription_succeeded");
  return Object.assign(channel, { answer });
}

/** The data of the next such event of pusher-js. */
export async function happens(emitter, event) {
  return (await tells(emitter, event)).data;
}

/** The same, with what stands beside the data, such as the user who sent it. */
export function tells(emitter, event) {
  return within(event, (resolve) => {
    const heard = (data, beside) => {
      emitter.unbind(event, heard);
      resolve({ data, ...beside });
    };
    emitter.bind(event, heard);
  });
}

/** Every frame that pusher-js is sent from now on. */
export function frames(client) {
  const heard = [];
  client.connection.bind("message", (frame) => heard.push(frame));
  return heard;
}

/** A promise that is broken when it takes too long. */
export function within(what, begin, patience = PATIENCE_MS) {
  return new Promise((resolve, reject) => {
    const late = new Error(`${what} did not happen within ${patience} ms`);
    const timer = setTimeout(() => reject(late), patience);
    begin((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Tries again until the check holds; the last failure is the one that is told. */
export async function eventually(check, patience = PATIENCE_MS) {
  const end = performance.now() + patience;
  for (;;) {
    try {
      return await check();
    } catch (failure) {
      if (performance.now() > end) throw failure;
      await pause(25);
    }
  }
}

/** `key:signature`, as an application's server makes it. */
export function sign(text, { key, secret } = apps.main) {
  return `${key}:${createHmac("sha256", secret).update(text).digest("hex")}`;
}

/** A connection with nothing of a client around it: what was sent, and how it was closed. */
export class Socket {
  /** What was heard and not yet asked for; what is no JSON, as it came. */
  frames = [];
  /** Settled when it is closed: the code, the reason, and when. */
  closed;
  #socket;
  #waiting = [];

  /** Opens what may be refused. */
  static dial(t, where, { headers, at = url } = {}) {
    const socket = new Socket(new WebSocket(`${at.replace("http", "ws")}${where}`, { headers, perMessageDeflate: false, autoPong: false }));
    t.after(() => socket.#socket.terminate());
    return socket;
  }

  /** Opens a connection that is greeted. */
  static async open(t, { app = apps.main, query = "protocol=7&client=test&version=1.0", ...options } = {}) {
    const socket = Socket.dial(t, `/app/${app.key}?${query}`, options);
    socket.app = app;
    const established = await socket.next();
    assert.equal(established.event, "pusher:connection_established", JSON.stringify(established));
    socket.greeting = JSON.parse(established.data);
    socket.id = socket.greeting.socket_id;
    return socket;
  }

  constructor(socket) {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("message", (bytes) => {
      this.frames.push(parsed(bytes.toString()));
      this.#waiting.splice(0).forEach((tell) => tell());
    });
    this.opened = new Promise((resolve) => socket.once("open", resolve));
    this.refused = new Promise((resolve) => socket.once("unexpected-response", (_, answer) => resolve(answer.statusCode)));
    this.closed = new Promise((resolve) => socket.once("close", (code, reason) => resolve({ code, reason: reason.toString(), at: performance.now() })));
  }

  /** How it was closed, when it is. */
  close() {
    return within("the end of the connection", (resolve) => this.closed.then(resolve));
  }

  /** Says goodbye, and waits for the answer. */
  async leave() {
    this.#socket.close(1000);
    return this.close();
  }

  /** Is gone without a word. */
  cut() {
    this.#socket.terminate();
  }

  send(event, data, channel) {
    this.raw(JSON.stringify({ event, data, channel }));
  }

  raw(frame, options) {
    this.#socket.send(frame, options);
  }

  /** The WebSocket itself, for its control frames. */
  get control() {
    return this.#socket;
  }

  /** The next frame, or the next one of this event; those before it stay. */
  async next(event) {
    const wanted = (frame) => event === undefined || frame.event === event;
    const begin = async (resolve) => {
      for (;;) {
        const index = this.frames.findIndex(wanted);
        if (index >= 0) return resolve(this.frames.splice(index, 1)[0]);
        await new Promise((heard) => this.#waiting.push(heard));
      }
    };
    return within(event ?? "a frame", begin);
  }

  /** Asks for a pong, and waits until all that comes before it has come. */
  async settled() {
    this.send("pusher:ping", {});
    await this.next("pusher:pong");
  }

  /** The error that the next frame is. */
  async error() {
    const frame = await this.next();
    assert.equal(frame.event, "pusher:error", JSON.stringify(frame));
    return frame.data;
  }

  /** Asks to enter a channel, with a right signature where it takes one. */
  enter(channel, data) {
    const channel_data = data === undefined || typeof data === "string" ? data : JSON.stringify(data);
    const text = [this.id, channel, channel_data].filter((part) => part !== undefined).join(":");
    const auth = /^(private|presence)-/.test(channel) ? sign(text, this.app) : "";
    this.send("pusher:subscribe", { channel, auth, channel_data });
  }

  /** Enters a channel; what it is told. */
  async subscribe(channel, data) {
    this.enter(channel, data);
    const answer = await this.next();
    assert.equal(answer.event, "pusher_internal:subscription_succeeded", JSON.stringify(answer));
    assert.equal(answer.channel, channel);
    assert.equal(typeof answer.data, "string");
    return JSON.parse(answer.data);
  }

  /** Signs in with right data; what it is told. */
  async signIn(user, text = JSON.stringify(user)) {
    this.send("pusher:signin", { auth: sign(`${this.id}::user::${text}`, this.app), user_data: text });
    return this.next();
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * The query of a request, signed as the documentation says. What is given as `query` is signed and
 * sent as it is; what is given as `auth` takes the place of what would stand there.
 */
export function signedQuery(method, where, { app = apps.main, query = {}, body = "", auth = {} } = {}) {
  const digest = body === "" ? {} : { body_md5: md5(body) };
  const given = { auth_key: app.key, auth_timestamp: String(Math.floor(Date.now() / 1000)), auth_version: "1.0", ...digest, ...query, ...auth };
  const parameters = Object.entries(given).filter(([, value]) => value !== undefined);
  const ordered = parameters.map(([name, value]) => [name.toLowerCase(), value]).sort(([one], [other]) => (one < other ? -1 : 1));
  const text = [method, where, ordered.map(([name, value]) => `${name}=${value}`).join("&")].join("\n");
  const signature = auth.auth_signature ?? createHmac("sha256", app.secret).update(text).digest("hex");
  return new URLSearchParams([...parameters.filter(([name]) => name !== "auth_signature"), ["auth_signature", signature]]).toString();
}

export function md5(text) {
  return createHash("md5").update(text).digest("hex");
}

/** A signed request with nothing of a library around it: its status, its words, its headers. */
export async function ask(method, where, options = {}) {
  const { app = apps.main, at = url, body, sent = body, headers = {} } = options;
  const target = `/apps/${app.id}${where}`;
  const answer = await fetch(`${at}${target}?${signedQuery(method, target, options)}`, { method, body: sent, headers: { "Content-Type": "application/json", ...headers } });
  const text = await answer.text();
  return { status: answer.status, text, headers: answer.headers, json: answer.ok ? JSON.parse(text) : undefined };
}

/** Publishes; what is answered. */
export function publish(event, options = {}) {
  return ask("POST", "/events", { body: JSON.stringify(event), ...options });
}

/** Every event of a channel that was published before has been heard once this one is. */
export async function marked(channel, ...sockets) {
  const { status, text } = await publish({ name: "mark", data: "", channel }, { app: sockets[0].app });
  assert.equal(status, 200, text);
  await Promise.all(sockets.map((socket) => socket.next("mark")));
}

/**
 * A server of one test alone: of the applications of `campanile.toml`, or with the settings that
 * `toml` is.
 */
export async function start(t, { toml, environment = {} } = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "campanile-clients-"));
  const env = { ...process.env, ...environment };
  if (toml !== undefined) {
    env.CAMPANILE_CONFIG = path.join(folder, "campanile.toml");
    fs.writeFileSync(env.CAMPANILE_CONFIG, toml);
  }
  let server;
  const isThere = () => server.process.exitCode === null && server.process.signalCode === null;
  t.after(async () => {
    if (isThere()) {
      server.process.kill("SIGKILL");
      await once(server.process, "exit");
    }
    fs.rmSync(folder, { recursive: true, force: true });
  });
  // Somebody else may have taken a port that was free.
  for (let attempt = 1; ; attempt++) {
    const [port, metrics] = [await freePort(), await freePort()];
    const options = ["serve", "--listen", `127.0.0.1:${port}`, "--metrics-listen", `127.0.0.1:${metrics}`, "--data-dir", folder];
    server = { url: `http://127.0.0.1:${port}`, metrics: `http://127.0.0.1:${metrics}/metrics`, process: spawn(setting("BINARY"), options, { stdio: "ignore", env }) };
    const isReady = await eventually(async () => !isThere() || (await fetch(`${server.url}/readyz`)).ok || assert.fail("it is not ready"), 20_000);
    assert.ok(isReady);
    if (isThere()) return server;
    assert.ok(attempt < 3, "the server ends at once");
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

export function setting(name) {
  const value = process.env[`CAMPANILE_${name}`];
  assert.ok(value, `CAMPANILE_${name} is not set: run \`cargo xtask test --only clients\``);
  return value;
}
