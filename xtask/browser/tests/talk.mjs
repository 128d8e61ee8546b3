// Two people talk: from making an account to taking a message back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { eventually, open, screenshot } from "../harness.mjs";
import { enter, hears, message, press, roomOf, say, texts, visitor } from "./support/people.mjs";

const PASSWORD = "a bell at six o'clock";

/** Makes an account the way a person does. */
async function signUp(page, name) {
  await page.getByRole("heading", { name: "Come to the square" }).waitFor();
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Make account" }).click();
  await page.getByRole("heading", { name: `Welcome, ${name}` }).waitFor();
}

test("two people make accounts, meet in a room and talk", async (t) => {
  const suffix = Math.random().toString(36).slice(2, 7);
  const [ada, bob] = [await open(t, "/"), await open(t, "/", { scheme: "dark" })];
  await signUp(ada, `ada-${suffix}`);
  await signUp(bob, `bob-${suffix}`);
  await screenshot(ada, "chat-empty");

  await ada.getByRole("button", { name: "Create a room" }).last().click();
  await ada.getByLabel("Name").fill(`piazza-${suffix}`);
  await ada.getByLabel("Topic (optional)").fill("Everything about the square");
  await ada.getByRole("button", { name: "Create room" }).click();
  await ada.getByText("Ring the first bell.").waitFor();

  await bob.getByRole("button", { name: "Browse rooms" }).last().click();
  await bob.getByRole("button", { name: `Join piazza-${suffix}` }).click();
  await bob.locator(".room-sub", { hasText: "Everything about the square" }).waitFor();

  await say(ada, "Good morning!\nDid the bell wake you?");
  await hears(bob, "Did the bell wake you?");
  await say(bob, "At six, on the dot: https://bells.example/timetable.");
  await hears(ada, "At six, on the dot");
  const link = ada.getByRole("link", { name: "https://bells.example/timetable" });
  assert.equal(await link.getAttribute("href"), "https://bells.example/timetable");
  assert.match(await link.getAttribute("rel"), /noopener/);
  await screenshot(ada, "chat-talk-light");
  await screenshot(bob, "chat-talk-dark");
});

test("what somebody writes is text, whatever it looks like", async (t) => {
  const [ada, bob] = [await visitor(t, "ada"), await visitor(t, "bob")];
  const room = await roomOf(ada, bob);
  for (const { page } of [ada, bob]) await enter(page, room);
  const evil = "<img src=x onerror=alert(1)><script>document.title='taken'</script> javascript:alert(1)";
  await say(ada.page, evil);
  await hears(bob.page, "onerror");
  assert.deepEqual(await texts(bob.page), [evil]);
  assert.equal(await bob.page.locator(".log img, .log script, .log a").count(), 0);
});

test("one sees who is there, who types, and who has read", async (t) => {
  const [ada, bob] = [await visitor(t, "ada"), await visitor(t, "bob")];
  // Bob is in no room yet, so that none opens by itself when he comes into one.
  await bob.page.getByRole("heading", { name: /^Welcome/ }).waitFor();
  const room = await roomOf(ada, bob);
  await enter(ada.page, room);
  await ada.page.getByRole("button", { name: /members/ }).click();
  const person = ada.page.locator(".person", { hasText: bob.name });
  await person.getByText("Available").waitFor();

  await say(ada.page, "are you there?");
  const mine = message(ada.page, "are you there?");
  await mine.locator('[title="Sent"]').waitFor();
  await bob.page.locator(`.room-item[data-room="${room}"] .badge`, { hasText: "1" }).waitFor();
  await enter(bob.page, room);
  await mine.locator('[title="Read"]').waitFor();
  await mine.locator(".readers", { hasText: bob.name }).waitFor();
  await bob.page.locator(`.room-item[data-room="${room}"] .badge`).waitFor({ state: "detached" });

  await bob.page.getByRole("textbox", { name: /^Message / }).pressSequentially("ye");
  await ada.page.getByText(`${bob.name} is typing`).waitFor();
  await bob.page.getByRole("textbox", { name: /^Message / }).fill("");
  await eventually(async () => assert.equal(await ada.page.locator(".typing.on").count(), 0));

  await bob.page.locator(".me").click();
  await bob.page.getByRole("menuitemradio", { name: "Do not disturb" }).click();
  await person.getByText("Do not disturb").waitFor();
  await bob.page.context().close();
  await person.getByText("Last seen just now").waitFor();
});

