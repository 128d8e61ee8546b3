// Sections 4 and 5: which channels there are, and who gets in.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Socket, apps, ask, client, dialing, happens, library, marked, publish, sign, subscribed, unique } from "../harness.mjs";

test("4.1 other characters than those allowed are refused, and the connection stays", async (t) => {
  const socket = await Socket.open(t);
  for (const character of [" ", "/", "#", "ä", "\n", ":", "\u0000", "*", "😀"]) {
    socket.enter(`news${character}`);
    const error = await socket.error();
    assert.equal(error.code, null);
    assert.ok(!error.message.includes(`news${character}`), error.message);
  }
  await socket.subscribe(unique("azAZ09_-=@,.;"));
});

test("4.2 a name has 200 characters at most", async (t) => {
  const socket = await Socket.open(t);
  await socket.subscribe("n".repeat(200));
  socket.enter("n".repeat(201));
  assert.equal((await socket.error()).code, null);
});

test("4.3 names with a hash are reserved", async (t) => {
  const socket = await Socket.open(t);
  for (const name of ["#anything", "#server-to-user-", "#server-to-user-ada"]) {
    socket.send("pusher:subscribe", { channel: name, auth: sign(`${socket.id}:${name}`) });
    assert.equal((await socket.error()).code, null, name);
  }
  await socket.signIn({ id: "ada" });
  socket.enter("#server-to-user-bob");
  assert.equal((await socket.error()).code, null);
  await socket.subscribe("#server-to-user-ada");
});

const OPEN = ["news", "cache-news", "privately", "presenced", "private", "encrypted-"];
const CLOSED = ["private-", "private-encrypted-", "private-cache-", "private-encrypted-cache-"];

test("4.4 5.1 5.2 every kind of channel is known by its longest prefix", async (t) => {
  const socket = await Socket.open(t);
  for (const prefix of OPEN) {
    assert.deepEqual(await socket.subscribe(unique(prefix)), {});
    if (prefix.startsWith("cache-")) assert.equal((await socket.next()).event, "pusher:cache_miss");
  }
  for (const prefix of CLOSED) {
    socket.send("pusher:subscribe", { channel: unique(prefix), auth: "" });
    assert.match((await socket.error()).message, /auth/);
    assert.deepEqual(await socket.subscribe(unique(prefix)), {});
    if (prefix.includes("cache")) assert.equal((await socket.next()).event, "pusher:cache_miss");
  }
});

test("4.4 5.6 trap 2: presence and presence-cache channels have members", async (t) => {
  const socket = await Socket.open(t);
  for (const prefix of ["presence-", "presence-cache-"]) {
    socket.enter(unique(prefix));
    assert.equal((await socket.error()).code, null);
    const { presence } = await socket.subscribe(unique(prefix), { user_id: "ada" });
    assert.deepEqual(presence.ids, ["ada"]);
    if (prefix.includes("cache")) assert.equal((await socket.next()).event, "pusher:cache_miss");
  }
});

test("4.4 pusher-js enters one of each kind", async (t) => {
  const pusher = await client(t, { user: { id: "ada" } });
  for (const prefix of [...OPEN, ...CLOSED, "presence-", "presence-cache-"]) {
    const channel = await subscribed(pusher, unique(prefix));
    assert.equal(channel.subscribed, true, prefix);
  }
});

test("4.5 publishing makes no channel, and a channel ends with its last subscriber", async (t) => {
  const channel = unique("news");
  const occupied = async () => (await ask("GET", `/channels/${channel}`)).json.occupied;
  await publish({ name: "shout", data: "anybody?", channel });
  assert.equal(await occupied(), false);
  const [one, other] = [await Socket.open(t), await Socket.open(t)];
  await one.subscribe(channel);
  await other.subscribe(channel);
  one.send("pusher:unsubscribe", { channel });
  await one.settled();
  assert.equal(await occupied(), true);
  other.send("pusher:unsubscribe", { channel });
  await other.settled();
  assert.equal(await occupied(), false);
});

test("5.1 the data of a subscription may be a string", async (t) => {
  const socket = await Socket.open(t);
  const channel = unique("private-room");
  socket.send("pusher:subscribe", JSON.stringify({ channel, auth: sign(`${socket.id}:${channel}`) }));
  assert.deepEqual(await socket.next(), { event: "pusher_internal:subscription_succeeded", channel, data: "{}" });
});

