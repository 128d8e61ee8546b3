// Reading back: hundreds of messages, the place where one reads, and what arrives meanwhile.

import assert from "node:assert/strict";
import { test } from "node:test";

import { api, eventually, screenshot } from "../harness.mjs";
import { enter, hears, message, roomOf, say, visitor } from "./support/people.mjs";

const COUNT = 300;

async function filledRoom(ada, bob) {
  const room = await roomOf(ada, bob);
  for (let index = 1; index <= COUNT; index += 1) {
    const { token } = index % 7 < 4 ? ada : bob;
    await api("POST", `/rooms/${room}/messages`, { body: `line ${index}. ${"and on ".repeat((index * 11) % 30)}` }, token);
  }
  return room;
}

/** The numbers of the messages on the page. */
function numbers(page) {
  return page.locator("li.message[data-seq]").evaluateAll((rows) => rows.map((row) => Number(row.dataset.seq)));
}

/** Scrolls by so much and says how far the message in the middle then moves by itself. */
function jolt(page, distance) {
  return page.evaluate(async (by) => {
    const log = document.querySelector(".log");
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    log.scrollTop += by;
    await frame();
    const middle = log.getBoundingClientRect().top + log.clientHeight / 2;
    const row = [...log.querySelectorAll("li.message")].find((one) => one.getBoundingClientRect().bottom > middle);
    const before = row.getBoundingClientRect().top;
    for (let count = 0; count < 5; count += 1) await frame();
    const after = document.querySelector(`[data-seq="${row.dataset.seq}"]`)?.getBoundingClientRect().top;
    return Math.round(Math.abs((after ?? Infinity) - before));
  }, distance);
}

test("one can scroll back through 300 messages, and what one reads stays in its place", async (t) => {
  const [ada, bob] = [await visitor(t, "ada"), await visitor(t, "bob")];
  const room = await filledRoom(ada, bob);
  await enter(ada.page, room);
  await hears(ada.page, `line ${COUNT}.`);
  const seen = new Set(await numbers(ada.page));
  const jolts = [];
  await eventually(async () => {
    jolts.push(await jolt(ada.page, -500));
    const shown = await numbers(ada.page);
    assert.deepEqual(shown, [...shown].sort((one, other) => one - other), "out of order");
    assert.equal(shown.at(-1) - shown[0] + 1, shown.length, "a hole or a double");
    assert.ok(shown.length < 260, "the page grows without end");
    for (const seq of shown) seen.add(seq);
    assert.ok(seen.has(1), "not at the start yet");
  }, 60_000);
  assert.equal(seen.size, COUNT);
  assert.deepEqual(jolts.filter((distance) => distance > 2), [], "the page jumped");
  await ada.page.locator(".log").evaluate((log) => log.scrollTo(0, 0));
  await ada.page.getByText(`This is the beginning of #${room}.`).waitFor();
  await screenshot(ada.page, "chat-history-start");
});

test("a message that arrives while one reads back does not move the page, and is one press away", async (t) => {
  const [ada, bob] = [await visitor(t, "ada"), await visitor(t, "bob")];
  const room = await filledRoom(ada, bob);
  for (const { page } of [ada, bob]) await enter(page, room);
  await hears(ada.page, `line ${COUNT}.`);
  await jolt(ada.page, -1_500);
  const position = () => ada.page.locator(".log").evaluate((log) => log.scrollTop);
  const before = await position();
  await say(bob.page, "news from below");
  const button = ada.page.getByRole("button", { name: "1 new message" });
  await button.waitFor();
  assert.ok(Math.abs((await position()) - before) <= 2);
  await button.click();
  await message(ada.page, "news from below").waitFor();
  await eventually(async () => {
    const rest = await ada.page.locator(".log").evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight);
    assert.ok(rest <= 2, `${rest} px from the end`);
  });
});

test("the end is followed when the log gets lower while it scrolls", async (t) => {
  const [ada, bob] = await Promise.all(["ada", "bob"].map((name) => visitor(t, name)));
  const room = await roomOf(ada, bob);
  for (let index = 1; index <= 30; index += 1) await api("POST", `/rooms/${room}/messages`, { body: `line ${index}` }, bob.token);
  await enter(ada.page, room);
  await hears(ada.page, "line 30");
  await ada.page.evaluate(async () => {
    const log = document.querySelector(".log");
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    log.scrollTop -= 20;
    for (let count = 0; count < 3; count += 1) await frame();
    log.scrollTop += 20;
    document.querySelector(".composer").style.paddingBottom = "160px";
    for (let count = 0; count < 3; count += 1) await frame();
  });
  await api("POST", `/rooms/${room}/messages`, { body: "news" }, bob.token);
  await hears(ada.page, "news");
  const below = () => ada.page.locator(".log").evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight);
  await eventually(async () => assert.ok((await below()) < 2, `${await below()} px below`));
});

test("the quote of an old message leads to it", async (t) => {
  const [ada, bob] = [await visitor(t, "ada"), await visitor(t, "bob")];
  const room = await filledRoom(ada, bob);
  await api("POST", `/rooms/${room}/messages`, { body: "as I said", reply_to: 3 }, bob.token);
  await enter(ada.page, room);
  await message(ada.page, "as I said").locator(".quote").click();
  const old = ada.page.locator('li.message[data-seq="3"]');
  await eventually(async () => assert.ok(await old.evaluate((row) => row === document.activeElement), "not reached"), 30_000);
  assert.match(await old.innerText(), /line 3\./);
});