test("a message can be edited, reacted to, answered and taken back", async (t) => {
  const [ada, bob] = [await visitor(t, "ada"), await visitor(t, "bob")];
  const room = await roomOf(ada, bob);
  for (const { page } of [ada, bob]) await enter(page, room);
  await say(ada.page, "the market opens at eigth");
  await hears(bob.page, "eigth");

  await press(ada.page, "eigth", "Edit");
  await ada.page.getByRole("textbox", { name: /^Message / }).fill("the market opens at eight");
  await ada.page.keyboard.press("Enter");
  await message(bob.page, "at eight").locator(".edited").waitFor();

  await press(bob.page, "at eight", "React with 👍");
  const reaction = message(ada.page, "at eight").getByRole("button", { name: new RegExp(`👍, 1: ${bob.name}`) });
  await reaction.click();
  await message(bob.page, "at eight").getByRole("button", { name: /👍, 2/ }).waitFor();

  await press(bob.page, "at eight", "Reply");
  await say(bob.page, "then I sleep on");
  const answer = message(ada.page, "then I sleep on");
  await answer.locator(".quote", { hasText: "the market opens at eight" }).waitFor();

  await press(ada.page, "at eight", "Delete");
  await ada.page.getByRole("button", { name: "Delete message" }).click();
  await bob.page.getByText("This message was taken back.").waitFor();
  await answer.locator(".quote", { hasText: "taken back" }).waitFor();
  assert.deepEqual(await texts(bob.page), ["This message was taken back.", "then I sleep on"]);
});

test("a direct message reaches somebody who shares no room", async (t) => {
  const [ada, bob] = [await visitor(t, "ada"), await visitor(t, "bob")];
  await bob.page.getByRole("heading", { name: /^Welcome/ }).waitFor();
  await ada.page.getByRole("button", { name: "Message someone" }).last().click();
  await ada.page.getByLabel("Their name").fill(bob.name);
  await ada.page.getByRole("button", { name: "Start" }).click();
  await ada.page.locator(".room-title", { hasText: bob.name }).waitFor();
  // One can write at once.
  await ada.page.locator(".composer-text:focus").waitFor();
  await say(ada.page, "between us");
  const item = bob.page.locator(".room-item", { hasText: ada.name });
  await item.locator(".badge").waitFor();
  await item.click();
  await hears(bob.page, "between us");
});

test("an owner invites and removes, and the other sees it at once", async (t) => {
  const [ada, bob] = [await visitor(t, "ada"), await visitor(t, "bob")];
  await ada.page.getByRole("button", { name: "Create a room" }).last().click();
  const name = `secret-${Math.random().toString(36).slice(2, 7)}`;
  await ada.page.getByLabel("Name").fill(name);
  await ada.page.getByRole("radio", { name: /^Private/ }).check();
  await ada.page.getByRole("button", { name: "Create room" }).click();
  await ada.page.locator(".room-title", { hasText: name }).waitFor();
  await ada.page.getByRole("button", { name: /member/ }).click();
  await ada.page.getByRole("button", { name: "Invite somebody" }).click();
  await ada.page.getByLabel("Their name").fill(bob.name);
  await ada.page.getByRole("button", { name: "Invite", exact: true }).click();
  await enter(bob.page, name);
  await say(bob.page, "thank you");
  await hears(ada.page, "thank you");

  await ada.page.getByRole("button", { name: `Remove ${bob.name}` }).click();
  await ada.page.getByRole("button", { name: "Remove", exact: true }).click();
  await bob.page.getByText(`You were removed from ${name}.`).waitFor();
  assert.equal(await bob.page.locator(`.room-item[data-room="${name}"]`).count(), 0);
});

test("an owner says how long messages are kept, and finds it again", async (t) => {
  const ada = await visitor(t, "ada");
  const room = `annals-${Math.random().toString(36).slice(2, 7)}`;
  await ada.page.getByRole("button", { name: "Create a room" }).last().click();
  await ada.page.getByLabel("Name").fill(room);
  await ada.page.getByRole("button", { name: "Create room" }).click();
  await ada.page.locator(".room-title", { hasText: room }).waitFor();
  const ask = async () => {
    await ada.page.getByRole("button", { name: "More about this room" }).click();
    await ada.page.getByRole("menuitem", { name: /^Keep messages/ }).click();
    return ada.page.getByLabel("How long");
  };
  const choice = await ask();
  assert.equal(await choice.inputValue(), "");
  await choice.selectOption("30 days");
  await screenshot(ada.page, "chat-retention");
  await ada.page.getByRole("button", { name: "Save" }).click();
  await ada.page.getByText(`${room} keeps messages: 30 days.`).waitFor();
  assert.equal(await (await ask()).inputValue(), String(30 * 86400));
});
