// Section 1: who may connect, and what is said first. And section 3: how connections are closed.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Socket, address, apps, client, dialing, eventually, frames, happens, pause, url } from "../harness.mjs";

/** A close that is announced first, with the same code. */
async function closes(t, code, where, options) {
  const socket = Socket.dial(t, where, options);
  const { event, data } = await socket.next();
  assert.equal(event, "pusher:error");
  assert.equal(data.code, code);
  assert.equal(typeof data.message, "string");
  assert.equal((await socket.close()).code, code);
  assert.deepEqual(socket.frames, []);
}

test("1.1 1.3 pusher-js connects, with its socket id from a string of JSON", async (t) => {
  const pusher = await client(t);
  assert.match(pusher.connection.socket_id, /^\d+\.\d+$/);
  const socket = await Socket.open(t);
  assert.deepEqual(Object.keys(socket.greeting).sort(), ["activity_timeout", "socket_id"]);
});

test("1.1 what the query holds besides is ignored", async (t) => {
  await Socket.open(t, { query: "protocol=7&client=js&version=8.6.0&flash=false&colour=blue&colour=red" });
});

test("1.1 pusher-js connects under a prefix", async (t) => {
  const pusher = await client(t, { wsPath: "/behind/a-proxy" });
  const { socket_id } = pusher.connection;
  assert.match(socket_id, /^\d+\.\d+$/);
});

for (const protocol of [5, 6, 7]) {
  test(`1.2 protocol ${protocol} is spoken`, (t) => Socket.open(t, { query: `protocol=${protocol}` }));
}

test("1.3 nothing comes before the greeting, whatever is sent at once", async (t) => {
  const socket = Socket.dial(t, `/app/${apps.main.key}?protocol=7`);
  await socket.opened;
  socket.send("pusher:ping", {});
  socket.raw("{");
  assert.deepEqual([await socket.next(), await socket.next(), await socket.next()].map(({ event }) => event), ["pusher:connection_established", "pusher:pong", "pusher:error"]);
});

test("1.4 the activity timeout is a number of seconds, and a setting", async (t) => {
  assert.equal((await Socket.open(t)).greeting.activity_timeout, 120);
  assert.equal((await Socket.open(t, { app: apps.brisk })).greeting.activity_timeout, 1);
});

test("1.5 socket ids are two numbers, unlike each other and without an order", async (t) => {
  const sockets = await Promise.all(Array.from({ length: 20 }, () => Socket.open(t)));
  const ids = sockets.map(({ id }) => id);
  ids.forEach((id) => assert.match(id, /^\d+\.\d+$/));
  assert.equal(new Set(ids.flatMap((id) => id.split("."))).size, 40);
  const numbers = ids.map((id) => Number(id.split(".")[0]));
  assert.notDeepEqual(numbers, numbers.toSorted((one, other) => one - other));
});

test("1.6 a binary frame is an error, and the connection stays", async (t) => {
  const socket = await Socket.open(t);
  socket.raw(Buffer.from('{"event":"pusher:ping"}'), { binary: true });
  assert.deepEqual(await socket.error(), { code: null, message: "frames are text" });
  await socket.settled();
});

test("1.7 1.12 3.2 trap 4: a key that nobody has is closed with 4001", (t) => closes(t, 4001, "/app/no-such-key?protocol=7"));
test("1.7 a key is not shown back", async (t) => {
  const socket = Socket.dial(t, "/app/no-such-key?protocol=7");
  assert.doesNotMatch(JSON.stringify(await socket.next()), /no-such-key/);
});
test("1.7 an application that is disabled is closed with 4003", (t) => closes(t, 4003, `/app/${apps.disabled.key}?protocol=7`));

test("1.7 over the quota of connections: 4004, until one has gone", async (t) => {
  const first = await Socket.open(t, { app: apps.single });
  await closes(t, 4004, `/app/${apps.single.key}?protocol=7`);
  await first.leave();
  await eventually(() => Socket.open(t, { app: apps.single }));
});

test("1.7 a wrong path is 404 before the upgrade", async (t) => {
  for (const where of ["/app", "/app/", `/app/${apps.main.key}/more`, `/apps/${apps.main.key}`]) {
    assert.equal(await Socket.dial(t, `${where}?protocol=7`).refused, 404, where);
  }
});

