// Two nodes that share a PostgreSQL and a Redis: whoever comes in at one is with those at the other.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Socket, apps, ask, client, eventually, frames, happens, library, publish, setting, subscribed, tells, unique, url } from "../harness.mjs";

const here = url;
const there = setting("OTHER_URL");

/** What an application's server does by way of each node. */
const by = [library(apps.main, here), library(apps.main, there)];

/** The data of so many events of pusher-js, in the order in which they come. */
function collected(channel, event, count) {
  const heard = [];
  return new Promise((resolve) => channel.bind(event, (data) => heard.push(data) === count && resolve(heard)));
}

test("5.7 6.1 6.2 trap 11 pusher-js sees who is at the other node, who comes, and who goes", async (t) => {
  const name = unique("presence-room");
  const ada = await client(t, { user: { id: "ada", user_info: { name: "Ada" } } });
  const ours = await subscribed(ada, name);
  const comes = happens(ours, "pusher:member_added");
  const bob = await client(t, { at: there, user: { id: "bob", user_info: { name: "Bob" } } });
  const theirs = await subscribed(bob, name);
  assert.deepEqual(await comes, { id: "bob", info: { name: "Bob" } });
  assert.deepEqual(theirs.members.members, { ada: { name: "Ada" }, bob: { name: "Bob" } });
  const goes = happens(ours, "pusher:member_removed");
  bob.disconnect();
  assert.deepEqual(await goes, { id: "bob", info: { name: "Bob" } });
  assert.equal(ours.members.count, 1);
});

test("6.1 6.2 only the first connection of a user comes, and only the last one goes, whichever nodes they are at", async (t) => {
  const channel = unique("presence-room");
  const [ada, one, other] = await Promise.all([here, here, there].map((at) => Socket.open(t, { at })));
  await ada.subscribe(channel, { user_id: "ada" });
  await one.subscribe(channel, { user_id: "bob" });
  const { presence } = await other.subscribe(channel, { user_id: "bob" });
  assert.deepEqual([presence.ids.toSorted(), presence.count], [["ada", "bob"], 2]);
  assert.deepEqual(JSON.parse((await ada.next()).data), { user_id: "bob", user_info: null });
  await one.leave();
  other.send("pusher:unsubscribe", { channel });
  const gone = await ada.next();
  assert.deepEqual([gone.event, JSON.parse(gone.data)], ["pusher_internal:member_removed", { user_id: "bob" }]);
  assert.deepEqual(ada.frames, []);
});

test("6.3 users who come over two nodes at once are no more than there may be", async (t) => {
  for (let round = 0; round < 20; round += 1) {
    const channel = unique("presence-room");
    const sockets = await Promise.all(Array.from({ length: 6 }, (_, number) => Socket.open(t, { app: apps.brisk, at: number % 2 ? there : here })));
    sockets.forEach((socket, number) => socket.enter(channel, { user_id: `user-${number}` }));
    const answers = await Promise.all(sockets.map((socket) => Promise.race([socket.next("pusher_internal:subscription_succeeded"), socket.next("pusher:error")])));
    const letIn = answers.filter(({ event }) => event !== "pusher:error");
    assert.equal(letIn.length, 2, JSON.stringify(answers));
    const { json } = await ask("GET", `/channels/${channel}/users`, { app: apps.brisk });
    assert.equal(json.users.length, 2);
    sockets.forEach((socket) => socket.cut());
  }
});

test("7.10 what is published over both nodes at once is heard in one order by all", async (t) => {
  const [name, each] = [unique("private-news"), 40];
  const clients = await Promise.all([here, there, here, there].map((at) => client(t, { at })));
  const channels = await Promise.all(clients.map((pusher) => subscribed(pusher, name)));
  const heard = Promise.all(channels.map((channel) => collected(channel, "said", 2 * each)));
  await Promise.all(by.map(async (server, node) => {
    for (let number = 0; number < each; number += 1) await server.trigger(name, "said", { node, number });
  }));
  const [first, ...others] = await heard;
  others.forEach((other) => assert.deepEqual(other, first));
  [0, 1].forEach((node) => assert.deepEqual(first.filter((said) => said.node === node).map(({ number }) => number), Array.from({ length: each }, (_, number) => number)));
});

test("7.10 publications that follow one another are heard in their order, whichever node takes them", async (t) => {
  const [name, count] = [unique("news"), 60];
  const clients = await Promise.all([here, there].map((at) => client(t, { at })));
  const channels = await Promise.all(clients.map((pusher) => subscribed(pusher, name)));
  const heard = Promise.all(channels.map((channel) => collected(channel, "said", count)));
  for (let number = 0; number < count; number += 1) await by[number % 2].trigger(name, "said", number);
  const wanted = Array.from({ length: count }, (_, number) => number);
  assert.deepEqual(await heard, [wanted, wanted]);
});

test("7.10 11.2 d the events of a batch keep their order", async (t) => {
  const name = unique("news");
  const pusher = await client(t, { at: there });
  const heard = collected(await subscribed(pusher, name), "said", 10);
  await by[0].triggerBatch(Array.from({ length: 10 }, (_, number) => ({ channel: name, name: "said", data: { number } })));
  assert.deepEqual((await heard).map(({ number }) => number), Array.from({ length: 10 }, (_, number) => number));
});

