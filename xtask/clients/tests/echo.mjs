// Laravel Echo, which knows nothing of this server but where it is.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Echo, client, happens, library, unique, within } from "../harness.mjs";

/** An Echo as an application has it. */
async function echo(t, user) {
  return new Echo({ broadcaster: "pusher", client: await client(t, { user }), withoutInterceptors: true });
}

/** What a callback of Echo is called with next. */
function told(what, register) {
  return within(what, register);
}

const ADA = { id: "1", user_info: { id: 1, name: "Ada" } };
const BOB = { id: "2", user_info: { id: 2, name: "Bob" } };

test("5.2 7.1 Echo listens to a public channel", async (t) => {
  const name = unique("orders");
  const channel = (await echo(t)).channel(name);
  await told("the subscription", (resolve) => channel.subscribed(resolve));
  const shipped = told("OrderShipped", (resolve) => channel.listen("OrderShipped", resolve));
  await library().trigger(name, "App\\Events\\OrderShipped", { order: 7 });
  assert.deepEqual(await shipped, { order: 7 });
});

test("5.3 7.1 Echo listens to a private channel, and leaves it", async (t) => {
  const name = unique("orders");
  const one = await echo(t);
  const channel = one.private(name);
  await told("the subscription", (resolve) => channel.subscribed(resolve));
  const shipped = told("order.shipped", (resolve) => channel.listen(".order.shipped", resolve));
  await library().trigger(`private-${name}`, "order.shipped", { order: 7 });
  assert.deepEqual(await shipped, { order: 7 });
  one.leave(name);
  await within("the end of the channel", async (resolve) => {
    for (;;) {
      const { channels } = await (await library().get({ path: "/channels", params: { filter_by_prefix: `private-${name}` } })).json();
      if (!(`private-${name}` in channels)) return resolve();
    }
  });
});

test("5.7 6.1 6.2 7.4 Echo joins: here, joining, whisper, leaving", async (t) => {
  const name = unique("chat");
  const [ada, bob] = [await echo(t, ADA), await echo(t, BOB)];
  const room = ada.join(name);
  assert.deepEqual(await told("here", (resolve) => room.here(resolve)), [ADA.user_info]);
  const joining = told("joining", (resolve) => room.joining(resolve));
  const other = bob.join(name);
  assert.deepEqual(await told("here", (resolve) => other.here(resolve)), [ADA.user_info, BOB.user_info]);
  assert.deepEqual(await joining, BOB.user_info);
  const whisper = told("a whisper", (resolve) => room.listenForWhisper("typing", resolve));
  other.whisper("typing", { name: "Bob" });
  assert.deepEqual(await whisper, { name: "Bob" });
  const leaving = told("leaving", (resolve) => room.leaving(resolve));
  bob.leave(name);
  assert.deepEqual(await leaving, BOB.user_info);
});

test("7.3 Echo whispers in a private channel", async (t) => {
  const name = unique("chat");
  const [one, other] = [await echo(t), await echo(t)].map((each) => each.private(name));
  await Promise.all([one, other].map((channel) => told("the subscription", (resolve) => channel.subscribed(resolve))));
  const whisper = told("a whisper", (resolve) => other.listenForWhisper("typing", resolve));
  one.whisper("typing", { on: true });
  assert.deepEqual(await whisper, { on: true });
});

test("5.8 Echo reads what is encrypted", async (t) => {
  const name = unique("secrets");
  const channel = (await echo(t)).encryptedPrivate(name);
  await told("the subscription", (resolve) => channel.subscribed(resolve));
  const said = told("Said", (resolve) => channel.listen("Said", resolve));
  await library().trigger(`private-encrypted-${name}`, "App\\Events\\Said", { text: "psst" });
  assert.deepEqual(await said, { text: "psst" });
});

test("11.2 e Echo's socket id leaves out who caused an event", async (t) => {
  const name = unique("orders");
  const [one, other] = [await echo(t), await echo(t)];
  const heard = [];
  for (const each of [one, other]) {
    const channel = each.channel(name);
    await told("the subscription", (resolve) => channel.subscribed(resolve));
    channel.listen(".placed", () => heard.push(each));
  }
  await library().trigger(name, "placed", {}, { socket_id: one.socketId() });
  const last = happens(one.connector.pusher.channel(name), "end");
  const end = happens(other.connector.pusher.channel(name), "end");
  await library().trigger(name, "end", {});
  await Promise.all([last, end]);
  assert.deepEqual(heard, [other]);
});

test("10.4 Echo signs in, and hears what is sent to its user", async (t) => {
  const user = { id: unique("ada") };
  const one = await echo(t, user);
  one.connector.signin();
  const { pusher } = one.connector;
  await pusher.user.signinDonePromise;
  await happens(pusher.user.serverToUserChannel, "pusher:subscription_succeeded");
  const note = happens(pusher.user, "note");
  await library().sendToUser(user.id, "note", { text: "for you" });
  assert.deepEqual(await note, { text: "for you" });
});
