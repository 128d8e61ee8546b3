// Section 11: what applications ask over HTTP, by the official library and with nothing around it.

import assert from "node:assert/strict";
import http from "node:http";
import { test } from "node:test";

import { Socket, apps, ask, client, happens, library, marked, md5, publish, signedQuery, subscribed, unique, url } from "../harness.mjs";

const EVENT = JSON.stringify({ name: "said", data: "hello", channel: "news" });

/** A request that is refused, with the status and the words. */
async function refused(status, words, method, where, options) {
  const answer = await ask(method, where, options);
  assert.deepEqual([answer.status, answer.text], [status, words], JSON.stringify(options)?.slice(0, 200));
}

/** A publication that is refused. */
function unpublished(status, words, event, options) {
  return refused(status, words, "POST", "/events", { body: JSON.stringify(event), ...options });
}

test("11.1 a each parameter of the signature is needed, and once", async () => {
  const where = `/apps/${apps.main.id}/channels`;
  const query = signedQuery("GET", where);
  const told = async (query) => {
    const answer = await fetch(`${url}${where}?${query}`);
    return [answer.status, await answer.text()];
  };
  for (const name of ["auth_key", "auth_timestamp", "auth_version", "auth_signature"]) {
    const rest = new URLSearchParams(query);
    rest.delete(name);
    assert.deepEqual(await told(rest), [401, `the parameter ${name} is missing`]);
    assert.deepEqual(await told(`${query}&${name}=again`), [401, `the parameter ${name} comes twice`]);
  }
  assert.equal((await told(""))[0], 401);
  await refused(401, "auth_version is not 1.0", "GET", "/channels", { auth: { auth_version: "2.0" } });
});

test("11.1 a 11.1 e a body needs its digest, of the bytes received and before they are read", async () => {
  await refused(401, "the parameter body_md5 is missing", "POST", "/events", { body: EVENT, auth: { body_md5: undefined } });
  await refused(401, "body_md5 is not that of the body", "POST", "/events", { body: EVENT, sent: `${EVENT} ` });
  await refused(401, "body_md5 is not that of the body", "POST", "/events", { body: EVENT, sent: "{" });
  await refused(400, "not valid JSON", "POST", "/events", { body: "{" });
});

test("11.1 b names are signed in lower case and sorted, values as they are", async () => {
  const { json } = await ask("GET", "/channels", { query: { Zebra: "ö &=%", filter_by_prefix: "presence-", INFO: "user_count", apple: "a b" } });
  assert.deepEqual(json, { channels: {} });
});

test("11.1 c a signature of something else is refused, whatever is else", async () => {
  const channels = (options) => refused(401, "auth_signature is not valid", "GET", "/channels", options);
  await channels({ auth: { auth_signature: "0".repeat(64) } });
  await channels({ auth: { auth_signature: "short" } });
  await channels({ app: { ...apps.main, secret: "guessed" } });
  const path = `/apps/${apps.main.id}`;
  for (const [method, where] of [["POST", "/channels"], ["GET", "/channels/news"]]) {
    const answer = await fetch(`${url}${path}/channels?${signedQuery(method, path + where)}`);
    assert.deepEqual([answer.status, await answer.text()], [401, "auth_signature is not valid"]);
  }
  const more = await fetch(`${url}${path}/channels?${signedQuery("GET", `${path}/channels`)}&info=user_count`);
  assert.equal(more.status, 401);
});

test("11.1 d the clock may be ten minutes off either way", async () => {
  const at = (seconds) => ({ auth: { auth_timestamp: String(Math.floor(Date.now() / 1000) + seconds) } });
  for (const seconds of [-590, 590]) assert.equal((await ask("GET", "/channels", at(seconds))).status, 200);
  for (const seconds of [-610, 610, 1e9]) await refused(401, "auth_timestamp is more than 600 seconds from the time of the server", "GET", "/channels", at(seconds));
  await refused(401, "auth_timestamp is not a number of seconds", "GET", "/channels", { auth: { auth_timestamp: "now" } });
});