test("7.3 7.4 7.10 client events come to the other node with their sender, in one order, and not back", async (t) => {
  const name = unique("presence-room");
  const people = [["ada", here], ["bob", there], ["eve", there]];
  const clients = await Promise.all(people.map(([id, at]) => client(t, { at, user: { id } })));
  const [ada, bob, eve] = await Promise.all(clients.map((pusher) => subscribed(pusher, name)));
  const own = frames(clients[0]);
  const [toBob, toEve] = [tells(bob, "client-hello"), tells(eve, "client-hello")];
  ada.trigger("client-hello", { to: "all" });
  for (const heard of [await toBob, await toEve]) assert.deepEqual(heard, { data: { to: "all" }, user_id: "ada" });
  const marked = happens(ada, "mark");
  await by[1].trigger(name, "mark", {});
  await marked;
  assert.deepEqual(own.filter(({ event }) => event === "client-hello"), []);
});

test("8.1 8.2 the last event of a cache channel is kept for both nodes", async (t) => {
  const name = unique("private-cache-news");
  const ada = await client(t, { at: here });
  await happens(ada.subscribe(name), "pusher:cache_miss");
  await by[0].trigger(name, "said", { last: false });
  await by[1].trigger(name, "said", { last: true });
  for (const at of [here, there]) {
    const late = await client(t, { at });
    assert.deepEqual(await happens(late.subscribe(name), "said"), { last: true });
  }
});

test("8.1 who subscribes while events are published hears each once, from the kept one on", async (t) => {
  const channel = unique("cache-news");
  let [last, isOver] = [0, false];
  const publishing = (async () => {
    for (; !isOver; last += 1) await publish({ name: "said", data: String(last), channel }, { at: last % 2 ? there : here });
  })();
  await eventually(() => assert.ok(last > 0));
  for (let round = 0; round < 30; round += 1) {
    const socket = await Socket.open(t, { at: round % 2 ? there : here });
    await socket.subscribe(channel);
    const heard = [];
    while (heard.length < 6) heard.push(Number((await socket.next()).data));
    assert.deepEqual(heard, heard.map((_, index) => heard[0] + index));
    socket.cut();
  }
  isOver = true;
  await publishing;
});

test("9.1 subscriptions are counted over both nodes", async (t) => {
  const channel = unique("room");
  const [one, other] = await Promise.all([here, there].map((at) => Socket.open(t, { app: apps.counted, at })));
  await one.subscribe(channel);
  await other.subscribe(channel);
  await eventually(() => {
    const counts = one.frames.filter(({ event }) => event === "pusher_internal:subscription_count");
    assert.deepEqual(JSON.parse(counts.at(-1).data), { subscription_count: 2 });
  });
});

test("10.4 what is sent to a user comes to its connections at both nodes", async (t) => {
  const user = { id: unique("ada") };
  const clients = await Promise.all([here, there].map((at) => client(t, { at, user })));
  for (const pusher of clients) {
    pusher.signin();
    await pusher.user.signinDonePromise;
    await happens(pusher.user.serverToUserChannel, "pusher:subscription_succeeded");
  }
  const heard = clients.map((pusher) => happens(pusher.user, "note"));
  await by[1].sendToUser(user.id, "note", { to: user.id });
  assert.deepEqual(await Promise.all(heard), [{ to: user.id }, { to: user.id }]);
});

test("10.7 the connections of a user are ended at both nodes", async (t) => {
  const user = { id: unique("ada") };
  const [one, other, stranger] = await Promise.all([here, there, there].map((at) => Socket.open(t, { at })));
  await Promise.all([one.signIn(user), other.signIn(user), stranger.signIn({ id: unique("bob") })]);
  await by[0].terminateUserConnections(user.id);
  assert.deepEqual([(await one.close()).code, (await other.close()).code], [4009, 4009]);
  await stranger.settled();
});

test("11.2 e the connection that is left out may be at the other node", async (t) => {
  const name = unique("news");
  const [ada, bob] = await Promise.all([here, there].map((at) => client(t, { at })));
  const [ours, theirs] = await Promise.all([ada, bob].map((pusher) => subscribed(pusher, name)));
  const [own, hears] = [frames(bob), happens(ours, "said")];
  await by[0].trigger(name, "said", {}, { socket_id: bob.connection.socket_id });
  await hears;
  const marked = happens(theirs, "mark");
  await by[1].trigger(name, "mark", {});
  await marked;
  assert.deepEqual(own.filter(({ event }) => event === "said"), []);
});

test("11.2 f 11.2 g 11.2 h both nodes say the same of channels", async (t) => {
  const channel = unique("presence-room");
  const [one, other] = await Promise.all([here, there].map((at) => Socket.open(t, { at })));
  await one.subscribe(channel, { user_id: "ada" });
  await other.subscribe(channel, { user_id: "bob" });
  for (const at of [here, there]) {
    const listed = await ask("GET", "/channels", { at, query: { filter_by_prefix: channel, info: "user_count" } });
    assert.deepEqual(listed.json, { channels: { [channel]: { user_count: 2 } } });
    const { json } = await ask("GET", `/channels/${channel}/users`, { at });
    assert.deepEqual(json.users.map(({ id }) => id).sort(), ["ada", "bob"]);
  }
  await Promise.all([one.leave(), other.leave()]);
  await eventually(async () => assert.deepEqual((await ask("GET", `/channels/${channel}`, { at: here })).json, { occupied: false }));
});
