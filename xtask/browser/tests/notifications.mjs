// Notifications while one is away: asked for in the menu, shown by a worker, leading to the room.

import assert from "node:assert/strict";
import { test } from "node:test";

import { api, eventually, screenshot } from "../harness.mjs";
import { visitor } from "./support/people.mjs";

async function choose(page, item) {
  await page.getByRole("heading", { name: /^Welcome,/ }).waitFor();
  await page.locator(".me").click();
  await page.getByRole("menuitem", { name: item }).click();
}

/** Hands something to the worker as a push service would, decrypted as the browser does it. */
async function push(page, data) {
  const session = await page.context().newCDPSession(page);
  const versions = new Promise((resolve) => {
    session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => registrations.length > 0 && resolve(registrations[0]));
  });
  await session.send("ServiceWorker.enable");
  const { registrationId } = await versions;
  const origin = await page.evaluate(() => location.origin);
  await session.send("ServiceWorker.deliverPushMessage", { origin, registrationId, data: JSON.stringify(data) });
}

test("without leave, or without a push service, it is said why there are no notifications", async (t) => {
  const ada = await visitor(t, "ada");
  await choose(ada.page, "Notify me when I am away");
  await ada.page.getByText("The browser does not allow notifications").or(ada.page.getByText("could not reach its push service")).first().waitFor();
  await screenshot(ada.page, "chat-notify-refused");
  await ada.page.locator(".me").click();
  await ada.page.getByRole("menuitem", { name: "Notify me when I am away" }).waitFor();
  await screenshot(ada.page, "chat-notify-menu");
});

test("a push is shown as a notification that leads to its room", async (t) => {
  const [ada, bob] = [await visitor(t, "ada"), await visitor(t, "bob")];
  const { room } = await api("POST", "/rooms", { kind: "direct", with: ada.name }, bob.token);
  const { page } = ada;
  await page.locator(`.room-item[data-room="${room.name}"]`).waitFor();
  await page.context().grantPermissions(["notifications"]);
  const path = "/assets/chat/push-worker.js";
  const started = page.context().waitForEvent("serviceworker");
  await page.evaluate((script) => {
    const policy = trustedTypes.createPolicy("test", { createScriptURL: () => script });
    return navigator.serviceWorker.register(policy.createScriptURL(""));
  }, path);
  const worker = await started;
  await push(page, { room: room.name, seq: 1, from: bob.name, body: "Are you there?" });
  const shown = () => worker.evaluate(async () => (await registration.getNotifications()).map(({ title, body, tag }) => ({ title, body, tag })));
  await eventually(async () => assert.deepEqual(await shown(), [{ title: bob.name, body: "Are you there?", tag: room.name }]));
  await push(page, { room: room.name, seq: 2, from: bob.name, body: "Ring when you are." });
  await eventually(async () => assert.deepEqual((await shown()).map(({ body }) => body), ["Ring when you are."], "one for each room"));

  // Pressed by the test and not by a hand: the page is told, and not brought to the front.
  await worker.evaluate(async () => {
    const [notification] = await registration.getNotifications();
    dispatchEvent(new NotificationEvent("notificationclick", { notification }));
  });
  await page.locator(".room-title", { hasText: bob.name }).waitFor();
  await eventually(async () => assert.deepEqual(await shown(), []));
});
