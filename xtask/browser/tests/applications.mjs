// The console of applications: which there are, their channels, their webhooks, and what passes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { api, eventually, screenshot } from "../harness.mjs";
import { Client, Receiver, consoleAt, serverWithApps, shop } from "./support/apps.mjs";
import { fitsTheScreen } from "./support/people.mjs";

const VIEWS = ["apps", "channels", "webhooks", "debug"];
const row = (page, table, text) => page.getByRole("region", { name: table, exact: true }).getByRole("row", { name: text });

/** The lines of what passed, the newest first. */
const passed = (page) => page.getByRole("log").getByRole("listitem").allInnerTexts();

/** Waits until the newest lines have these texts in them, in this order. */
const passes = (page, ...wanted) => eventually(async () => {
  const lines = await passed(page);
  const found = wanted.every((words, place) => words.every((word) => lines[place]?.includes(word)));
  assert.ok(found, `${JSON.stringify(wanted)} in ${JSON.stringify(lines.slice(0, wanted.length + 1))}`);
});

test("the applications are listed with what they have", async (t) => {
  const scene = await serverWithApps(t);
  const ada = await Client.open(t, scene.server);
  await ada.subscribe("news");
  await ada.subscribe("private-desk");
  const page = await consoleAt(t, scene, "apps");
  await row(page, "Applications", /^shop shop enabled key-of-the-shop 1 2 .*in the settings$/).waitFor();
  await row(page, "Applications", /^closed-for-winter closed-for-winter disabled key-of-another-one 0 0 /).waitFor();
  await screenshot(page, "console-apps");
  const text = await page.locator("body").innerText();
  assert.ok(!text.includes("a secret of"), "a secret is shown");
  assert.equal(await page.getByRole("link", { name: "Apps" }).getAttribute("aria-current"), "page");
  await page.getByRole("link", { name: "Channels of shop" }).click();
  await row(page, "Channels", /^news public 1$/).waitFor();
  await page.goBack();
  await row(page, "Applications", /^shop/).waitFor();
});

test("an application is made, its key is changed for another, and it is switched off and deleted", async (t) => {
  const scene = await serverWithApps(t);
  const page = await consoleAt(t, scene, "apps");
  await page.getByRole("button", { name: "New application" }).filter({ visible: true }).click();
  await page.getByLabel("Name", { exact: true }).fill("The bakery");
  await page.getByLabel("Id", { exact: true }).fill("1002");
  await screenshot(page, "console-app-new");
  await page.getByRole("button", { name: "Make application" }).click();
  const dialog = page.getByRole("dialog", { name: "The bakery" });
  const first = await dialog.getByLabel("Key", { exact: true }).inputValue();
  const secret = await dialog.getByLabel("Secret").inputValue();
  assert.ok(first.length >= 16 && secret.length >= 16, `${first}, ${secret}`);
  await screenshot(page, "console-app-made");
  await page.getByRole("button", { name: "Close" }).click();
  await row(page, "Applications", new RegExp(`^The bakery 1002 enabled ${first} 0 0 `)).waitFor();
  assert.ok(!(await page.locator("body").innerText()).includes(secret), "the secret is shown once");

  await page.getByRole("button", { name: "Change The bakery" }).click();
  assert.equal(await dialog.getByRole("button", { name: /^Revoke/ }).count(), 0, "the last key stays");
  await dialog.getByRole("button", { name: "Add a key" }).click();
  const second = await dialog.getByLabel("Key", { exact: true }).inputValue();
  assert.notEqual(second, first);
  await dialog.getByRole("button", { name: "Done" }).click();
  await dialog.getByText("2 keys").waitFor();
  await screenshot(page, "console-app-keys");
  await dialog.getByRole("button", { name: `Revoke ${first}` }).click();
  await page.getByRole("dialog", { name: "Revoke this key?" }).getByRole("button", { name: "Revoke" }).click();
  await dialog.getByText("1 key", { exact: true }).waitFor();
  await dialog.getByRole("button", { name: "Disable" }).click();
  await page.getByRole("dialog", { name: "Disable 1002?" }).getByRole("button", { name: "Disable" }).click();
  await dialog.getByText("It is disabled").waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  await row(page, "Applications", new RegExp(`^The bakery 1002 disabled ${second} `)).waitFor();

  await page.getByRole("button", { name: "Change The bakery" }).click();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog", { name: "Delete 1002?" }).getByRole("button", { name: "Delete" }).click();
  await dialog.waitFor({ state: "detached" });
  await row(page, "Applications", /bakery/).waitFor({ state: "detached" });
});

