// Section 6: who is there, and who is told.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Socket, apps, ask, client, eventually, happens, marked, subscribed, unique } from "../harness.mjs";

const ADA = { user_id: "ada", user_info: { name: "Ada" } };

test("5.7 6.1 6.2 pusher-js sees who is there, who comes, and who goes", async (t) => {
  const name = unique("presence-room");
  const ada = await client(t, { user: { id: "ada", user_info: { name: "Ada" } } });
  const there = await subscribed(ada, name);
  assert.deepEqual([there.members.count, there.members.myID, there.members.me.info], [1, "ada", { name: "Ada" }]);
  const comes = happens(there, "pusher:member_added");
  const bob = await client(t, { user: { id: "bob", user_info: { name: "Bob" } } });
  const here = await subscribed(bob, name);
  assert.deepEqual(await comes, { id: "bob", info: { name: "Bob" } });
  assert.deepEqual(here.members.members, { ada: { name: "Ada" }, bob: { name: "Bob" } });
  assert.equal(here.members.count, 2);
  const goes = happens(there, "pusher:member_removed");
  bob.disconnect();
  assert.deepEqual(await goes, { id: "bob", info: { name: "Bob" } });
  assert.equal(there.members.count, 1);
});

test("5.7 the list has each user once, the new one included", async (t) => {
  const channel = unique("presence-room");
  const sockets = await Promise.all(["ada", "bob", "ada"].map(() => Socket.open(t)));
  await sockets[0].subscribe(channel, ADA);
  await sockets[1].subscribe(channel, { user_id: "bob" });
  const { presence } = await sockets[2].subscribe(channel, ADA);
  assert.deepEqual([presence.ids.toSorted(), presence.count, Object.keys(presence.hash).sort()], [["ada", "bob"], 2, ["ada", "bob"]]);
  const { json } = await ask("GET", `/channels/${channel}`, { query: { info: "user_count" } });
  assert.deepEqual(json, { occupied: true, user_count: 2 });
});

test("6.1 6.2 only the first connection of a user comes, and only the last one goes", async (t) => {
  const channel = unique("presence-room");
  const [bob, one, other] = await Promise.all([1, 2, 3].map(() => Socket.open(t)));
  await bob.subscribe(channel, { user_id: "bob" });
  await one.subscribe(channel, ADA);
  assert.deepEqual(await bob.next(), { event: "pusher_internal:member_added", channel, data: JSON.stringify(ADA) });
  await other.subscribe(channel, ADA);
  await marked(channel, bob, one, other);
  assert.deepEqual([bob.frames, one.frames, other.frames], [[], [], []]);
  one.send("pusher:unsubscribe", { channel });
  await one.settled();
  await marked(channel, bob, other);
  assert.deepEqual(bob.frames, []);
  other.cut();
  assert.deepEqual(await bob.next(), { event: "pusher_internal:member_removed", channel, data: '{"user_id":"ada"}' });
});

test("6.1 who comes back is told of again", async (t) => {
  const channel = unique("presence-room");
  const [ada, bob] = [await Socket.open(t), await Socket.open(t)];
  await bob.subscribe(channel, { user_id: "bob" });
  for (let time = 0; time < 3; time++) {
    await ada.subscribe(channel, ADA);
    assert.equal((await bob.next()).event, "pusher_internal:member_added");
    ada.send("pusher:unsubscribe", { channel });
    assert.equal((await bob.next()).event, "pusher_internal:member_removed");
  }
});

test("6.1 what a member is told to be is handed on as it was signed", async (t) => {
  const channel = unique("presence-room");
  const [ada, bob] = [await Socket.open(t), await Socket.open(t)];
  await bob.subscribe(channel, { user_id: "bob" });
  // Half a surrogate pair, and a number that JavaScript would round.
  const member = '{"user_id":"ada","user_info":{"cut":"\\ud83d","big":12345678901234567890, "n":1.0}}';
  await ada.subscribe(channel, member);
  assert.equal((await bob.next()).data, member);
});

test("6.3 more members than may be are refused, and nobody joins", async (t) => {
  const channel = unique("presence-room");
  const sockets = await Promise.all([1, 2, 3].map(() => Socket.open(t, { app: apps.brisk })));
  await sockets[0].subscribe(channel, { user_id: "1" });
  await sockets[1].subscribe(channel, { user_id: "2" });
  await sockets[0].next("pusher_internal:member_added");
  sockets[2].enter(channel, { user_id: "3" });
  const refused = await sockets[2].next("pusher:error");
  assert.deepEqual(refused.data, { code: null, message: `cannot subscribe to ${channel}: it has 2 members` });
  // Another connection of one who is there is no further member.
  sockets[2].enter(channel, { user_id: "2" });
  assert.equal((await sockets[2].next("pusher_internal:subscription_succeeded")).channel, channel);
  await marked(channel, sockets[0]);
  assert.deepEqual(sockets[0].frames.filter(({ event }) => event.startsWith("pusher_internal:")), []);
});

test("6.3 longer infos and longer ids are refused, and nobody joins", async (t) => {
  const socket = await Socket.open(t);
  const info = (bytes) => ({ user_id: "ada", user_info: "x".repeat(bytes - 2) });
  await socket.subscribe(unique("presence-room"), info(1_024));
  await socket.subscribe(unique("presence-room"), { user_id: "i".repeat(128) });
  for (const data of [info(1_025), { user_id: "i".repeat(129) }]) {
    const channel = unique("presence-room");
    socket.enter(channel, data);
    assert.equal((await socket.error()).code, null);
    assert.equal((await ask("GET", `/channels/${channel}`)).json.occupied, false);
  }
});

test("6.3 a hundred members is the default, and the hundred and first is refused", async (t) => {
  const channel = unique("presence-room");
  const sockets = await Promise.all(Array.from({ length: 101 }, () => Socket.open(t)));
  for (const [number, socket] of sockets.slice(0, 100).entries()) {
    socket.enter(channel, { user_id: number });
    await socket.next("pusher_internal:subscription_succeeded");
  }
  sockets[100].enter(channel, { user_id: "one-too-many" });
  assert.match((await sockets[100].error()).message, /it has 100 members/);
  await eventually(async () => assert.equal((await ask("GET", `/channels/${channel}/users`)).json.users.length, 100));
});
