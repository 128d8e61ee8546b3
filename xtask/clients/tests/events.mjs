// Section 7: what is said in channels, by publishers and by clients.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Socket, apps, ask, client, eventually, happens, library, marked, publish, subscribed, tells, unique } from "../harness.mjs";

/** Two connections on one channel. */
async function pair(t, channel, app) {
  const sockets = [await Socket.open(t, { app }), await Socket.open(t, { app })];
  const member = (user_id) => (channel.startsWith("presence-") ? { user_id } : undefined);
  await sockets[0].subscribe(channel, member("ada"));
  await sockets[1].subscribe(channel, member("bob"));
  await marked(channel, ...sockets);
  for (const socket of sockets) socket.frames.splice(0);
  return sockets;
}

test("7.1 an event is heard as it was published", async (t) => {
  const pusher = await client(t);
  const name = unique("news");
  const channel = await subscribed(pusher, name);
  for (const data of [{ text: "hello" }, "hello", 42, ["a", null], "{not json", "", "\u2028 \ud83d\ude00"]) {
    const heard = happens(channel, "said");
    await library().trigger(name, "said", data);
    assert.deepEqual(await heard, data);
  }
});

test("7.1 data is a string, to the byte as it was given", async (t) => {
  const socket = await Socket.open(t);
  const channel = unique("news");
  await socket.subscribe(channel);
  for (const data of ['{ "b":1.0,  "a":"\\u00e9" }', "plain", '"quoted"', "\n\t", "12345678901234567890"]) {
    await publish({ name: "said", data, channel });
    assert.deepEqual(await socket.next(), { event: "said", channel, data });
  }
});

test("7.2 names in the space of the protocol are not published", async () => {
  for (const name of ["pusher:error", "pusher_internal:member_added", "pusher:"]) {
    const { status, text } = await publish({ name, data: "", channel: unique("news") });
    assert.equal(status, 400, text);
  }
});

for (const kind of ["private-", "presence-", "private-cache-", "presence-cache-"]) {
  test(`7.3 7.4 trap 1: a client event on ${kind} channels is heard by all others`, async (t) => {
    const name = unique(`${kind}room`);
    const [ada, bob] = [await client(t, { user: { id: "ada" } }), await client(t, { user: { id: "bob" } })];
    const [says, hears] = [await subscribed(ada, name), await subscribed(bob, name)];
    let echoes = 0;
    says.bind("client-typing", () => echoes++);
    const heard = tells(hears, "client-typing");
    assert.equal(says.trigger("client-typing", { on: true }), true);
    const { data, user_id } = await heard;
    assert.deepEqual(data, { on: true });
    assert.equal(user_id, kind.startsWith("presence-") ? "ada" : undefined);
    const mark = happens(says, "mark");
    await library().trigger(name, "mark", "");
    await mark;
    assert.equal(echoes, 0);
  });
}

test("7.4 trap 1: what the sender says of who it is, and all else, is dropped", async (t) => {
  const channel = unique("presence-room");
  const [ada, bob] = await pair(t, channel);
  ada.raw(JSON.stringify({ event: "client-hello", channel, data: { a: 1 }, user_id: "eve", socket_id: "1.1", extra: true }));
  assert.deepEqual(await bob.next(), { event: "client-hello", channel, data: { a: 1 }, user_id: "ada" });
  const quiet = unique("private-room");
  const [one, other] = await pair(t, quiet);
  one.raw(JSON.stringify({ event: "client-hello", channel: quiet, data: { a: 1 }, user_id: "eve" }));
  assert.deepEqual(await other.next(), { event: "client-hello", channel: quiet, data: { a: 1 } });
});

test("7.4 a signed-in socket without channel_data speaks as who it signed in as", async (t) => {
  const channel = unique("presence-room");
  const [ada, bob] = [await Socket.open(t), await Socket.open(t)];
  await bob.subscribe(channel, { user_id: "bob" });
  await ada.signIn({ id: "ada" });
  await ada.subscribe(channel);
  await bob.next("pusher_internal:member_added");
  ada.send("client-hello", {}, channel);
  assert.equal((await bob.next("client-hello")).user_id, "ada");
});

test("7.5 client events on encrypted channels are refused", async (t) => {
  const channel = unique("private-encrypted-room");
  const [ada, bob] = await pair(t, channel);
  ada.send("client-hello", {}, channel);
  assert.equal((await ada.error()).code, null);
  await marked(channel, bob);
  assert.deepEqual(bob.frames, []);
});

