// Section 12: what an application is told over HTTP, as the official library reads it.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { test } from "node:test";

import { Socket, apps, eventually, library, pause, sign, start, unique } from "../harness.mjs";

const { main } = apps;

/** How long nothing comes where nothing is to come. */
const SILENCE_MS = 1_500;

/** Receives webhooks: what came, and what it answers to the next ones. */
class Receiver {
  requests = [];
  answers = [];

  static async open(t) {
    const receiver = new Receiver();
    receiver.server = http.createServer((request, answer) => receiver.#take(request, answer)).listen(0, "127.0.0.1");
    await once(receiver.server, "listening");
    t.after(() => {
      receiver.server.closeAllConnections();
      receiver.server.close();
    });
    receiver.port = receiver.server.address().port;
    return receiver;
  }

  async #take(request, answer) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url, headers } = request;
    this.requests.push({ method, url, headers, rawBody: Buffer.concat(chunks).toString() });
    answer.writeHead(...(this.answers.shift() ?? [200])).end();
  }

  /** What the library reads in each request. */
  get webhooks() {
    return this.requests.map((request) => library().webhook(request));
  }

  /** All events of all requests. */
  get events() {
    return this.webhooks.flatMap((webhook) => webhook.getEvents());
  }

  /** Waits until exactly these events were told, in any order. */
  async tells(...events) {
    const inOrder = (list) => list.map((event) => JSON.stringify(event, Object.keys(event).sort())).sort();
    await eventually(() => assert.deepEqual(inOrder(this.events), inOrder(events)));
    this.requests.splice(0);
  }
}

/** A server that tells the receiver, and the receiver. */
async function telling(t, { host = "127.0.0.1", allow = ["127.0.0.1"], batch = 1, limits = "", app = "", events = [] } = {}) {
  const receiver = await Receiver.open(t);
  const toml = `
[webhooks]
allow = ${JSON.stringify(allow)}
batch = ${batch}
[[apps]]
id = "${main.id}"
key = "${main.key}"
secret = "${main.secret}"
${app}
[apps.limits]
webhook_linger_seconds = 1
${limits}
[[apps.webhooks]]
url = "http://${host}:${receiver.port}/hook"
events = ${JSON.stringify(events)}
`;
  const server = await start(t, { toml });
  return { receiver, at: server.url, metrics: server.metrics };
}

test("12.1 12.2 the library reads a webhook, and knows who signed it", async (t) => {
  const { receiver, at } = await telling(t, { events: ["channel_occupied"] });
  const before = Date.now();
  const socket = await Socket.open(t, { at });
  const channel = unique("news");
  await socket.subscribe(channel);
  await eventually(() => assert.equal(receiver.requests.length, 1));
  const [request] = receiver.requests;
  assert.deepEqual([request.method, request.url, request.headers["content-type"]], ["POST", "/hook", "application/json"]);
  assert.equal(request.headers["x-pusher-key"], main.key);
  assert.equal(request.headers["x-pusher-signature"], sign(request.rawBody).split(":")[1]);
  const webhook = library().webhook(request);
  assert.equal(webhook.isValid(), true);
  assert.deepEqual(webhook.getEvents(), [{ name: "channel_occupied", channel }]);
  const time = webhook.getTime().getTime();
  assert.ok(time >= before - 1 && time <= Date.now(), `${before} ${time}`);
  const forged = { ...request, rawBody: request.rawBody.replace(channel, "elsewhere") };
  assert.equal(library().webhook(forged).isValid(), false);
  assert.equal(library(apps.counted).webhook(request).isValid(), false);
});

test("12.1 several events come together where batching is on", async (t) => {
  const { receiver, at } = await telling(t, { batch: 10, events: ["channel_occupied"] });
  receiver.answers.push([503]);
  const socket = await Socket.open(t, { at });
  const channels = Array.from({ length: 8 }, () => unique("news"));
  for (const channel of channels) await socket.subscribe(channel);
  await eventually(() => {
    const told = receiver.events.map(({ channel }) => channel);
    assert.deepEqual([...new Set(told)].sort(), [...channels].sort());
  });
  const sizes = receiver.webhooks.map((webhook) => webhook.getEvents().length);
  assert.ok(Math.max(...sizes) > 1 && Math.max(...sizes) <= 10, String(sizes));
  assert.ok(receiver.webhooks.every((webhook) => webhook.isValid()));
});

