// Section 10: who signs in, what is sent to users, and how their connections are ended.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Socket, ask, client, dialing, eventually, happens, library, pause, publish, sign, unique } from "../harness.mjs";

/** A pusher-js that has signed in. */
async function signedIn(t, user) {
  const pusher = await client(t, { user });
  pusher.signin();
  await pusher.user.signinDonePromise;
  await happens(pusher.user.serverToUserChannel, "pusher:subscription_succeeded");
  return pusher;
}

test("10.1 10.2 pusher-js signs in", async (t) => {
  const user = { id: unique("ada"), user_info: { name: "Ada" } };
  const pusher = await signedIn(t, user);
  assert.deepEqual(pusher.user.user_data, user);
});

test("10.2 success holds the same string of data", async (t) => {
  const socket = await Socket.open(t);
  const text = '{ "id": "ada",  "user_info":{"n":1.0} }';
  const { event, data } = await socket.signIn(undefined, text);
  assert.equal(event, "pusher:signin_success");
  assert.deepEqual(JSON.parse(data), { user_data: text });
});

test("10.3 a bad signature and a missing id are refused, and the connection stays", async (t) => {
  const socket = await Socket.open(t);
  for (const text of ["{}", '{"id":""}', '{"id":7}', '{"id":null}', "[]", "nothing"]) {
    const { event, data } = await socket.signIn(undefined, text);
    assert.deepEqual([event, data.code], ["pusher:error", null], text);
  }
  for (const text of [`1234.1234::user::{"id":"ada"}`, `${socket.id}:{"id":"ada"}`, `${socket.id}::user::{"id":"eve"}`]) {
    socket.send("pusher:signin", { auth: sign(text), user_data: '{"id":"ada"}' });
    assert.equal((await socket.error()).code, null, text);
  }
  socket.enter("#server-to-user-ada");
  assert.equal((await socket.error()).code, null);
});

test("10.3 a connection signs in as one user, who may do so again", async (t) => {
  const socket = await Socket.open(t);
  await socket.signIn({ id: "ada" });
  const { event, data } = await socket.signIn({ id: "eve" });
  assert.deepEqual([event, data.code], ["pusher:error", null]);
  assert.equal((await socket.signIn({ id: "ada" })).event, "pusher:signin_success");
  socket.enter("#server-to-user-eve");
  assert.equal((await socket.error()).code, null);
});

test("10.4 pusher-js hears what is sent to its user, and nobody else does", async (t) => {
  const [ada, eve] = [{ id: unique("ada") }, { id: unique("eve") }];
  const [one, other, stranger] = [await signedIn(t, ada), await signedIn(t, ada), await signedIn(t, eve)];
  let overheard = 0;
  stranger.user.bind("note", () => overheard++);
  const heard = [happens(one.user, "note"), happens(other.user, "note")];
  await library().sendToUser(ada.id, "note", { text: "for you" });
  assert.deepEqual(await Promise.all(heard), [{ text: "for you" }, { text: "for you" }]);
  const last = happens(stranger.user, "end");
  await library().sendToUser(eve.id, "end", {});
  await last;
  assert.equal(overheard, 0);
});

test("10.4 users may have any id, and nobody has to be there", async (t) => {
  const socket = await Socket.open(t);
  const id = `${unique("ada")} lovelace/ä:1815`;
  await socket.signIn({ id });
  await socket.subscribe(`#server-to-user-${id}`);
  const { status, text } = await publish({ name: "note", data: "for you", channels: [`#server-to-user-${id}`] });
  assert.equal(status, 200, text);
  assert.equal((await socket.next("note")).data, "for you");
  assert.equal((await library().sendToUser(unique("nobody"), "note", {})).status, 200);
});

test("10.5 too long a watchlist is cut, and told after the success with 4302", async (t) => {
  const socket = await Socket.open(t);
  const { event } = await socket.signIn({ id: "ada", watchlist: Array.from({ length: 101 }, (_, number) => `friend-${number}`) });
  assert.equal(event, "pusher:signin_success");
  assert.equal((await socket.error()).code, 4302);
  await socket.settled();
});

