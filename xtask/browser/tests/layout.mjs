// On a phone nothing sticks out, everything can be reached, and the list of rooms is a drawer.

import assert from "node:assert/strict";
import { test } from "node:test";

import { api, operator, screenshot } from "../harness.mjs";
import { enter, fitsTheScreen, hears, message, roomOf, say, signedIn, visitor } from "./support/people.mjs";

const WIDTHS = [320, 390, 480];

for (const width of WIDTHS) {
  test(`the chat fits a screen of ${width} px`, async (t) => {
    const [ada, bob] = [await visitor(t, "ada", { width: "phone" }), await visitor(t, "bob-with-a-rather-long-name")];
    const { page } = ada;
    await page.setViewportSize({ width, height: 720 });
    await page.getByRole("heading", { name: /^Welcome/ }).waitFor();
    await fitsTheScreen(page, "the empty page");

    const room = await roomOf(ada, bob);
    await page.reload();
    await page.getByRole("textbox", { name: /^Message / }).waitFor();
    await say(page, `https://a.example/${"long".repeat(60)}`);
    await message(page, "longlong").locator('[title="Sent"], [title="Read"]').waitFor();
    await api("POST", `/rooms/${room}/messages`, { body: "W".repeat(300), reply_to: 1 }, bob.token);
    await hears(page, "WWW");
    await fitsTheScreen(page, "the log");
    await message(page, "WWW").locator(".bubble").tap();
    await page.getByRole("toolbar").waitFor();
    await fitsTheScreen(page, "the toolbar");
    await page.getByRole("button", { name: "React", exact: true }).tap();
    await page.getByRole("group", { name: "Emoji" }).waitFor();
    await fitsTheScreen(page, "the emoji");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: /members/ }).tap();
    await page.getByText(bob.name).last().waitFor();
    await fitsTheScreen(page, "the list of people");
    await screenshot(page, `chat-phone-${width}`);
  });
}

test("the list of rooms is a drawer that takes and gives back the focus", async (t) => {
  const ada = await visitor(t, "ada", { width: "phone" });
  const { page } = ada;
  const room = await roomOf(ada);
  await page.reload();
  await page.getByRole("textbox", { name: /^Message / }).waitFor();
  const drawer = page.getByRole("navigation", { name: "Rooms" });
  assert.equal(await drawer.isVisible(), false);
  await page.getByRole("button", { name: "Show the list of rooms" }).tap();
  await drawer.waitFor();
  assert.ok(await drawer.evaluate((element) => element.contains(document.activeElement)));
  await screenshot(page, "chat-phone-drawer");
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Show the list of rooms");
  await page.getByRole("button", { name: "Show the list of rooms" }).tap();
  await enter(page, room);
  await drawer.waitFor({ state: "hidden" });
});

for (const width of WIDTHS) {
  test(`the console fits a screen of ${width} px`, async (t) => {
    const { token } = await api("POST", "/login", operator);
    const page = await signedIn(t, { ...operator, token }, { where: "/console", width: "phone" });
    await page.setViewportSize({ width, height: 720 });
    await page.getByText("Connected clients").waitFor();
    await fitsTheScreen(page, "the console");
    if (width === 390) await screenshot(page, "console-phone");
  });
}