test("7.6 trap 9: the eleventh client event in a second is dropped with 4301, and the connection stays", async (t) => {
  const channel = unique("private-room");
  const [ada, bob] = await pair(t, channel);
  for (let number = 0; number < 15; number++) ada.send("client-count", number, channel);
  assert.deepEqual(await ada.error(), { code: 4301, message: "more than 10 client events in a second" });
  await ada.settled();
  await marked(channel, bob);
  const heard = bob.frames.map(({ data }) => data);
  assert.deepEqual(heard.slice(0, 10), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.ok(heard.length < 15, `${heard.length} were heard`);
  await eventually(async () => {
    ada.frames.splice(0);
    ada.send("client-later", null, channel);
    await ada.settled();
    assert.deepEqual(ada.frames, []);
  });
});

test("7.6 who goes on sending too many is closed with 4100 where the application says so, and pusher-js comes back", async (t) => {
  const channel = unique("private-room");
  const [ada, bob] = await pair(t, channel, apps.strict);
  for (let number = 0; number < 60; number++) ada.send("client-count", number, channel);
  assert.equal((await ada.close()).code, 4100);
  // Five may be refused, and the next one is the end.
  assert.deepEqual(ada.frames.map(({ data }) => data.code), Array(6).fill(4301));
  await marked(channel, bob);
  const pusher = await client(t, { app: apps.strict });
  const said = await subscribed(pusher, channel);
  const again = happens(pusher.connection, "connecting");
  for (let number = 0; number < 60; number++) said.trigger("client-count", number);
  await again;
  await happens(pusher.connection, "connected");
});

test("7.7 trap 9: who has not the right is told without a code, and nobody hears it", async (t) => {
  const [closed, open] = [unique("private-room"), unique("news")];
  const [ada, bob] = await pair(t, closed);
  await bob.subscribe(open);
  await ada.subscribe(open);
  ada.send("client-hello", {}, open);
  assert.deepEqual(await ada.error(), { code: null, message: "client events are sent on private and presence channels only" });
  const outside = await Socket.open(t);
  outside.send("client-hello", {}, closed);
  assert.deepEqual(await outside.error(), { code: null, message: "client events are sent by subscribers of the channel only" });
  await outside.settled();
  await ada.settled();
  await marked(closed, bob);
  await marked(open, bob);
  assert.deepEqual(bob.frames, []);
});

test("7.7 where the application has switched client events off they are refused", async (t) => {
  const channel = unique("private-room");
  const [ada, bob] = await pair(t, channel, apps.counted);
  ada.send("client-hello", {}, channel);
  assert.deepEqual((await ada.next("pusher:error")).data, { code: null, message: "client events are not enabled for this application" });
  await marked(channel, bob);
  assert.deepEqual(bob.frames, []);
});

test("7.7 pusher-js is not let say anything on a public channel, and stays", async (t) => {
  const pusher = await client(t);
  const channel = await subscribed(pusher, unique("news"));
  channel.trigger("client-hello", {});
  const { data } = await happens(pusher.connection, "error");
  assert.equal(data.code, null);
  assert.equal((await ask("GET", `/channels/${channel.name}`)).json.occupied, true);
});

test("7.8 other events of clients are never relayed", async (t) => {
  const channel = unique("private-room");
  const [ada, bob] = await pair(t, channel);
  for (const event of ["hello", "pusher:hello", "pusher_internal:member_added", "Client-hello", "", "pusher:connection_established"]) {
    ada.send(event, {}, channel);
    assert.equal((await ada.error()).code, null, event);
  }
  await marked(channel, bob);
  assert.deepEqual(bob.frames, []);
});

const nested = (depth) => `{"event":"client-a","channel":"private-a","data":${"[".repeat(depth)}${"]".repeat(depth)}}`;

/** What is no frame, with what is said of it. */
const MALFORMED = {
  "": "not valid JSON",
  "{": "not valid JSON",
  "nonsense\r\nlog line": "not valid JSON",
  '{"event":"pusher:ping"} {}': "not valid JSON",
  '{"event":"pusher:ping","data":{"a":NaN}}': "not valid JSON",
  "[]": "not a JSON object",
  "null": "not a JSON object",
  '"pusher:ping"': "not a JSON object",
  "42": "not a JSON object",
  "{}": "`event` is missing",
  '{"event":null}': "`event` is missing",
  '{"event":7}': "`event` has the wrong type",
  '{"event":"pusher:ping","event":"pusher:ping"}': "a field comes twice",
  '{"event":"pusher:subscribe"}': "`data` is missing",
  '{"event":"pusher:subscribe","data":7}': "`data` has the wrong type",
  '{"event":"pusher:subscribe","data":"{"}': "not valid JSON",
  '{"event":"pusher:subscribe","data":{}}': "`channel` is missing",
  '{"event":"pusher:subscribe","data":{"channel":["a"]}}': "`channel` has the wrong type",
  '{"event":"client-a","data":{}}': "`channel` is missing",
  [nested(32)]: "JSON nested deeper than 32",
  [nested(10_000)]: "JSON nested deeper than 32",
  [`{"event":"client-${"a".repeat(200)}","channel":"private-a"}`]: "the name of the event has more than 200 characters",
  [`{"event":"client-a","channel":"private-a","data":"${"a".repeat(10_240)}"}`]: "the data of the event has more than 10240 bytes",
};

test("7.9 trap 7: each malformed frame gets its exact error, and the connection beside it notices nothing", async (t) => {
  const channel = unique("private-room");
  const [bad, healthy] = await pair(t, channel);
  const wrong = {};
  for (const [frame, message] of Object.entries(MALFORMED)) {
    bad.raw(frame);
    const { data: error } = await bad.next("pusher:error");
    if (error.code !== null || error.message !== message) wrong[frame.slice(0, 80)] = error;
    await marked(channel, bad, healthy);
  }
  assert.deepEqual(wrong, {});
  assert.deepEqual([bad.frames, healthy.frames], [[], []]);
});

test("7.9 a frame over the limit is closed with 1009, and one below is read", async (t) => {
  const channel = unique("private-room");
  const [bad, healthy] = await pair(t, channel);
  bad.raw(`{"event":"pusher:ping","data":"${"a".repeat(60_000)}"}`);
  await bad.next("pusher:pong");
  bad.raw(`{"event":"pusher:ping","data":"${"a".repeat(70_000)}"}`);
  assert.equal((await bad.close()).code, 1009);
  await marked(channel, healthy);
  assert.deepEqual(healthy.frames, []);
});

test("7.9 an application may have a limit of frames that is its own", async (t) => {
  const [terse, other] = [await Socket.open(t, { app: apps.terse }), await Socket.open(t)];
  const ping = (length) => JSON.stringify({ event: "pusher:ping", data: "" }).replace('""', `"${"x".repeat(length - 33)}"`);
  for (const length of [499, 500]) {
    assert.equal(ping(length).length, length);
    terse.raw(ping(length));
    assert.equal((await terse.next()).event, "pusher:pong");
  }
  terse.raw(ping(501));
  other.raw(ping(501));
  assert.equal((await terse.close()).code, 1009);
  assert.equal((await other.next()).event, "pusher:pong");
});

test("7.9 text that is not UTF-8 is closed with 1007, and a broken frame with 1002", async (t) => {
  const [invalid, broken] = [await Socket.open(t), await Socket.open(t)];
  invalid.raw(Buffer.from([0x7b, 0xff, 0x7d]), { binary: false });
  assert.equal((await invalid.close()).code, 1007);
  broken.control._socket.write(Buffer.from([0xf1, 0x80, 0, 0, 0, 0]));
  assert.equal((await broken.close()).code, 1002);
});

test("7.10 all subscribers hear one order, that of acceptance", async (t) => {
  const channel = unique("news");
  const sockets = await Promise.all(Array.from({ length: 12 }, () => Socket.open(t)));
  await Promise.all(sockets.map((socket) => socket.subscribe(channel)));
  const numbers = (length) => Array.from({ length }, (_, number) => number);
  for (const number of numbers(20)) await publish({ name: "next", data: String(number), channel });
  // And many at once: in any order, but in one.
  await Promise.all(numbers(40).map((number) => publish({ name: "crowd", data: String(number), channel })));
  await marked(channel, ...sockets);
  const orders = sockets.map((socket) => socket.frames.map(({ data }) => data).join(" "));
  assert.equal(new Set(orders).size, 1);
  assert.deepEqual(sockets[0].frames.slice(0, 20).map(({ data }) => Number(data)), numbers(20));
  assert.equal(sockets[0].frames.length, 60);
});

test("7.10 what a client says and what is published have one order too", async (t) => {
  const channel = unique("private-room");
  const sockets = await Promise.all([1, 2, 3, 4].map(() => Socket.open(t)));
  await Promise.all(sockets.map((socket) => socket.subscribe(channel)));
  const published = Array.from({ length: 10 }, (_, number) => publish({ name: "published", data: String(number), channel }));
  for (let number = 0; number < 10; number++) sockets[0].send("client-said", `c${number}`, channel);
  await Promise.all(published);
  await sockets[0].settled();
  await marked(channel, ...sockets);
  const orders = sockets.slice(1).map((socket) => socket.frames.map(({ data }) => data).join(" "));
  assert.equal(new Set(orders).size, 1);
  assert.equal(sockets[1].frames.length, 20);
});