test("11.1 f trap 3: a question may come with the digest of nothing", async () => {
  assert.equal((await ask("GET", "/channels", { query: { body_md5: md5("") } })).status, 200);
  await refused(401, "body_md5 is not that of the body", "GET", "/channels", { query: { body_md5: md5("something") } });
});

test("11.1 g another application's key and an unknown one are 401", async () => {
  const words = "auth_key is not of this application";
  for (const { key, secret } of [apps.brisk, { key: "no-such-key", secret: "none" }]) {
    await refused(401, words, "POST", "/events", { app: { id: apps.main.id, key, secret }, body: EVENT });
  }
});

test("11.1 i 11.1 j the digits of an application's id are no trouble", async () => {
  assert.match(apps.main.id, /^\d+$/);
  assert.equal((await library().get({ path: "/channels" })).status, 200);
});

test("11.2 a the library publishes to one channel and to a hundred", async (t) => {
  const names = Array.from({ length: 100 }, () => unique("news"));
  const pusher = await client(t);
  const channels = await Promise.all(names.map((name) => subscribed(pusher, name)));
  const heard = channels.map((channel) => happens(channel, "said"));
  const answer = await library().trigger(names, "said", { to: "all" });
  assert.deepEqual(await answer.json(), {});
  assert.equal((await Promise.all(heard)).length, 100);
});

test("11.2 a parameters may come in the query", async (t) => {
  const socket = await Socket.open(t);
  const [one, other] = [unique("news"), unique("news")];
  await socket.subscribe(one);
  await socket.subscribe(other);
  assert.deepEqual((await ask("POST", "/events", { query: { name: "said", data: "in the query", "channels[]": one } })).json, {});
  assert.deepEqual(await socket.next(), { event: "said", channel: one, data: "in the query" });
  assert.deepEqual((await ask("POST", "/events", { query: { name: "said", data: "so", channel: other } })).json, {});
  assert.equal((await socket.next()).channel, other);
});

test("11.2 a trap 6: no channel and a hundred and one are refused", async () => {
  const event = { name: "said", data: "hello" };
  await unpublished(400, "no channel is named", { ...event, channels: [] });
  await unpublished(400, "more than 100 channels", { ...event, channels: Array.from({ length: 101 }, (_, number) => `news-${number}`) });
});

test("11.2 b info tells of the channels that were published to", async (t) => {
  const [room, news] = [unique("presence-room"), unique("news")];
  const socket = await Socket.open(t);
  await socket.subscribe(room, { user_id: "ada" });
  await socket.subscribe(news);
  const answer = await library().trigger([room, news], "said", "hello", { info: "user_count,subscription_count" });
  assert.deepEqual(await answer.json(), { channels: { [room]: { user_count: 1, subscription_count: 1 }, [news]: { subscription_count: 1 } } });
});

test("11.2 c of several channels none may be encrypted", async () => {
  await unpublished(400, "an event for an encrypted channel is published to that channel only", { name: "said", data: "x", channels: ["private-encrypted-a", "news"] });
});

test("11.2 d the library publishes a batch, in its order", async (t) => {
  const [one, other] = [unique("news"), unique("private-news")];
  const socket = await Socket.open(t);
  await socket.subscribe(one);
  await socket.subscribe(other);
  const batch = Array.from({ length: 10 }, (_, number) => ({ channel: number % 2 ? one : other, name: "said", data: String(number) }));
  assert.deepEqual(await (await library().triggerBatch(batch)).json(), {});
  await marked(one, socket);
  await marked(other, socket);
  const heard = (channel) => socket.frames.filter((frame) => frame.channel === channel).map(({ data }) => Number(data));
  assert.deepEqual([heard(one), heard(other)], [[1, 3, 5, 7, 9], [0, 2, 4, 6, 8]]);
});