test("12.3 every event is told, and says what it has to", async (t) => {
  const { receiver, at } = await telling(t, { app: "subscription_counts = true" });
  const socket = await Socket.open(t, { at });
  const enters = async (...where) => {
    socket.enter(...where);
    await socket.next("pusher_internal:subscription_succeeded");
  };
  const [room, seen, cached] = [unique("private-room"), unique("presence-room"), unique("cache-news")];
  await enters(room);
  await receiver.tells({ name: "channel_occupied", channel: room }, { name: "subscription_count", channel: room, subscription_count: 1 });
  await enters(seen, { user_id: "ada" });
  await receiver.tells({ name: "channel_occupied", channel: seen }, { name: "member_added", channel: seen, user_id: "ada" });
  socket.send("client-said", { n: 1.5, text: "h\u00e9" }, seen);
  await receiver.tells({ name: "client_event", channel: seen, event: "client-said", data: { n: 1.5, text: "h\u00e9" }, socket_id: socket.id, user_id: "ada" });
  socket.send("client-said", "hello", room);
  await receiver.tells({ name: "client_event", channel: room, event: "client-said", data: "hello", socket_id: socket.id });
  await enters(cached);
  await receiver.tells({ name: "channel_occupied", channel: cached }, { name: "cache_miss", channel: cached }, { name: "subscription_count", channel: cached, subscription_count: 1 });
  await socket.leave();
  const vacated = [room, seen, cached].map((channel) => ({ name: "channel_vacated", channel }));
  await receiver.tells(...vacated, { name: "member_removed", channel: seen, user_id: "ada" });
});

test("12.4 who is back in time was never gone", async (t) => {
  const { receiver, at } = await telling(t, { events: ["channel_vacated", "member_removed"] });
  const channel = unique("presence-room");
  const first = await Socket.open(t, { at });
  await first.subscribe(channel, { user_id: "ada" });
  await first.leave();
  const back = await Socket.open(t, { at });
  await back.subscribe(channel, { user_id: "ada" });
  await pause(1_000 + SILENCE_MS);
  assert.deepEqual(receiver.requests, []);
  const left = performance.now();
  await back.leave();
  await receiver.tells({ name: "channel_vacated", channel }, { name: "member_removed", channel, user_id: "ada" });
  assert.ok(performance.now() - left > 900, "it was waited for");
});

test("12.5 what is not taken is told again, to the byte, until it is", async (t) => {
  const { receiver, at, metrics } = await telling(t, { events: ["channel_occupied"] });
  receiver.answers.push([500], [404], [302, { Location: "/elsewhere" }]);
  const channel = unique("news");
  await (await Socket.open(t, { at })).subscribe(channel);
  await eventually(() => assert.equal(receiver.requests.length, 4), 20_000);
  await pause(SILENCE_MS);
  assert.equal(receiver.requests.length, 4, "it was taken");
  assert.deepEqual([...new Set(receiver.requests.map(({ rawBody }) => rawBody))].length, 1);
  assert.ok(receiver.webhooks.every((webhook) => webhook.isValid()));
  const text = await (await fetch(metrics)).text();
  assert.match(text, /chat_webhooks_sent_total\{event="channel_occupied"\} 1\n/);
});

test("12.6 nobody is led elsewhere by an answer", async (t) => {
  const { receiver, at } = await telling(t, { events: ["channel_occupied"] });
  const trap = await Receiver.open(t);
  receiver.answers.push([307, { Location: `http://127.0.0.1:${trap.port}/hook` }], [301, { Location: "/elsewhere" }]);
  await (await Socket.open(t, { at })).subscribe(unique("news"));
  await eventually(() => assert.equal(receiver.requests.length, 3), 20_000);
  assert.deepEqual([...new Set(receiver.requests.map(({ url }) => url))], ["/hook"]);
  assert.deepEqual(trap.requests, []);
});

test("12.6 a name that stands for a private address is not asked unless it is allowed", async (t) => {
  const { receiver, at, metrics } = await telling(t, { host: "localhost", allow: [], events: ["channel_occupied"] });
  await (await Socket.open(t, { at })).subscribe(unique("news"));
  await eventually(async () => {
    const text = await (await fetch(metrics)).text();
    assert.match(text, /chat_webhooks_failed_total\{event="channel_occupied",reason="[a-z_]+"\} [1-9]/);
  });
  assert.deepEqual(receiver.requests, []);
});