test("1.8 a version that is none: 4006", (t) => closes(t, 4006, `/app/${apps.main.key}?protocol=7&version=${encodeURIComponent("8\n6")}`));
for (const protocol of ["4", "8", "99", "seven", "-7", "7.0"]) {
  test(`1.8 trap 5: protocol ${protocol}: 4007`, (t) => closes(t, 4007, `/app/${apps.main.key}?protocol=${protocol}`));
}
test("1.8 trap 5: no protocol: 4008", (t) => closes(t, 4008, `/app/${apps.main.key}?client=js&version=8.6.0`));
test("1.9 by ws: to an application with TLS only: 4000", (t) => closes(t, 4000, `/app/${apps.tls.key}?protocol=7`));

test("1.10 who says nothing of who they are is closed with 4009", async (t) => {
  const socket = await Socket.open(t, { app: apps.guarded });
  await socket.subscribe("public");
  assert.equal((await socket.close()).code, 4009);
});

test("1.10 who enters a private channel or signs in stays", async (t) => {
  const entered = await Socket.open(t, { app: apps.guarded });
  await entered.subscribe("private-room");
  const signedIn = await Socket.open(t, { app: apps.guarded });
  await signedIn.signIn({ id: "ada" });
  const refused = await Socket.open(t, { app: apps.guarded });
  refused.send("pusher:subscribe", { channel: "private-room", auth: "wrong" });
  assert.equal((await refused.close()).code, 4009);
  await entered.settled();
  await signedIn.settled();
});

test("1.11 pages of other origins are closed with 4009, and programs without one come in", async (t) => {
  const { key } = apps.origins;
  for (const origin of ["https://evil.example", "http://chat.example", "https://chat.example.evil.example", "null"]) {
    await closes(t, 4009, `/app/${key}?protocol=7`, { headers: { Origin: origin } });
  }
  await Socket.open(t, { app: apps.origins, headers: { Origin: "https://chat.example" } });
  await Socket.open(t, { app: apps.origins });
});

test("3 1.12 trap 4: pusher-js stops for good at 4001 to 4009", async (t) => {
  for (const app of [{ ...apps.main, key: "no-such-key" }, apps.disabled]) {
    const pusher = dialing(t, { app });
    const states = [];
    pusher.connection.bind("state_change", ({ current }) => states.push(current));
    const failed = await happens(pusher.connection, "error");
    assert.ok([4001, 4003].includes(failed.error?.data?.code ?? failed.data?.code), JSON.stringify(failed));
    // It would come back after a second.
    await pause(1_500);
    assert.deepEqual(states.at(-1), "disconnected");
    assert.ok(states.filter((state) => state === "connecting").length <= 1, states.join(" "));
  }
});

test("3 1.9 pusher-js changes to TLS at 4000", async (t) => {
  const pusher = dialing(t, { app: apps.tls, wssPort: Number(new URL(url).port), enabledTransports: ["ws", "wss"] });
  const error = await happens(pusher.connection, "error");
  assert.equal(error.error.data.code, 4000);
  await eventually(() => assert.equal(pusher.connection.usingTLS, true));
});

test("3 pusher-js stops at 4009 when nobody said who it is", async (t) => {
  const pusher = await client(t, { app: apps.guarded });
  assert.equal((await happens(pusher.connection, "state_change")).current, "disconnected");
});

test("3.1 3.2 3.3 what does not close has no code from 4000 to 4299, and is an object", async (t) => {
  const socket = await Socket.open(t);
  const wrong = ['{"event":"pusher:subscribe","data":{"channel":"private-a","auth":"key-1001:00"}}', '{"event":"client-a","channel":"b","data":1}', '{"event":"pusher:signin","data":{"auth":"x","user_data":"{}"}}', '{"event":"pusher:x"}', "["];
  wrong.forEach((frame) => socket.raw(frame));
  for (const frame of wrong) {
    const error = await socket.error();
    assert.equal(error.code, null, frame);
    assert.equal(typeof error.message, "string");
  }
  await socket.settled();
});

test("3.3 pusher-js hears an error as an object, and stays", async (t) => {
  const pusher = await client(t);
  const heard = frames(pusher);
  pusher.send_event("pusher:unheard-of", {});
  const error = await happens(pusher.connection, "error");
  assert.deepEqual(error.data, { code: null, message: "unknown event in the space of the protocol" });
  assert.equal(heard.length, 1);
  assert.equal(pusher.connection.state, "connected");
});

test("1.1 the answer to the upgrade names no protocol that was not asked for", async (t) => {
  const socket = await Socket.open(t);
  assert.equal(socket.control.protocol, "");
  assert.deepEqual(Object.keys(address()), ["wsHost", "wsPort", "forceTLS", "enabledTransports", "cluster"]);
});