test("11.2 d a batch answers index by index, and leaves out whom each item leaves out", async (t) => {
  const [one, other] = [unique("news"), unique("news")];
  const sockets = [await Socket.open(t), await Socket.open(t)];
  for (const socket of sockets) await socket.subscribe(one);
  const batch = [
    { channel: one, name: "said", data: "a", socket_id: sockets[0].id, info: "subscription_count" },
    { channel: other, name: "said", data: "b" },
  ];
  assert.deepEqual(await (await library().triggerBatch(batch)).json(), { batch: [{ subscription_count: 2 }, {}] });
  await marked(one, ...sockets);
  assert.deepEqual(sockets.map(({ frames }) => frames.length), [0, 1]);
});

test("11.2 d trap 6: a batch of eleven is refused as a whole", async (t) => {
  const channel = unique("news");
  const socket = await Socket.open(t);
  await socket.subscribe(channel);
  const item = { channel, name: "said", data: "x" };
  await refused(400, "more than 10 events in the batch", "POST", "/batch_events", { body: JSON.stringify({ batch: Array(11).fill(item) }) });
  const wrong = await ask("POST", "/batch_events", { body: JSON.stringify({ batch: [item, { ...item, data: undefined }] }) });
  assert.equal(wrong.status, 400);
  await marked(channel, socket);
  assert.deepEqual(socket.frames, []);
});

test("11.2 e socket_id leaves out exactly that connection, and one that is not there nobody", async (t) => {
  const name = unique("news");
  const [ada, bob] = [await client(t), await client(t)];
  const [one, other] = [await subscribed(ada, name), await subscribed(bob, name)];
  const heard = [];
  one.bind("said", (data) => heard.push(["ada", data]));
  other.bind("said", (data) => heard.push(["bob", data]));
  await library().trigger(name, "said", 1, { socket_id: ada.connection.socket_id });
  await library().trigger(name, "said", 2, { socket_id: "1234.1234" });
  const ends = [happens(one, "end"), happens(other, "end")];
  await library().trigger(name, "end", {});
  await Promise.all(ends);
  assert.deepEqual(heard.toSorted(), [["ada", 2], ["bob", 1], ["bob", 2]]);
  const wrong = await publish({ name: "said", data: "x", channel: name, socket_id: "no socket" });
  assert.equal(wrong.status, 400);
});

test("11.2 f the library asks which channels there are", async (t) => {
  const prefix = unique("presence-room");
  const [ada, bob] = [await Socket.open(t), await Socket.open(t)];
  await ada.subscribe(unique("news"));
  await ada.subscribe(`${prefix}-1`, { user_id: "ada" });
  await bob.subscribe(`${prefix}-1`, { user_id: "bob" });
  await bob.subscribe(`${prefix}-2`, { user_id: "bob" });
  const channels = async (params) => (await (await library().get({ path: "/channels", params })).json()).channels;
  assert.deepEqual(await channels({ filter_by_prefix: prefix, info: "user_count" }), { [`${prefix}-1`]: { user_count: 2 }, [`${prefix}-2`]: { user_count: 1 } });
  assert.deepEqual(await channels({ filter_by_prefix: prefix }), { [`${prefix}-1`]: {}, [`${prefix}-2`]: {} });
  assert.deepEqual(await channels({ filter_by_prefix: unique("nothing") }), {});
  assert.ok(Object.keys(await channels()).length >= 3);
  for (const query of [{ info: "user_count" }, { info: "user_count", filter_by_prefix: "private-" }]) {
    const { status, text } = await ask("GET", "/channels", { query });
    assert.equal(status, 400, text);
    assert.match(text, /user_count/);
  }
});

test("11.2 f the channels of one application are no other's", async (t) => {
  const channel = unique("news");
  const [here, there] = [await Socket.open(t), await Socket.open(t, { app: apps.brisk })];
  await here.subscribe(channel);
  assert.deepEqual((await ask("GET", "/channels", { app: apps.brisk, query: { filter_by_prefix: channel } })).json, { channels: {} });
  await there.subscribe(channel);
  await publish({ name: "said", data: "x", channel }, { app: apps.brisk });
  await there.next("said");
  await marked(channel, here);
  assert.deepEqual(here.frames, []);
});