const settingsOf = (page) => page.getByRole("dialog", { name: /^Settings of / });

test("what an application is set to is changed, and only that", async (t) => {
  const scene = await serverWithApps(t);
  const asOperator = (method, path, body) => api(method, path, body, scene.operator.token, scene.server.url);
  const settings = { client_messages: false, limits: { cache_seconds: 7.5 } };
  await asOperator("POST", "/apps", { id: "1002", name: "The bakery", settings });
  const page = await consoleAt(t, scene, "apps", { tolerate: /status of 400|ERR_/ });
  await page.getByRole("button", { name: "Change The bakery" }).click();
  await page.getByRole("button", { name: "Settings" }).click();
  const dialog = settingsOf(page);
  const limit = (name) => dialog.locator(`[data-setting=${name}]`);
  assert.equal(await limit("cache_seconds").inputValue(), "7.5");
  assert.equal(await dialog.getByLabel("Client messages").isChecked(), false);
  await dialog.getByText("Connections on one node;").waitFor();
  await screenshot(page, "console-app-settings");
  // Somebody else changes something meanwhile, and what they have changed stays.
  await asOperator("PATCH", "/apps/1002", { settings: { limits: { presence_members_max: 7 } } });
  await dialog.getByLabel("Name", { exact: true }).fill("The mill");
  await dialog.getByLabel("TLS only").check();
  await dialog.getByLabel("Allowed origins").fill("https://mill.example\nhttps://flour.example");
  await limit("messages_per_day_max").fill("500");
  await limit("frame_bytes_max").fill("0");
  await dialog.getByRole("button", { name: "Save" }).click();
  const refused = dialog.getByRole("alert").filter({ hasText: "frame_bytes_max" });
  await refused.waitFor();
  const [said, save] = await Promise.all([refused, dialog.getByRole("button", { name: "Save" })].map((part) => part.boundingBox()));
  assert.ok(said.y + said.height <= save.y, "what is wrong is seen, wherever the form was scrolled to");
  await screenshot(page, "console-app-settings-refused");
  await limit("frame_bytes_max").fill("65536");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("dialog", { name: "The mill" }).getByText("It is enabled.").waitFor();
  const { app } = await asOperator("GET", "/apps/1002");
  const { limits } = app.settings;
  assert.deepEqual([app.name, app.settings.tls_only, app.settings.client_messages], ["The mill", true, false]);
  assert.deepEqual(app.settings.allowed_origins, ["https://mill.example", "https://flour.example"]);
  assert.deepEqual([limits.messages_per_day_max, limits.presence_members_max, limits.cache_seconds], [500, 7, 7.5]);
});

test("the settings of an application fit a phone", async (t) => {
  const scene = await serverWithApps(t);
  await api("POST", "/apps", { id: "1002", name: "The bakery" }, scene.operator.token, scene.server.url);
  const page = await consoleAt(t, scene, "apps", { width: "phone" });
  await page.getByRole("button", { name: "Change The bakery" }).click();
  await screenshot(page, "console-app-manage-phone");
  await page.getByRole("button", { name: "Settings" }).click();
  await settingsOf(page).getByText("Connections on one node;").waitFor();
  await fitsTheScreen(page, "settings");
  await screenshot(page, "console-app-settings-phone");
});

