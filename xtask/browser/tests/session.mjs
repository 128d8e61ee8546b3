// Signing in and out: what is remembered, what is forgotten, and what is refused.

import assert from "node:assert/strict";
import { test } from "node:test";

import { account, api, open, screenshot, url } from "../harness.mjs";
import { visitor } from "./support/people.mjs";

const REFUSED = /status of 40[019]/;

async function signIn(page, { name, password }) {
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("a wrong password and a taken name are said in words", async (t) => {
  const ada = await account("ada");
  const page = await open(t, "/", { tolerate: REFUSED });
  await page.getByLabel("Name").fill(ada.name);
  await page.getByLabel("Password").fill("short");
  await page.getByRole("button", { name: "Make account" }).click();
  await page.getByText("At least 8 characters.").last().waitFor();
  await page.getByLabel("Password").fill("long enough to be one");
  await page.getByRole("button", { name: "Make account" }).click();
  await page.getByText("That name is taken.").waitFor();
  await signIn(page, { name: ada.name, password: "not the password" });
  await page.getByText("That name and password do not go together.").waitFor();
  await screenshot(page, "door-refused");
});

test("staying signed in outlives the tab, not staying does not", async (t) => {
  const ada = await account("ada");
  for (const stays of [true, false]) {
    const page = await open(t, "/");
    await page.getByLabel("Stay signed in on this device").setChecked(stays);
    await signIn(page, ada);
    await page.getByRole("heading", { name: /^Welcome,/ }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: /^Welcome,/ }).waitFor();
    const other = await page.context().newPage();
    await other.goto(url);
    await other.getByRole("heading", { name: stays ? /^Welcome,/ : "Welcome back" }).waitFor();
  }
});

test("signing out forgets the token here and on the server", async (t) => {
  const ada = await visitor(t, "ada");
  await ada.page.locator(".me").click();
  await ada.page.getByRole("menuitem", { name: "Sign out" }).click();
  await ada.page.getByText("You are signed out.").waitFor();
  const kept = await ada.page.evaluate(() => [localStorage.getItem("campanile.session"), sessionStorage.getItem("campanile.session")]);
  assert.deepEqual(kept, [null, null]);
  const answer = await fetch(`${url}/api/v1/me`, { headers: { Authorization: `Bearer ${ada.token}` } });
  assert.equal(answer.status, 401);
});

test("a session that is ended elsewhere leads back to the door", async (t) => {
  const ada = await visitor(t, "ada", { tolerate: REFUSED });
  await ada.page.getByRole("heading", { name: /^Welcome,/ }).waitFor();
  await api("POST", "/logout", undefined, ada.token);
  await ada.page.getByRole("heading", { name: "Welcome back" }).or(ada.page.getByRole("heading", { name: "Come to the square" })).waitFor();
});
