// Sections 8 and 9: channels that keep their last event, and channels that tell how many hear them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Socket, apps, ask, client, happens, library, pause, publish, subscribed, tells, unique } from "../harness.mjs";

const KINDS = ["cache-", "private-cache-", "private-encrypted-cache-", "presence-cache-"];

for (const kind of KINDS) {
  test(`8.1 8.2 pusher-js hears on ${kind} channels what was published last, or that there is nothing`, async (t) => {
    const name = unique(`${kind}news`);
    const first = await client(t, { user: { id: "ada" } });
    const missed = happens(first.subscribe(name), "pusher:cache_miss");
    await missed;
    await library().trigger(name, "said", "earlier");
    await library().trigger(name, "said", { last: true });
    const later = await client(t, { user: { id: "bob" } });
    const said = happens(later.subscribe(name), "said");
    assert.deepEqual(await said, { last: true });
  });
}

test("8.1 the kept event is the first one after the answer, and has its name and nothing else", async (t) => {
  const channel = unique("cache-news");
  await publish({ name: "said", data: '{ "to": "the byte" }', channel });
  const socket = await Socket.open(t);
  await socket.subscribe(channel);
  assert.deepEqual(await socket.next(), { event: "said", channel, data: '{ "to": "the byte" }' });
  await socket.settled();
  assert.deepEqual(socket.frames, []);
});

test("8.2 a miss names its channel and comes once", async (t) => {
  const channel = unique("private-cache-news");
  const socket = await Socket.open(t);
  await socket.subscribe(channel);
  assert.deepEqual(await socket.next(), { event: "pusher:cache_miss", channel });
  await socket.settled();
  assert.deepEqual(socket.frames, []);
});

test("8.3 client events are not kept", async (t) => {
  const channel = unique("private-cache-room");
  const [ada, bob, late] = await Promise.all([1, 2, 3].map(() => Socket.open(t)));
  for (const socket of [ada, bob]) {
    await socket.subscribe(channel);
    await socket.next("pusher:cache_miss");
  }
  ada.send("client-hello", {}, channel);
  await bob.next("client-hello");
  await late.subscribe(channel);
  assert.equal((await late.next()).event, "pusher:cache_miss");
});

test("8.3 an event is kept for its time from when it was published, and no longer", async (t) => {
  const channel = unique("cache-news");
  await publish({ name: "said", data: "soon gone", channel }, { app: apps.brisk });
  const { json } = await ask("GET", `/channels/${channel}`, { app: apps.brisk, query: { info: "cache" } });
  assert.equal(json.cache.data, "soon gone");
  await pause(1_100);
  const socket = await Socket.open(t, { app: apps.brisk });
  await socket.subscribe(channel);
  assert.equal((await socket.next()).event, "pusher:cache_miss");
  assert.equal((await ask("GET", `/channels/${channel}`, { app: apps.brisk, query: { info: "cache" } })).json.cache, null);
});

test("8.3 half an hour is the default", async () => {
  const channel = unique("cache-news");
  await publish({ name: "said", data: "kept", channel });
  const { ttl } = (await ask("GET", `/channels/${channel}`, { query: { info: "cache" } })).json.cache;
  assert.ok(ttl > 1_790 && ttl <= 1_800, `${ttl} s`);
});

test("8.4 of an encrypted channel the ciphertext is kept", async (t) => {
  const channel = unique("private-encrypted-cache-room");
  await library().trigger(channel, "secret", "the treasure is buried");
  const socket = await Socket.open(t);
  await socket.subscribe(channel);
  const { data } = await socket.next("secret");
  assert.deepEqual(Object.keys(JSON.parse(data)).sort(), ["ciphertext", "nonce"]);
});

test("9.1 nobody is told how many they are unless the application wants it", async (t) => {
  const channel = unique("news");
  const sockets = [await Socket.open(t), await Socket.open(t)];
  for (const socket of sockets) await socket.subscribe(channel);
  for (const socket of sockets) {
    await socket.settled();
    assert.deepEqual(socket.frames, []);
  }
});

for (const kind of ["", "private-", "private-encrypted-", "cache-"]) {
  test(`9.1 9.2 pusher-js is told each change of the number on ${kind || "public"} channels`, async (t) => {
    const name = unique(`${kind}room`);
    const [one, other] = [await client(t, { app: apps.counted }), await client(t, { app: apps.counted })];
    const channel = one.subscribe(name);
    assert.deepEqual(await happens(channel, "pusher:subscription_count"), { subscription_count: 1 });
    const second = tells(channel, "pusher:subscription_count");
    await subscribed(other, name);
    assert.deepEqual((await second).data, { subscription_count: 2 });
    assert.equal(channel.subscriptionCount, 2);
    const third = tells(channel, "pusher:subscription_count");
    other.disconnect();
    assert.deepEqual((await third).data, { subscription_count: 1 });
  });
}

test("9.1 the number is a string of JSON, and presence channels have none", async (t) => {
  const [news, room] = [unique("news"), unique("presence-room")];
  const socket = await Socket.open(t, { app: apps.counted });
  await socket.subscribe(room, { user_id: "ada" });
  await socket.subscribe(news);
  assert.deepEqual(await socket.next(), { event: "pusher_internal:subscription_count", channel: news, data: '{"subscription_count":1}' });
  await socket.settled();
  assert.deepEqual(socket.frames, []);
});

test("9.2 above a hundred subscribers the number is told at most every five seconds", async (t) => {
  const channel = unique("news");
  const sockets = await Promise.all(Array.from({ length: 110 }, () => Socket.open(t, { app: apps.counted })));
  const [first, ...others] = sockets;
  const start = performance.now();
  await first.subscribe(channel);
  const [hundred, more] = [others.slice(0, 99), others.slice(99)];
  for (const socket of hundred) {
    socket.enter(channel);
    await socket.next("pusher_internal:subscription_succeeded");
  }
  const counts = () => first.frames.map(({ data }) => JSON.parse(data).subscription_count);
  await first.settled();
  assert.equal(Math.max(...counts()), 100);
  first.frames.splice(0);
  for (const socket of more) {
    socket.enter(channel);
    await socket.next("pusher_internal:subscription_succeeded");
  }
  await pause(5_500);
  const told = counts();
  assert.ok(told.length <= 3, `${told.length} times within ${performance.now() - start} ms: ${told}`);
  assert.equal(told.at(-1), 110);
});
