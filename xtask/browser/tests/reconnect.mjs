// Losing the server and coming back: nothing is lost, nothing is doubled, and one is told.

import assert from "node:assert/strict";
import { test } from "node:test";

import { account, api, eventually, screenshot } from "../harness.mjs";
import { enter, hears, message, press, say, signedIn, texts } from "./support/people.mjs";
import { OwnServer, Wire } from "./support/server.mjs";

/** What a browser says of a server that has gone. */
const GONE = /WebSocket connection|ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE|status of 50[23]/;
const PATIENCE_MS = 45_000;
/** A test that hangs is a fault of its own. */
const LIMIT = { timeout: 150_000 };

/** Two people in one room of a server; ada is behind a wire. */
async function meet(t) {
  const server = await OwnServer.start(t);
  const wire = await Wire.to(t, server);
  const people = [await account("ada", server.url), await account("bob", server.url)];
  await api("POST", "/rooms", { name: "square", kind: "public" }, people[0].token, server.url);
  await api("PUT", `/rooms/square/members/${people[1].name}`, {}, people[1].token, server.url);
  const [ada, bob] = [
    await signedIn(t, people[0], { at: wire.url, tolerate: GONE }),
    await signedIn(t, people[1], { at: server.url, tolerate: GONE }),
  ];
  for (const page of [ada, bob]) await enter(page, "square");
  const stored = async () => (await api("GET", "/rooms/square/messages?limit=200", undefined, people[1].token, server.url)).messages.map(({ body }) => body);
  return { server, wire, ada, bob, stored };
}

/** Both pages and the server agree that this was said, in this order. */
async function agree({ ada, bob, stored }, said) {
  await eventually(async () => {
    assert.deepEqual(await texts(ada), said, "on ada's page");
    assert.deepEqual(await texts(bob), said, "on bob's page");
  }, PATIENCE_MS);
  assert.deepEqual(await stored(), said, "in the store");
}

test("a server that is killed and started again loses and doubles nothing", LIMIT, async (t) => {
  const met = await meet(t);
  const { server, ada, bob } = met;
  await say(ada, "before");
  await hears(bob, "before");
  await server.kill();
  for (const text of ["kept one", "kept two", "kept three"]) await say(ada, text);
  await ada.getByText(/The server cannot be reached\. .*What you write is kept/).waitFor();
  await message(ada, "kept three").locator('[title="Waiting for the connection"]').waitFor();
  await screenshot(ada, "chat-server-away");
  await server.start();
  await say(bob, "bob is back");
  const said = await eventually(async () => {
    const stored = await met.stored();
    assert.equal(stored.length, 5, stored.join());
    return stored;
  }, PATIENCE_MS);
  assert.deepEqual(said.filter((text) => text !== "bob is back"), ["before", "kept one", "kept two", "kept three"]);
  await agree(met, said);
  await ada.getByText("cannot be reached").waitFor({ state: "hidden" });
  await message(ada, "kept three").locator('[title="Read"], [title="Sent"]').waitFor();
});

test("a server that is killed while one writes loses and doubles nothing", LIMIT, async (t) => {
  const met = await meet(t);
  const said = [];
  for (let round = 1; round <= 3; round += 1) {
    for (let line = 1; line <= 6; line += 1) {
      const text = `round ${round}, line ${line}`;
      said.push(text);
      await say(met.ada, text);
      if (line === 3) await met.server.kill();
    }
    await met.server.start();
    await hears(met.bob, `round ${round}, line 1`);
    await eventually(async () => assert.equal(await met.ada.locator('[data-state="queued"], [data-state="sending"], [data-state="waiting"]').count(), 0), PATIENCE_MS);
  }
  await agree(met, said);
});

test("what was said, and changed, behind a cut wire is there when it is mended", LIMIT, async (t) => {
  const met = await meet(t);
  const { wire, ada, bob } = met;
  await say(bob, "first");
  await hears(ada, "first");
  wire.cut();
  await say(bob, "second");
  await say(bob, "third");
  await press(bob, "first", "Edit");
  await bob.getByRole("textbox", { name: /^Message / }).fill("first, corrected");
  await bob.keyboard.press("Enter");
  await message(bob, "first, corrected").waitFor();
  assert.deepEqual(await texts(ada), ["first"]);
  wire.mend();
  await agree(met, ["first, corrected", "second", "third"]);
});

test("unsent messages outlive a reload", LIMIT, async (t) => {
  const met = await meet(t);
  const { server, ada } = met;
  await say(ada, "sent");
  await message(ada, "sent").locator('[title="Sent"], [title="Read"]').waitFor();
  await server.kill();
  await say(ada, "unsent");
  await message(ada, "unsent").locator('[title="Waiting for the connection"]').waitFor();
  await server.start();
  await ada.reload();
  await agree(met, ["sent", "unsent"]);
});

test("somebody who writes faster than the server allows is slowed down, not cut short", LIMIT, async (t) => {
  const met = await meet(t);
  const said = Array.from({ length: 40 }, (_, index) => `quick ${index + 1}`);
  for (const text of said) await say(met.ada, text);
  await agree(met, said);
});

test("a server that is stopped in order says so, and the next one goes on", LIMIT, async (t) => {
  const met = await meet(t);
  await say(met.ada, "before");
  await hears(met.bob, "before");
  const stopped = met.server.stop();
  await met.ada.getByText(/The server (is about to restart|restarts)/).waitFor();
  await say(met.ada, "meanwhile");
  await stopped;
  await met.server.start();
  await agree(met, ["before", "meanwhile"]);
});