test("an id that is taken is refused, and what was written stays", async (t) => {
  const scene = await serverWithApps(t);
  const page = await consoleAt(t, scene, "apps", { tolerate: /status of 409|ERR_/ });
  await page.getByRole("button", { name: "New application" }).filter({ visible: true }).click();
  await page.getByLabel("Name", { exact: true }).fill("Another shop");
  await page.getByLabel("Id", { exact: true }).fill("shop");
  await page.getByRole("button", { name: "Make application" }).click();
  await page.getByText("there is an application of this id").waitFor();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "Another shop");
});

test("channels are found by how their names begin, and shown one by one", async (t) => {
  const scene = await serverWithApps(t);
  const [ada, bob] = [await Client.open(t, scene.server), await Client.open(t, scene.server)];
  const page = await consoleAt(t, scene, "channels");
  await page.getByText(/^Nobody is subscribed to a channel/).waitFor();
  for (const name of ["news", "cache-weather", "private-desk"]) await ada.subscribe(name);
  await ada.subscribe("presence-room", "ada");
  await bob.subscribe("presence-room", "bob");
  await row(page, "Channels", /^presence-room presence 2 2$/).waitFor();
  await page.getByText("4 channels", { exact: true }).waitFor();
  await screenshot(page, "console-channels");
  await page.getByLabel("Names that begin with").fill("pres");
  await page.getByText("1 channel", { exact: true }).waitFor();
  await page.getByRole("button", { name: "presence-room" }).click();
  const dialog = page.getByRole("dialog", { name: "presence-room" });
  assert.deepEqual(await dialog.getByRole("listitem").allInnerTexts(), ["ada", "bob"]);
  await screenshot(page, "console-channel");
  await dialog.getByRole("link", { name: "Watch it" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByText("Live", { exact: true }).last().waitFor();
  assert.equal(await page.getByLabel("Filter what passes by channel or event").inputValue(), "presence-room");
  assert.equal(await page.getByLabel("Channel", { exact: true }).inputValue(), "presence-room");
  await page.goBack();
  await page.getByLabel("Names that begin with").fill("nowhere");
  await page.getByText("No channel that somebody is subscribed to begins so.").waitFor();
  await page.locator("select[data-test=app]:visible").selectOption("closed-for-winter");
  await page.getByLabel("Names that begin with").fill("");
  await page.getByText(/^Nobody is subscribed to a channel/).waitFor();
});

test("a focused channel stays focused while its numbers change", async (t) => {
  const scene = await serverWithApps(t);
  const [ada, bob] = [await Client.open(t, scene.server), await Client.open(t, scene.server)];
  await ada.subscribe("news");
  const page = await consoleAt(t, scene, "channels/shop");
  await page.getByRole("button", { name: "news" }).focus();
  await bob.subscribe("news");
  await row(page, "Channels", /^news public 2$/).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "news");
});

test("webhooks that fail are seen, given up, and told again when somebody says so", async (t) => {
  const receiver = await Receiver.start(t);
  receiver.status = 503;
  const scene = await serverWithApps(t, receiver.settings);
  const page = await consoleAt(t, scene, "webhooks");
  await page.getByText(/^Nothing was given up/).waitFor();
  await row(page, "Receivers", /^shop http.*asked at once channel_occupied$/).waitFor();
  const ada = await Client.open(t, scene.server);
  await ada.subscribe("news");
  await row(page, "Dead letters", /shop channel_occupied news .*503/).waitFor();
  await eventually(async () => assert.equal(await page.locator(".tile", { hasText: "Given up" }).locator(".tile-value").innerText(), "1"));
  await screenshot(page, "console-webhooks");

  receiver.status = 200;
  await page.getByRole("button", { name: "Revive all" }).click();
  await page.getByRole("dialog", { name: "Tell the one again?" }).waitFor();
  await screenshot(page, "console-revive");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: /^Revive channel_occupied/ }).click();
  assert.equal(receiver.taken, 0, "nothing is told before somebody says so");
  await page.getByRole("button", { name: "Revive", exact: true }).last().click();
  await page.getByText("1 webhook will be told again.").waitFor();
  await page.getByText(/^Nothing was given up/).waitFor();
  await eventually(() => assert.equal(receiver.taken, 1));
  await eventually(async () => assert.equal(await page.locator(".tile", { hasText: "Told" }).first().locator(".tile-value").innerText(), "1"));
});

