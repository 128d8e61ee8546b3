// All of the chat without a pointer.

import assert from "node:assert/strict";
import { test } from "node:test";

import { eventually } from "../harness.mjs";
import { enter, hears, message, roomOf, say, visitor, write } from "./support/people.mjs";

const focused = (page) => page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.className);

test("Ctrl+K and / jump to a room by a part of its name", async (t) => {
  const ada = await visitor(t, "ada");
  const [one, two] = [await roomOf(ada), await roomOf(ada)];
  await ada.page.reload();
  await ada.page.getByRole("textbox", { name: /^Message / }).waitFor();
  for (const [key, room] of [["Control+k", one], ["/", two]]) {
    await ada.page.locator(".log").focus();
    await ada.page.keyboard.press(key);
    await ada.page.getByRole("combobox").waitFor();
    await ada.page.keyboard.type(room.slice(-5));
    await ada.page.getByRole("option", { selected: true, name: room }).waitFor();
    await ada.page.keyboard.press("Enter");
    await ada.page.locator(".room-title", { hasText: room }).waitFor();
  }
  assert.match(await focused(ada.page), /^Message #/);
});

test("Alt with the arrows goes through the rooms", async (t) => {
  const ada = await visitor(t, "ada");
  const rooms = [await roomOf(ada), await roomOf(ada), await roomOf(ada)].sort();
  await ada.page.reload();
  await enter(ada.page, rooms[0]);
  const title = () => ada.page.locator(".room-title").innerText();
  await ada.page.keyboard.press("Alt+ArrowDown");
  await eventually(async () => assert.equal(await title(), rooms[1]));
  await ada.page.keyboard.press("Alt+ArrowUp");
  await ada.page.keyboard.press("Alt+ArrowUp");
  await eventually(async () => assert.equal(await title(), rooms[2]));
});

test("Enter sends, Shift+Enter makes a line, the arrow up edits, Esc steps back", async (t) => {
  const ada = await visitor(t, "ada");
  await enterNew(ada);
  const { page } = ada;
  await page.keyboard.type("first line");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("second line");
  await page.keyboard.press("Enter");
  await message(page, "second line").locator('[title="Sent"]').waitFor();
  await page.keyboard.press("ArrowUp");
  await page.getByText("Editing").waitFor();
  assert.equal(await page.getByRole("textbox", { name: /^Message / }).inputValue(), "first line\nsecond line");
  await page.keyboard.press("Escape");
  await page.getByText("Editing").waitFor({ state: "hidden" });
  assert.equal(await page.getByRole("textbox", { name: /^Message / }).inputValue(), "");
});

test("a message that is too long says by how much, and is not sent", async (t) => {
  const ada = await visitor(t, "ada");
  await enterNew(ada);
  await write(ada.page, "ä".repeat(8_200));
  await ada.page.getByText("Too long by 16 bytes.").waitFor();
  assert.equal(await ada.page.locator("li.message").count(), 0);
  await say(ada.page, "ä".repeat(8_192));
  await message(ada.page, "ääää").locator('[title="Sent"]').waitFor();
});

test("messages can be walked through, answered and reacted to with keys", async (t) => {
  const ada = await visitor(t, "ada");
  await enterNew(ada);
  const { page } = ada;
  for (const text of ["one", "two", "three"]) {
    await say(page, text);
    await message(page, text).locator('[title="Sent"]').waitFor();
  }
  await page.locator(".log").focus();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  assert.ok(await message(page, "two").evaluate((row) => row === document.activeElement));
  await page.getByRole("toolbar", { name: new RegExp(`^Message of ${ada.name}`) }).waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "React with 👍");
  await page.keyboard.press("Enter");
  await message(page, "two").getByRole("button", { name: /^👍, 1/ }).waitFor();
  await message(page, "two").focus();
  await page.keyboard.press("r");
  await page.getByText(`Answering ${ada.name}`).waitFor();
  await page.keyboard.type("an answer");
  await page.keyboard.press("Enter");
  await hears(page, "an answer");
});

test("the skip link leads past the list of rooms", async (t) => {
  const ada = await visitor(t, "ada");
  await enterNew(ada);
  const first = await ada.page.evaluate(() => document.querySelector("a[href], button, input, textarea, [tabindex='0']").className);
  assert.equal(first, "skip");
  await ada.page.locator(".skip").focus();
  await ada.page.keyboard.press("Enter");
  assert.match(await focused(ada.page), /^Messages in /);
});

async function enterNew(person) {
  const room = await roomOf(person);
  await person.page.reload();
  await enter(person.page, room);
}