test("5.3 5.8 private and encrypted channels open to the signature of the server library", async (t) => {
  const pusher = await client(t);
  await subscribed(pusher, unique("private-room"));
  await subscribed(pusher, unique("private-encrypted-room"));
});

test("5.3 digits in capitals and another key are refused", async (t) => {
  const socket = await Socket.open(t);
  const channel = unique("private-room");
  const auth = sign(`${socket.id}:${channel}`);
  const digest = auth.split(":")[1];
  for (const wrong of [`${apps.main.key}:${digest.toUpperCase()}`, `${apps.brisk.key}:${digest}`, digest, `${auth}0`, `${auth.slice(0, -1)}`, `:${digest}`]) {
    socket.send("pusher:subscribe", { channel, auth: wrong });
    assert.equal((await socket.error()).code, null, wrong);
  }
});

test("5.4 data of a private channel is part of what is signed", async (t) => {
  const socket = await Socket.open(t);
  const [channel, channel_data] = [unique("private-room"), '{"user_id":"ada"}'];
  socket.send("pusher:subscribe", { channel, auth: sign(`${socket.id}:${channel}`), channel_data });
  assert.equal((await socket.error()).code, null);
  await socket.subscribe(channel, channel_data);
});

test("5.5 the exact bytes of the data are signed, however they are written", async (t) => {
  const socket = await Socket.open(t);
  for (const data of ['{ "user_id" : "ada" , "user_info" : { "z": 1.0, "a": "\\u00e9" } }', '{"user_info":{"name":"é"},"user_id":"ada"}', '{"user_id":"ada","user_id2":null}']) {
    const { presence } = await socket.subscribe(unique("presence-room"), data);
    assert.deepEqual(presence.ids, ["ada"]);
  }
});

test("5.6 a number is its digits everywhere, and a user id has to be there", async (t) => {
  const [ada, bob] = [await Socket.open(t), await Socket.open(t)];
  const channel = unique("presence-room");
  await bob.subscribe(channel, { user_id: "bob" });
  const { presence } = await ada.subscribe(channel, { user_id: 42, user_info: { name: "Ada" } });
  assert.deepEqual(presence.ids.toSorted(), ["42", "bob"]);
  assert.deepEqual(presence.hash, { 42: { name: "Ada" }, bob: null });
  assert.equal(JSON.parse((await bob.next()).data).user_id, "42");
  assert.deepEqual((await ask("GET", `/channels/${channel}/users`)).json.users.map(({ id }) => id).toSorted(), ["42", "bob"]);
  for (const data of ["{}", '{"user_id":null}', '{"user_id":""}', '{"user_id":{}}', '{"user_id":1.5}', "[]", "nothing", '{"user_id":true}']) {
    ada.enter(unique("presence-room"), data);
    assert.equal((await ada.error()).code, null, data);
  }
});

test("5.6 a signed-in socket joins a presence channel without channel_data", async (t) => {
  const [ada, bob] = [await Socket.open(t), await Socket.open(t)];
  await ada.signIn({ id: "ada", user_info: { name: "Ada" } });
  for (const prefix of ["presence-", "presence-cache-"]) {
    const channel = unique(prefix);
    const { presence } = await ada.subscribe(channel);
    assert.deepEqual(presence, { ids: ["ada"], hash: { ada: { name: "Ada" } }, count: 1 });
  }
  bob.enter(unique("presence-room"));
  assert.match((await bob.error()).message, /channel_data/);
});

test("5.6 pusher-js joins a presence channel as who it signed in as", async (t) => {
  const server = library();
  const pusher = dialing(t, {
    user: { id: "ada", user_info: { name: "Ada" } },
    channelAuthorization: {
      customHandler: ({ socketId, channelName }, done) => done(null, { auth: sign(`${socketId}:${channelName}`) }),
    },
  });
  pusher.signin();
  const channel = await subscribed(pusher, unique("presence-room"));
  assert.deepEqual([channel.members.myID, channel.members.me.info], ["ada", { name: "Ada" }]);
  assert.ok(server);
});

test("5.8 pusher-js decrypts what the server cannot read", async (t) => {
  const pusher = await client(t);
  const bare = await Socket.open(t);
  const name = unique("private-encrypted-room");
  const channel = await subscribed(pusher, name);
  await bare.subscribe(name);
  const heard = happens(channel, "secret");
  await library().trigger(name, "secret", { text: "the treasure is buried" });
  assert.deepEqual(await heard, { text: "the treasure is buried" });
  const { data } = await bare.next("secret");
  assert.deepEqual(Object.keys(JSON.parse(data)).sort(), ["ciphertext", "nonce"]);
  assert.ok(!data.includes("treasure"));
});

