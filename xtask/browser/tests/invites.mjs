// Accounts by invitation: the operator makes a link, whoever has it comes in, nobody else does.

import assert from "node:assert/strict";
import { test } from "node:test";

import { account, open, screenshot } from "../harness.mjs";
import { fitsTheScreen, signedIn } from "./support/people.mjs";
import { OwnServer } from "./support/server.mjs";

const PASSWORD = "correct horse battery staple";

/** A server for the invited only, and its operator's console. */
async function invitedOnly(t) {
  const server = await OwnServer.start(t);
  const operator = await account("keeper", server.url);
  await server.stop();
  server.settings = { CAMPANILE_SERVER__REGISTRATION: "invite" };
  await server.start();
  // The server ends with the test before its pages do, and the console asks it every second.
  const page = await signedIn(t, operator, { where: "/console", at: server.url, tolerate: /ERR_(CONNECTION_REFUSED|EMPTY_RESPONSE)/ });
  await page.getByText("Nobody is invited.").waitFor();
  return { server, page };
}

/** Makes an invitation on the console; its link. */
async function invite(page, { shots = false } = {}) {
  await page.getByRole("button", { name: "Invite somebody" }).click();
  if (shots) await screenshot(page, "console-invite");
  await page.getByRole("button", { name: "Make invitation" }).click();
  const link = await page.getByLabel("Send them this link").inputValue();
  if (shots) await screenshot(page, "console-invited");
  await page.getByRole("button", { name: "Close" }).click();
  return link;
}

async function signUp(page, name) {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Make account" }).click();
}

test("an invitation lets one person in, and is used up", async (t) => {
  const { server, page } = await invitedOnly(t);
  const link = await invite(page, { shots: true });
  assert.ok(link.startsWith(`${server.url}/#invite=`), link);
  await page.getByText("1 invitation", { exact: true }).waitFor();
  await page.getByRole("region", { name: "Invitations" }).scrollIntoViewIfNeeded();
  await screenshot(page, "console-invitations");

  const at = server.url;
  const path = link.slice(at.length);
  const bob = await open(t, path, { at, width: "phone" });
  await bob.getByRole("heading", { name: "Come to the square" }).waitFor();
  await screenshot(bob, "door-invited");
  await fitsTheScreen(bob, "the door with an invitation");
  await signUp(bob, "bob");
  await bob.getByRole("heading", { name: /^Welcome,/ }).waitFor();
  assert.ok(!bob.url().includes("invite"), "the code stays in the address");
  await page.getByText("Nobody is invited.").waitFor();

  const eve = await open(t, path, { at, tolerate: /status of 403/ });
  await signUp(eve, "eve");
  await eve.getByText("There is no such invitation, or it was used already.").waitFor();
  await screenshot(eve, "door-not-invited");
});

test("who has no link is asked for the code, and a revoked one is none", async (t) => {
  const { server, page } = await invitedOnly(t);
  const link = await invite(page);
  const bob = await open(t, "/", { at: server.url, tolerate: /status of 403/ });
  await bob.getByRole("heading", { name: "Welcome back" }).waitFor();
  await bob.getByRole("button", { name: "Make an account" }).click();
  await signUp(bob, "bob");
  await bob.getByText("Paste the code of your invitation.").waitFor();
  await bob.getByLabel("Invitation").fill(link);

  await page.getByRole("button", { name: /^Revoke the invitation/ }).click();
  await page.getByRole("button", { name: "Revoke", exact: true }).click();
  await page.getByText("Nobody is invited.").waitFor();
  await bob.getByRole("button", { name: "Make account" }).click();
  await bob.getByText("There is no such invitation, or it was used already.").waitFor();
});

test("a closed server says whom to ask", async (t) => {
  const server = await OwnServer.start(t);
  await server.stop();
  server.settings = { CAMPANILE_SERVER__REGISTRATION: "closed" };
  await server.start();
  const page = await open(t, "/", { at: server.url });
  await page.getByText("Ask the operator of this server for an account.").waitFor();
  assert.equal(await page.getByRole("button", { name: "Make an account" }).count(), 0);
  await screenshot(page, "door-closed");
});
