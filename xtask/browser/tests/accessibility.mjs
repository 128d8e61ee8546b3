// axe looks at the pages in both schemes; nothing it calls serious may be found.

import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { test } from "node:test";

import { api, open, operator } from "../harness.mjs";
import { Client, Receiver, consoleAt, serverWithApps } from "./support/apps.mjs";
import { enter, hears, message, press, roomOf, say, signedIn, visitor } from "./support/people.mjs";

const AXE = fs.readFileSync(createRequire(path.join(process.env.CAMPANILE_BROWSER_MODULES, "any.js")).resolve("axe-core/axe.min.js"), "utf8");
const GRAVE = new Set(["serious", "critical"]);

/** Says what axe finds grave on the page as it is now. */
async function check(page, what) {
  // Evaluated from outside, so that the page's own policy stays in force.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const grave = violations.filter(({ impact }) => GRAVE.has(impact));
  assert.deepEqual(grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`), [], what);
}

for (const scheme of ["light", "dark"]) {
  test(`the door has no grave fault, ${scheme}`, async (t) => {
    const page = await open(t, "/", { scheme });
    await page.getByRole("button", { name: "Make account" }).click();
    await check(page, "making an account, with complaints");
    await page.getByRole("button", { name: "Sign in" }).click();
    await check(page, "signing in");
  });

  for (const width of ["desktop", "phone"]) {
    test(`the chat has no grave fault, ${scheme}, on a ${width}`, async (t) => {
      const [ada, bob] = [await visitor(t, "ada", { scheme, width }), await visitor(t, "bob", { scheme })];
      const { page } = ada;
      await page.getByRole("heading", { name: /^Welcome/ }).waitFor();
      await check(page, "the empty page");
      const room = await roomOf(ada, bob);
      await page.reload();
      await bob.page.reload();
      await enter(bob.page, room);
      await say(bob.page, "see https://a.example and answer");
      await hears(page, "and answer");
      await press(page, "and answer", "React with 👍");
      await press(page, "and answer", "Reply");
      await check(page, "the log with an answer begun");
      await say(page, "done");
      await message(page, "done").locator('[title="Sent"], [title="Read"]').waitFor();
      await page.getByRole("button", { name: /members/ }).click();
      await page.locator(".person").first().waitFor();
      await check(page, "the list of people");
      await page.getByRole("button", { name: "Hide the people" }).click();
      await page.keyboard.press("Control+k");
      await page.keyboard.type("somebody");
      await page.getByRole("option").first().waitFor();
      await check(page, "the quick switch");
    });
  }

  test(`the dialogs have no grave fault, ${scheme}`, async (t) => {
    const { page } = await visitor(t, "ada", { scheme });
    for (const name of ["Create a room", "Browse rooms", "Message someone"]) {
      await page.getByRole("button", { name }).last().click();
      await page.getByRole("dialog").waitFor();
      await check(page, name);
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
    }
    await page.locator(".me").click();
    await page.getByRole("menu").waitFor();
    await check(page, "one's own menu");
  });

  test(`the console has no grave fault, ${scheme}`, async (t) => {
    const { token } = await api("POST", "/login", operator);
    const page = await signedIn(t, { ...operator, token }, { where: "/console", scheme });
    await page.getByText("Connected clients").waitFor();
    await page.locator(".plot-field").first().focus();
    await page.keyboard.press("ArrowLeft");
    await check(page, "the console");
  });

  test(`the sections of applications have no grave fault, ${scheme}`, async (t) => {
    const receiver = await Receiver.start(t);
    receiver.status = 500;
    const scene = await serverWithApps(t, receiver.settings);
    const page = await consoleAt(t, scene, "debug", { scheme });
    await page.locator(".stream-state.is-live").waitFor();
    const ada = await Client.open(t, scene.server);
    await ada.subscribe("presence-room", "ada");
    await page.getByRole("button", { name: "Publish", exact: true }).click();
    await page.getByRole("log").getByText("test-event").waitFor();
    await check(page, "what passes");
    await page.getByRole("link", { name: "Apps" }).click();
    await page.getByRole("cell", { name: "key-of-the-shop" }).waitFor();
    await check(page, "the applications");
    await page.getByRole("link", { name: "Webhooks" }).click();
    await page.getByRole("button", { name: /^Revive channel_occupied/ }).waitFor();
    await check(page, "the webhooks, one of which was given up");
    await page.getByRole("link", { name: "Channels", exact: true }).click();
    await page.getByRole("button", { name: "presence-room" }).click();
    await page.getByRole("dialog").getByText("Subscriptions").waitFor();
    await check(page, "a channel");
  });
}
