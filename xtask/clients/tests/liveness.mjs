// Section 2: who is asked whether they are there, and when they are given up.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import { Socket, apps, client, frames, pause, within } from "../harness.mjs";

test("2.1 a ping is answered by a pong", async (t) => {
  const socket = await Socket.open(t);
  for (const ping of ['{"event":"pusher:ping","data":{}}', '{"event":"pusher:ping"}', '{"event":"pusher:ping","data":"{}"}']) {
    socket.raw(ping);
    assert.equal((await socket.next()).event, "pusher:pong");
  }
});

test("2.1 a ping of the WebSocket is answered with what it holds", async (t) => {
  const socket = await Socket.open(t);
  const pong = once(socket.control, "pong");
  socket.control.ping("are you there?");
  assert.equal(String((await pong)[0]), "are you there?");
});

test("2.2 2.3 trap 12: who says nothing is asked after the activity timeout and closed with 4201, subscribed or not", async (t) => {
  const start = performance.now();
  const socket = await Socket.open(t, { app: apps.brisk });
  assert.equal((await socket.next()).event, "pusher:ping");
  assert.ok(performance.now() - start > 900);
  const { code, at } = await socket.close();
  assert.equal(code, 4201);
  assert.ok(at - start > 1_900 && at - start < 5_000, `after ${at - start} ms`);
});

test("2.2 any frame is activity, and so who sends is not asked", async (t) => {
  const socket = await Socket.open(t, { app: apps.brisk });
  for (let time = 0; time < 8; time++) {
    await pause(300);
    socket.send("pusher:unsubscribe", { channel: "nowhere" });
  }
  assert.deepEqual(socket.frames, []);
});

test("2.2 2.3 who answers stays", async (t) => {
  const socket = await Socket.open(t, { app: apps.brisk });
  for (let time = 0; time < 3; time++) {
    await socket.next("pusher:ping");
    socket.send("pusher:pong", {});
  }
  await socket.settled();
});

test("2.4 who says nothing but that it is there is closed with 4202 in the end", async (t) => {
  const start = performance.now();
  const [bare, framed, talks] = await Promise.all([0, 0, 0].map(() => Socket.open(t, { app: apps.hurried })));
  framed.control.ping();
  framed.control.on("ping", (payload) => framed.control.pong(payload));
  bare.control.on("message", (bytes) => String(bytes).includes("pusher:ping") && bare.send("pusher:pong", {}));
  const talking = setInterval(() => talks.send("pusher:ping", {}), 500);
  t.after(() => clearInterval(talking));
  for (const socket of [bare, framed]) {
    const { code, at } = await socket.close();
    assert.equal(code, 4202);
    assert.ok(at - start > 2_900 && at - start < 6_000, `after ${at - start} ms`);
  }
  await talks.settled();
});

test("2.2 who has used control frames is asked with them", async (t) => {
  const socket = await Socket.open(t, { app: apps.brisk });
  socket.control.ping();
  const payload = await within("a ping", (resolve) => socket.control.once("ping", resolve));
  socket.control.pong(payload);
  await once(socket.control, "ping");
  assert.deepEqual(socket.frames, []);
});

test("2.5 pusher-js asks by itself and is answered, and answers when it is asked", async (t) => {
  const asking = await client(t, { activityTimeout: 400, pongTimeout: 500 });
  const heard = frames(asking);
  await pause(1_000);
  assert.ok(heard.filter(({ event }) => event === "pusher:pong").length >= 2);
  assert.equal(asking.connection.state, "connected");
  const answering = await client(t, { app: apps.brisk, activityTimeout: 60_000 });
  const states = [];
  answering.connection.bind("state_change", ({ current }) => states.push(current));
  await pause(3_500);
  assert.deepEqual(states, []);
});