test("10.6 pusher-js is told who of its watchlist is there, and then who comes and who goes", async (t) => {
  const [ada, bob, eve] = ["ada", "bob", "eve"].map(unique);
  await signedIn(t, { id: bob });
  const pusher = await client(t, { user: { id: ada, watchlist: [bob, eve, bob] } });
  const told = [];
  for (const name of ["online", "offline"]) pusher.user.watchlist.bind(name, ({ user_ids }) => told.push([name, ...user_ids]));
  const becomes = (...events) => eventually(() => assert.deepEqual(told, events));
  pusher.signin();
  await becomes(["online", bob], ["offline", eve]);
  const one = await signedIn(t, { id: eve });
  await becomes(["online", bob], ["offline", eve], ["online", eve]);
  // A second connection is no news, and neither is its end.
  const other = await signedIn(t, { id: eve });
  one.disconnect();
  await pause(300);
  await becomes(["online", bob], ["offline", eve], ["online", eve]);
  other.disconnect();
  await becomes(["online", bob], ["offline", eve], ["online", eve], ["offline", eve]);
});

test("10.6 the whole state comes behind the success, in one event of no channel, and nobody else hears of it", async (t) => {
  const [ada, bob, eve] = ["ada", "bob", "eve"].map(unique);
  const [watches, signs, stranger] = await Promise.all([0, 0, 0].map(() => Socket.open(t)));
  await stranger.signIn({ id: bob });
  assert.equal((await watches.signIn({ id: ada, watchlist: [ada, eve] })).event, "pusher:signin_success");
  const state = await watches.next();
  assert.deepEqual(Object.keys(state).sort(), ["data", "event"]);
  const events = [{ name: "online", user_ids: [ada] }, { name: "offline", user_ids: [eve] }];
  assert.deepEqual([state.event, JSON.parse(state.data)], ["pusher_internal:watchlist_events", { events }]);
  await signs.signIn({ id: eve });
  assert.deepEqual(JSON.parse((await watches.next()).data), { events: [{ name: "online", user_ids: [eve] }] });
  signs.cut();
  assert.deepEqual(JSON.parse((await watches.next()).data), { events: [{ name: "offline", user_ids: [eve] }] });
  // Who signs in again watches whom the new data says.
  await watches.signIn({ id: ada, watchlist: [bob] });
  assert.deepEqual(JSON.parse((await watches.next()).data), { events: [{ name: "online", user_ids: [bob] }] });
  await stranger.settled();
  await watches.settled();
  assert.deepEqual([...stranger.frames, ...watches.frames], []);
});

test("10.6 whose connections are ended is gone, and no channel tells who is signed in", async (t) => {
  const [ada, bob] = ["ada", "bob"].map(unique);
  const [watches, signs] = await Promise.all([0, 0].map(() => Socket.open(t)));
  await signs.signIn({ id: bob });
  await watches.signIn({ id: ada, watchlist: [bob] });
  assert.match((await watches.next()).data, /online/);
  const { channels } = (await ask("GET", "/channels")).json;
  assert.deepEqual(Object.keys(channels).filter((name) => name.includes(bob)), []);
  watches.enter(`#signed-in-${bob}`);
  assert.equal((await watches.error()).code, null);
  assert.equal((await publish({ name: "note", data: "", channel: `#signed-in-${bob}` })).status, 400);
  await library().terminateUserConnections(bob);
  assert.deepEqual(JSON.parse((await watches.next()).data), { events: [{ name: "offline", user_ids: [bob] }] });
});

test("10.7 3 the library ends all connections of a user with 4009, and pusher-js stops for good", async (t) => {
  const [ada, bob] = [{ id: unique("ada") }, { id: unique("bob") }];
  const [one, other, stranger] = [await signedIn(t, ada), await signedIn(t, ada), await signedIn(t, bob)];
  const bare = await Socket.open(t);
  await bare.signIn(ada);
  const ends = [one, other].map((pusher) => happens(pusher.connection, "disconnected"));
  const answer = await library().terminateUserConnections(ada.id);
  assert.deepEqual(await answer.json(), {});
  await Promise.all(ends);
  assert.equal((await bare.close()).code, 4009);
  await pause(1_200);
  assert.deepEqual([one, other, stranger].map(({ connection }) => connection.state), ["disconnected", "disconnected", "connected"]);
});

test("10.7 a connection that only said its user in a presence channel is not ended", async (t) => {
  const id = unique("ada");
  const socket = await Socket.open(t);
  await socket.subscribe(unique("presence-room"), { user_id: id });
  assert.deepEqual((await ask("POST", `/users/${id}/terminate_connections`, { body: "{}" })).json, {});
  await socket.settled();
});

test("10.1 pusher-js that is not let sign in is told so", async (t) => {
  const pusher = dialing(t, { user: { id: "ada" }, userAuthentication: { customHandler: (_, done) => done(null, { auth: sign("something else"), user_data: '{"id":"ada"}' }) } });
  pusher.signin();
  const { data } = await happens(pusher.connection, "error");
  assert.equal(data.code, null);
  assert.equal(pusher.user.user_data, null);
});