test("a receiver that does not take webhooks is seen while they wait", async (t) => {
  const receiver = await Receiver.start(t);
  receiver.status = 500;
  const scene = await serverWithApps(t, { ...receiver.settings, CAMPANILE_APPS__0__LIMITS__WEBHOOK_RETRY_SECONDS: "300" });
  const ada = await Client.open(t, scene.server);
  await ada.subscribe("news");
  const page = await consoleAt(t, scene, "webhooks");
  await row(page, "Receivers", /^shop .*does not take them channel_occupied$/).waitFor();
  await page.locator(".tile", { hasText: "has waited so long" }).waitFor();
  await screenshot(page, "console-webhooks-waiting");
});

test("where no application has a webhook it is said how to have one", async (t) => {
  const scene = await serverWithApps(t);
  const page = await consoleAt(t, scene, "webhooks");
  await page.getByText(/^No application has a webhook\. Name one/).waitFor();
});

test("a test event is published, and what passes is seen", async (t) => {
  const scene = await serverWithApps(t);
  const page = await consoleAt(t, scene, "debug/shop");
  await page.getByText("Nothing has passed since you look.").waitFor();
  await page.locator(".stream-state.is-live").waitFor();
  const ada = await Client.open(t, scene.server);
  await ada.subscribe("presence-room", "ada");
  await passes(page, ["Member came", "presence-room", "ada"], ["Subscribed", "presence-room", "ada, connection"]);
  assert.equal(await page.getByText("2 lines, the newest first.").count(), 1);
  await page.getByLabel("Channel", { exact: true }).fill("presence-room");
  await page.getByLabel("Event", { exact: true }).fill("sold");
  await page.getByLabel("Data").fill('{"id": 7,\n"of": "<b>ä</b>"}');
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await page.getByText(/^Published sold to presence-room at/).waitFor();
  assert.equal((await ada.hears("sold")).data, '{"id": 7,\n"of": "<b>ä</b>"}');
  await passes(page, ["Event", "presence-room", "sold", '"of": "<b>ä</b>"']);
  await ada.send("client-typing", { on: true }, "presence-room");
  await passes(page, ["Client event", "client-typing", "by ada", '{"on":true}']);
  await screenshot(page, "console-debug");

  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText("Paused", { exact: true }).waitFor();
  await ada.leave();
  const more = page.getByRole("button", { name: "Go on, 2 more" });
  await more.waitFor();
  await passes(page, ["Client event"]);
  await more.click();
  await passes(page, ["Member went", "ada"], ["Left", "connection"]);

  await page.getByLabel("Filter what passes by channel or event").fill("SOLD");
  assert.equal((await passed(page)).length, 1);
  await page.getByLabel("Filter what passes by channel or event").fill("nothing of the kind");
  await page.getByText("Nothing that passed has this in its channel or name.").waitFor();
  await page.getByLabel("Filter what passes by channel or event").fill("");
  await page.getByRole("button", { name: "Clear" }).click();
  await page.getByText("Nothing has passed since you look.").waitFor();
});

test("what is wrong with a test event is said", async (t) => {
  const scene = await serverWithApps(t);
  const page = await consoleAt(t, scene, "debug/shop", { tolerate: /status of 4|ERR_/ });
  await page.locator(".stream-state.is-live").waitFor();
  await page.getByLabel("Channel", { exact: true }).fill("no name");
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await page.getByText("It was not published: the name of the channel may hold letters, digits and _-=@,.; only").waitFor();
  await page.getByLabel("Channel", { exact: true }).fill("news");
  await page.getByLabel("Event", { exact: true }).fill("pusher:sold");
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await page.getByText("names of events that begin with pusher: or pusher_internal: are reserved").waitFor();
  await screenshot(page, "console-debug-refused");
  await page.locator("select[data-test=app]:visible").selectOption("closed-for-winter");
  await page.getByLabel("Event", { exact: true }).fill("sold");
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await page.getByText("It was not published: this application is disabled").waitFor();
});

