// People at their browsers: how tests sign in, write, and read what is on the page.

import assert from "node:assert/strict";

import { account, api, eventually, open } from "../../harness.mjs";

/** A new person with an account, signed in on a page of their own. */
export async function visitor(t, name, options = {}) {
  const person = await account(name, options.at);
  const page = await signedIn(t, person, options);
  return { ...person, page };
}

/** A page on which this person is signed in already. */
export async function signedIn(t, person, { where = "/", ...options } = {}) {
  const page = await open(t, where, options);
  await page.evaluate((session) => localStorage.setItem("campanile.session", session), JSON.stringify({ token: person.token, user: person.name }));
  await page.reload();
  return page;
}

/** A public room that somebody else made and all of these are in; their pages are told of it. */
export async function roomOf(...people) {
  const name = `room-${Math.random().toString(36).slice(2, 8)}`;
  host ??= await account("host");
  await api("POST", "/rooms", { name, kind: "public" }, host.token);
  for (const person of people) await api("PUT", `/rooms/${name}/members/${person.name}`, {}, person.token);
  return name;
}

let host = null;

/** Opens a room from the list. */
export async function enter(page, room) {
  await page.locator(`.room-item[data-room="${room}"]`).click();
  await page.locator(".room-title", { hasText: room }).waitFor();
  await page.locator(".log-note").waitFor({ state: "detached" });
}

/** Writes a message and presses Enter. Nobody writes behind a dialog. */
export async function write(page, text) {
  await page.locator("dialog[open]").waitFor({ state: "detached" });
  await field(page).fill(text);
  await page.keyboard.press("Enter");
}

/** The same of a message that leaves: the field is empty then. */
export async function say(page, text) {
  await write(page, text);
  await eventually(async () => assert.equal(await field(page).inputValue(), "", `not sent: ${text}`));
}

function field(page) {
  return page.getByRole("textbox", { name: /^Message / });
}

/** The row of the message with this text. */
export function message(page, text) {
  return page.locator("li.message", { has: page.locator(".body", { hasText: text }) });
}

/** Waits until a message is on the page. */
export async function hears(page, text) {
  await message(page, text).last().waitFor();
}

/** The texts of the messages on the page, in order. */
export function texts(page) {
  return page.locator("li.message .body").allInnerTexts();
}

/** Opens the toolbar of a message and presses one of its buttons. */
export async function press(page, text, button) {
  await message(page, text).last().locator(".bubble").hover();
  await page.getByRole("toolbar").getByRole("button", { name: button, exact: true }).click();
}

/** Nothing on the page may stick out of the screen to the side. */
export async function fitsTheScreen(page, what) {
  const wide = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const sticksOut = (element) => {
      const box = element.getBoundingClientRect();
      const isShown = box.width > 0 && element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
      return isShown && box.right > width + 1 && !element.closest(".table-scroll, svg, .sr-only, .tables");
    };
    const elements = [...document.querySelectorAll("body *")].filter(sticksOut).map((element) => `${element.tagName}.${element.className}`);
    return document.documentElement.scrollWidth > width ? ["the page", ...elements] : elements;
  });
  assert.deepEqual(wide, [], `${what} sticks out`);
}