test("11.2 g the library asks what a channel is like", async (t) => {
  const [room, news, cache] = [unique("presence-room"), unique("news"), unique("cache-news")];
  const socket = await Socket.open(t);
  await socket.subscribe(room, { user_id: "ada" });
  await socket.subscribe(news);
  await publish({ name: "said", data: "kept", channel: cache });
  const channel = async (name, info) => (await library().get({ path: `/channels/${name}`, params: info && { info } })).json();
  assert.deepEqual(await channel(room, "user_count,subscription_count"), { occupied: true, user_count: 1, subscription_count: 1 });
  assert.deepEqual(await channel(news, "subscription_count"), { occupied: true, subscription_count: 1 });
  assert.deepEqual(await channel(unique("news")), { occupied: false });
  const kept = await channel(cache, "cache");
  assert.deepEqual([kept.occupied, kept.cache.data], [false, "kept"]);
  assert.deepEqual(await channel(unique("cache-news"), "cache"), { occupied: false, cache: null });
  for (const [name, info] of [[news, "user_count"], [news, "cache"], [cache, "user_count"]]) {
    const { status, text } = await ask("GET", `/channels/${name}`, { query: { info } });
    assert.deepEqual([status, text.includes(info)], [400, true], text);
  }
});

test("11.2 h the library asks who is in a presence channel", async (t) => {
  const room = unique("presence-room");
  const socket = await Socket.open(t);
  await socket.subscribe(room, { user_id: 1 });
  const users = async (name) => (await library().get({ path: `/channels/${name}/users` })).json();
  assert.deepEqual(await users(room), { users: [{ id: "1" }] });
  assert.deepEqual(await users(unique("presence-room")), { users: [] });
  assert.equal((await ask("GET", `/channels/${unique("news")}/users`)).status, 400);
});

test("11.2 i each refusal has its status, and says why in words", async () => {
  const event = { name: "said", data: "hello", channel: "news" };
  await unpublished(403, "this application is disabled", event, { app: apps.disabled });
  await unpublished(404, "no application has this id", event, { app: { ...apps.main, id: "9999" } });
  assert.equal((await publish({ ...event, data: "x".repeat(10_240) })).status, 200);
  await unpublished(413, "the data of the event has more than 10240 bytes", { ...event, data: "x".repeat(10_241) });
  const batch = await ask("POST", "/batch_events", { body: JSON.stringify({ batch: [event, { ...event, data: "x".repeat(10_241) }] }) });
  assert.equal(batch.status, 413);
});

test("11.2 i what is too large for any event is 413, and another method 405", async () => {
  const { status } = await ask("POST", "/events", { body: `{"data":"${"x".repeat(1_100_000)}"}` });
  assert.equal(status, 413);
  assert.equal((await ask("DELETE", "/channels")).status, 405);
});

test("11.2 j trap 6: name, data and a channel are needed, and a name has 200 characters at most", async () => {
  const event = { name: "said", data: "hello", channel: "news" };
  for (const name of ["name", "data", "channel"]) {
    const { status, text } = await publish({ ...event, [name]: undefined });
    assert.equal(status, 400);
    assert.match(text, new RegExp(name));
  }
  assert.equal((await publish({ ...event, name: "é".repeat(200) })).status, 200);
  assert.equal((await publish({ ...event, name: "é".repeat(201) })).status, 400);
  for (const wrong of [{ data: 7 }, { data: { a: 1 } }, { data: null }, { name: 7 }, { name: "" }, { channel: "no channel" }, { channel: 7 }, { channels: "news" }]) {
    const { status, text } = await publish({ ...event, ...wrong });
    assert.equal(status, 400, `${JSON.stringify(wrong)} ${text}`);
  }
});

test("11.2 i trap 7: no refusal repeats what was sent", async () => {
  const evil = "evil\r\nSet-Cookie: a=b";
  for (const wrong of [{ name: `pusher:${evil}` }, { channel: evil }, { socket_id: evil }, { info: evil }]) {
    const { status, text } = await publish({ name: "said", data: "x", channel: "news", ...wrong });
    assert.equal(status, 400, text);
    assert.doesNotMatch(text, /evil/);
  }
});

