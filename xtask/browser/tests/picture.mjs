// The picture in the README: a conversation on a real server, kept as `readme` among the screenshots.

import assert from "node:assert/strict";
import { test } from "node:test";

import { api, eventually, screenshot } from "../harness.mjs";
import { enter, hears, press, say, signedIn } from "./support/people.mjs";
import { OwnServer } from "./support/server.mjs";

const PASSWORD = "a bell at six o'clock";
const ROOMS = { piazza: "Everything about the square", market: "Stalls and Saturdays", "tower-watch": "Who climbs up, and when" };

async function person(name, at) {
  await api("POST", "/users", { name, password: PASSWORD }, undefined, at);
  const { token } = await api("POST", "/login", { name, password: PASSWORD }, undefined, at);
  return { name, token };
}

test("a conversation looks as it does in the README", async (t) => {
  const { url: at } = await OwnServer.start(t);
  const people = {};
  for (const name of ["ada", "bruno", "carla", "dario"]) people[name] = await person(name, at);
  const { ada, bruno, carla, dario } = people;
  for (const [room, topic] of Object.entries(ROOMS)) {
    await api("POST", "/rooms", { name: room, kind: "public" }, ada.token, at);
    await api("PATCH", `/rooms/${room}`, { topic }, ada.token, at);
    for (const other of [bruno, carla, dario]) await api("PUT", `/rooms/${room}/members/${other.name}`, {}, other.token, at);
  }
  await api("POST", "/rooms", { name: "keepers", kind: "private" }, ada.token, at);
  for (const other of [bruno, carla]) await api("POST", "/rooms", { kind: "direct", with: ada.name }, other.token, at);

  const [one, two, three] = await Promise.all([ada, bruno, carla].map((who) => signedIn(t, who, { at, scale: 2 })));
  for (const page of [one, two]) await enter(page, "piazza");
  await three.locator(".me").click();
  await three.getByRole("menuitemradio", { name: "Away" }).click();
  await api("POST", "/rooms/market/messages", { body: "Two stalls are still free." }, dario.token, at);
  await api("POST", "/rooms/tower-watch/messages", { body: "I take Friday." }, carla.token, at);

  const lines = [
    [two, "Good morning! Did the bell wake you too?"],
    [one, "At six, on the dot. I do like it, though 🔔"],
    [two, "They hang the new one on Saturday: 2.4 tonnes, and the whole square is invited."],
    [two, "The times are on https://campanile.example/bells"],
    [one, "Then I need a place by the fountain."],
    [two, "I keep one for you. Coffee before, at nine?"],
    [one, "☕🥐"],
  ];
  for (const [page, text] of lines) {
    await say(page, text);
    await hears(page === one ? two : one, text);
  }
  await press(one, "2.4 tonnes", "React with ❤️");
  await press(two, "by the fountain", "React with 👍");
  await press(two, "by the fountain", "Reply");
  await say(two, "Bring an umbrella, in case.");
  await hears(one, "Bring an umbrella");
  await one.getByRole("button", { name: /members/ }).click();
  await one.locator(".person", { hasText: "Away" }).waitFor();
  await one.mouse.move(0, 0);
  await two.getByRole("textbox", { name: /^Message / }).pressSequentially("And");
  await one.getByText("bruno is typing").waitFor();
  await eventually(async () => assert.equal(await one.locator(".badge").count(), 2));
  await one.getByRole("textbox", { name: /^Message / }).focus();
  await one.getByRole("toolbar").waitFor({ state: "detached" });
  await screenshot(one, "readme");
});