test("while the server is away every section says so, and goes on by itself", async (t) => {
  const scene = await serverWithApps(t);
  const page = await consoleAt(t, scene, "debug/shop", { tolerate: /ERR_/ });
  await page.locator(".stream-state.is-live").waitFor();
  await scene.server.kill();
  await page.getByText(/^What passes cannot be seen:/).waitFor();
  await page.locator(".stream-state.is-away").waitFor();
  await page.getByRole("link", { name: "Apps" }).click();
  await page.getByText("The applications cannot be listed: The server did not answer.").waitFor();
  await scene.server.start();
  await row(page, "Applications", /^shop/).waitFor();
  await page.getByText("The applications cannot be listed").waitFor({ state: "hidden" });
  await page.getByRole("link", { name: "Debug", exact: true }).click();
  await page.locator(".stream-state.is-live").waitFor();
});

for (const width of [320, 390]) {
  test(`the sections of applications fit a screen of ${width} px`, async (t) => {
    const receiver = await Receiver.start(t);
    receiver.status = 500;
    const scene = await serverWithApps(t, receiver.settings);
    const ada = await Client.open(t, scene.server);
    await ada.subscribe(`presence-${"long-".repeat(20)}`, "ada");
    const page = await consoleAt(t, scene, "debug", { width: "phone" });
    await page.setViewportSize({ width, height: 800 });
    await page.locator(".stream-state.is-live").waitFor();
    await page.getByLabel("Data").fill("x".repeat(400));
    await page.getByRole("button", { name: "Publish", exact: true }).click();
    await passes(page, ["Event", "test-channel", "xxx"]);
    for (const view of VIEWS) {
      await page.evaluate((name) => { location.hash = name; }, view);
      await page.locator(`.sections a[href="#${view}"][aria-current]`).waitFor();
      if (view === "webhooks") await row(page, "Dead letters", /shop/).waitFor();
      if (view === "apps") await row(page, "Applications", /shop/).waitFor();
      if (view === "channels") await row(page, "Channels", /presence-long/).waitFor();
      await fitsTheScreen(page, view);
      if (width === 390) await screenshot(page, `console-${view}-phone`);
    }
    await page.getByRole("log").scrollIntoViewIfNeeded();
    if (width === 390) await screenshot(page, "console-debug-phone-log");
  });
}

test("the sections are dark where the system is", async (t) => {
  const receiver = await Receiver.start(t);
  const scene = await serverWithApps(t, receiver.settings);
  const page = await consoleAt(t, scene, "debug", { scheme: "dark" });
  await page.locator(".stream-state.is-live").waitFor();
  const ada = await Client.open(t, scene.server);
  await ada.subscribe("presence-room", "ada");
  await page.getByRole("listitem").filter({ hasText: /Webhook\s*presence-room\s*channel_occupied\s*to http/ }).waitFor();
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await passes(page, ["Event", "test-channel"]);
  await screenshot(page, "console-debug-dark");
});

test("an empty server says what to do", async (t) => {
  const scene = await serverWithApps(t);
  const page = await consoleAt(t, scene, "apps");
  await row(page, "Applications", /^shop/).waitFor();
  await page.route("**/api/v1/apps", (route) => route.fulfill({ json: { apps: [] } }));
  for (const view of ["apps", "channels", "debug"]) {
    await page.evaluate((name) => { location.hash = name; }, view);
    await page.getByText(/^This server has no application\./).filter({ visible: true }).first().waitFor();
  }
  await screenshot(page, "console-no-apps");
});