test("11.2 k a connection is kept alive, and answers are JSON with their length", async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const send = () =>
    new Promise((resolve, reject) => {
      const where = `/apps/${apps.main.id}/events`;
      const request = http.request(`${url}${where}?${signedQuery("POST", where, { body: EVENT })}`, { method: "POST", agent, headers: { "Content-Type": "application/json" } }, (answer) => {
        let text = "";
        answer.on("data", (part) => (text += part)).on("end", () => resolve({ reused: request.reusedSocket, headers: answer.headers, text }));
      });
      request.on("error", reject).end(EVENT);
    });
  const answers = [await send(), await send(), await send()];
  agent.destroy();
  assert.deepEqual(answers.map(({ reused }) => reused), [false, true, true]);
  for (const { headers, text } of answers) {
    assert.deepEqual([headers["content-type"], headers["content-length"], text], ["application/json", "2", "{}"]);
  }
});

test("11.2 k a refusal keeps the connection and has its length too", async () => {
  const { headers, text } = await ask("GET", "/channels", { auth: { auth_version: "2.0" } });
  assert.equal(headers.get("content-length"), String(text.length));
});

test("11.2 the library is told the status and the words of a refusal", async () => {
  const server = library({ ...apps.main, secret: "guessed" });
  await assert.rejects(server.trigger("news", "said", "hello"), { status: 401, body: "auth_signature is not valid" });
});

test("10.7 the path without an application is that of the key", async (t) => {
  const id = unique("ada");
  const socket = await Socket.open(t);
  await socket.signIn({ id });
  const where = `/users/${id}/terminate_connections`;
  const terminate = (app) => fetch(`${url}${where}?${signedQuery("POST", where, { app, body: "{}" })}`, { method: "POST", body: "{}" });
  assert.equal((await terminate({ ...apps.main, secret: "guessed" })).status, 401);
  assert.equal((await terminate({ key: "no-such-key", secret: "none" })).status, 401);
  assert.equal((await terminate(apps.brisk)).status, 200);
  await socket.settled();
  assert.deepEqual(await (await terminate(apps.main)).json(), {});
  assert.equal((await socket.close()).code, 4009);
});

test("10.7 trap 7: a user of any id, as the library signs and sends it", async (t) => {
  const id = `${unique("ada")} lovelace`;
  const socket = await Socket.open(t);
  await socket.signIn({ id });
  assert.deepEqual(await (await library().terminateUserConnections(id)).json(), {});
  assert.equal((await socket.close()).code, 4009);
});

/** Publishes with a key that says whether it came before. */
function once(key, event, options = {}) {
  return publish(event, { headers: { "Idempotency-Key": key }, ...options });
}

test("11.2 m a request that comes again publishes once, and is answered as it was", async (t) => {
  const [socket, later, name, key] = [await Socket.open(t), await Socket.open(t), unique("news"), unique("key")];
  await socket.subscribe(name);
  const event = { name: "said", data: "once", channels: [name], info: "subscription_count" };
  const first = await once(key, event);
  assert.deepEqual(first.json, { channels: { [name]: { subscription_count: 1 } } });
  await later.subscribe(name);
  const again = await once(key, event);
  assert.deepEqual([again.status, again.text], [200, first.text]);
  assert.equal(again.headers.get("content-type"), first.headers.get("content-type"));
  await marked(name, socket, later);
  assert.deepEqual(socket.frames.map(({ data }) => data), ["once"]);
  assert.deepEqual(later.frames, []);
  assert.equal((await once(unique("key"), event)).json.channels[name].subscription_count, 2);
  assert.equal((await publish(event)).json.channels[name].subscription_count, 2);
});