test("5.9 trap 8: a bad signature names the channel, no secret and no digest, and the connection stays outside", async (t) => {
  const socket = await Socket.open(t);
  const channel = unique("private-room");
  socket.send("pusher:subscribe", { channel, auth: sign("something else") });
  assert.deepEqual(await socket.error(), { code: null, message: `cannot subscribe to ${channel}: the signature in auth is not valid` });
  assert.equal((await ask("GET", `/channels/${channel}`)).json.occupied, false);
  await socket.settled();
  await socket.subscribe(channel);
});

test("5.9 pusher-js is told of it, and stays", async (t) => {
  const pusher = await client(t, { channelAuthorization: { customHandler: (_, done) => done(null, { auth: sign("something else") }) } });
  const channel = pusher.subscribe(unique("private-room"));
  const { data } = await happens(pusher.connection, "error");
  assert.equal(data.code, null);
  assert.ok(!channel.subscribed);
  assert.equal(pusher.connection.state, "connected");
});

test("5.10 who subscribes twice is there once", async (t) => {
  const [ada, bob] = [await Socket.open(t), await Socket.open(t)];
  const channel = unique("presence-room");
  await bob.subscribe(channel, { user_id: "bob" });
  await ada.subscribe(channel, { user_id: "ada" });
  await bob.next("pusher_internal:member_added");
  ada.enter(channel, { user_id: "ada" });
  assert.deepEqual(await ada.error(), { code: null, message: `already subscribed to ${channel}` });
  await publish({ name: "once", data: "", channel });
  await marked(channel, ada, bob);
  assert.deepEqual(ada.frames.map(({ event }) => event), ["once"]);
  assert.deepEqual(bob.frames.map(({ event }) => event), ["once"]);
  ada.send("pusher:unsubscribe", { channel });
  assert.equal((await bob.next("pusher_internal:member_removed")).channel, channel);
});

test("5.11 leaving twice, and leaving what was never joined, is nothing", async (t) => {
  const socket = await Socket.open(t);
  const channel = unique("news");
  await socket.subscribe(channel);
  for (const name of [channel, channel, "never-joined", "not a name"]) socket.send("pusher:unsubscribe", { channel: name });
  await socket.settled();
  assert.deepEqual(socket.frames, []);
  await publish({ name: "shout", data: "", channel });
  await socket.subscribe(channel);
  await marked(channel, socket);
  assert.deepEqual(socket.frames, []);
});

test("5.11 pusher-js leaves and comes back", async (t) => {
  const pusher = await client(t);
  const name = unique("private-room");
  await subscribed(pusher, name);
  pusher.unsubscribe(name);
  const channel = await subscribed(pusher, name);
  const heard = happens(channel, "shout");
  await library().trigger(name, "shout", "here");
  assert.equal(await heard, "here");
});

const FORGED = {
  "another socket": (socket, channel, data) => [`1234.1234:${channel}:${data}`, apps.main, data],
  "another channel": (socket, channel, data) => [`${socket.id}:presence-elsewhere:${data}`, apps.main, data],
  "another key": (socket, channel, data) => [`${socket.id}:${channel}:${data}`, apps.brisk, data],
  "another secret": (socket, channel, data) => [`${socket.id}:${channel}:${data}`, { ...apps.main, secret: "guessed" }, data],
  "other data": (socket, channel, data) => [`${socket.id}:${channel}:${data}`, apps.main, data.replace("ada", "eve")],
};
for (const [of, forge] of Object.entries(FORGED)) {
  test(`5.12 a signature made for ${of} is refused`, async (t) => {
    const socket = await Socket.open(t);
    const channel = unique("presence-room");
    const [text, by, channel_data] = forge(socket, channel, '{"user_id":"ada"}');
    socket.send("pusher:subscribe", { channel, auth: sign(text, by), channel_data });
    const { code, message } = await socket.error();
    assert.equal(code, null);
    assert.ok(message.startsWith(`cannot subscribe to ${channel}: `), message);
    assert.equal((await ask("GET", `/channels/${channel}`)).json.occupied, false);
  });
}