test("11.2 m a batch that comes again is published once, and many at once are, too", async (t) => {
  const [socket, name, key] = [await Socket.open(t), unique("news"), unique("key")];
  await socket.subscribe(name);
  const body = JSON.stringify({ batch: [1, 2].map((number) => ({ name: "said", channel: name, data: String(number), info: "subscription_count" })) });
  const send = () => ask("POST", "/batch_events", { body, headers: { "Idempotency-Key": key } });
  const answers = await Promise.all(Array.from({ length: 10 }, send));
  const statuses = answers.map(({ status }) => status);
  assert.ok(statuses.every((status) => status === 200 || status === 409), String(statuses));
  for (const { headers } of answers.filter(({ status }) => status === 409)) assert.equal(headers.get("retry-after"), "1");
  assert.deepEqual((await send()).json, { batch: [{ subscription_count: 1 }, { subscription_count: 1 }] });
  await marked(name, socket);
  assert.deepEqual(socket.frames.map(({ data }) => data), ["1", "2"]);
});

test("11.2 m the same key with another request is refused with 422, and each application has its own keys", async () => {
  const [name, key] = [unique("news"), unique("key")];
  const event = { name: "said", data: "one", channel: name };
  assert.equal((await once(key, event)).status, 200);
  const { status, text } = await once(key, { ...event, data: "another" });
  assert.equal(status, 422);
  assert.match(text, /Idempotency-Key/);
  assert.equal((await once(key, event, { query: { info: "subscription_count" } })).status, 422);
  assert.equal((await ask("POST", "/batch_events", { body: JSON.stringify(event), headers: { "Idempotency-Key": key } })).status, 422);
  assert.equal((await once(key, { ...event, data: "another" }, { app: apps.counted })).status, 200);
  assert.equal((await once(key, event)).status, 200);
});

test("11.2 m what was refused was not done, and may come again with its key", async () => {
  const [name, key] = [unique("news"), unique("key")];
  assert.equal((await once(key, { name: "said", channel: name })).status, 400);
  assert.equal((await once(key, { name: "said", data: "", channel: name }, { auth: { auth_signature: "0".repeat(64) } })).status, 401);
  assert.equal((await once(key, { name: "said", data: "", channel: name })).status, 200);
});

test("11.2 m a key is 1 to 255 visible characters", async () => {
  const event = { name: "said", data: "", channel: unique("news") };
  for (const key of ["", "a b", "x".repeat(256), "\u00e9"]) {
    const { status, text } = await once(key, event);
    assert.equal(status, 400, JSON.stringify(key));
    assert.match(text, /1 to 255/);
  }
  for (const key of [unique("~!{}:/"), unique("").padEnd(255, "x")]) assert.equal((await once(key, event)).status, 200, key);
});

test("11.2 i over the messages of a day it is 403, for all or none of a request, and clients are told", async (t) => {
  const app = apps.rationed;
  const [name, socket, other] = [unique("private-room"), await Socket.open(t, { app }), await Socket.open(t, { app })];
  await socket.subscribe(name);
  await other.subscribe(name);
  const event = { name: "said", data: "" };
  assert.equal((await publish({ ...event, channels: [name, unique("news")] }, { app })).status, 200);
  const batch = JSON.stringify({ batch: Array(5).fill({ ...event, channel: name }) });
  const refused = await ask("POST", "/batch_events", { app, body: batch });
  assert.deepEqual([refused.status, refused.text], [403, "this application is over its quota: it has as many messages in a day as it may have"]);
  socket.send("client-hello", "third", name);
  assert.equal((await other.next("client-hello")).data, "third");
  assert.equal((await publish({ ...event, channels: [name, unique("news"), unique("news")] }, { app })).status, 200);
  assert.equal((await publish({ ...event, channel: name }, { app })).status, 403);
  await socket.settled();
  socket.frames.splice(0);
  socket.send("client-hello", "seventh", name);
  assert.deepEqual(await socket.error(), { code: null, message: refused.text });
  await socket.settled();
  await other.settled();
  assert.deepEqual(other.frames.filter(({ event }) => event === "client-hello"), []);
});
