// The operator's page: numbers that move, who is connected, and who may not look.

import assert from "node:assert/strict";
import { test } from "node:test";

import { api, eventually, operator, screenshot } from "../harness.mjs";
import { enter, roomOf, say, signedIn, visitor } from "./support/people.mjs";

async function openConsole(t, options = {}) {
  const { token } = await api("POST", "/login", operator);
  const page = await signedIn(t, { ...operator, token }, { where: "/console", ...options });
  await page.getByText("Connected clients").waitFor();
  return page;
}

const tile = (page, title) => page.locator(".tile", { has: page.getByRole("heading", { name: title, exact: true }) });
const number = async (locator) => Number.parseFloat((await locator.innerText()).replaceAll(",", ""));

test("the console shows what happens while it happens", async (t) => {
  const [page, dark] = [await openConsole(t), await openConsole(t, { scheme: "dark" })];
  await page.getByText("Store is up").waitFor();
  await page.getByText("Bus is up").waitFor();
  const connections = tile(page, "Connections").locator(".tile-value");
  const before = await number(connections);
  const [ada, bob] = [await visitor(t, "ada"), await visitor(t, "bob")];
  const room = await roomOf(ada, bob);
  for (const person of [ada, bob]) {
    await person.page.reload();
    await enter(person.page, room);
  }
  await eventually(async () => assert.ok((await number(connections)) >= before + 2, "connections did not rise"));
  const received = tile(page, "Messages in").locator(".tile-value");
  const sent = tile(page, "Deliveries").locator(".tile-value");
  let round = 0;
  await eventually(async () => {
    round += 1;
    await say(ada.page, `ring ${round}`);
    assert.ok((await number(received)) > 0, "no messages in");
    assert.ok((await number(sent)) > 0, "no deliveries");
  }, 20_000);
  await eventually(async () => assert.match(await tile(page, "Delivery p99").locator(".tile-value").innerText(), /[µm]?s$/u));

  const rooms = page.getByRole("region", { name: "Top rooms" });
  await rooms.getByRole("row", { name: new RegExp(`^${room} public`) }).waitFor();
  const clients = page.getByRole("region", { name: "Connected clients" });
  await page.getByLabel("Filter connected clients").fill(ada.name);
  await clients.getByRole("cell", { name: ada.name }).waitFor();
  await eventually(async () => assert.equal(await clients.getByRole("row").count(), 2, "the filter let others through"));
  await page.getByRole("region", { name: "Nodes" }).getByText("(this one)").waitFor();

  const line = page.locator(".plot", { hasText: "Messages" }).locator(".plot-line").first();
  await eventually(async () => assert.ok((await line.getAttribute("d")).split("L").length > 4, "the plot has no line"));
  await page.locator(".plot-field").nth(1).focus();
  await page.keyboard.press("ArrowLeft");
  await page.locator(".plot").nth(1).locator(".plot-tip").waitFor();
  assert.match(await page.locator(".plot-field").nth(1).getAttribute("aria-label"), /last five minutes.*out: now/);
  await screenshot(page, "console-light");
  await screenshot(dark, "console-dark");
});

test("where logs are shipped the console says how they fare, and nothing where they are not", async (t) => {
  const page = await openConsole(t);
  await page.getByText("Store is up").waitFor();
  assert.equal(await page.getByText("Logs are shipped").count(), 0);
  let sent = 0;
  await page.route("**/api/v1/stats", async (route) => {
    const stats = await (await route.fetch()).json();
    sent += 30;
    const logs = { queue_bytes: 2048, oldest_seconds: 0.2, sent_total: sent, dropped_total: 0, last_success_at: stats.at };
    await route.fulfill({ json: { ...stats, logs } });
  });
  const line = page.locator(".health li", { hasText: "Logs are shipped" });
  await line.getByText(/^[\d,.]+\/s sent, 2 KiB wait, 0 dropped, last taken 0 s ago$/u).waitFor();
  await page.unroute("**/api/v1/stats");
  await line.waitFor({ state: "detached" });
});

test("whoever is no operator is told so, and sees nothing", async (t) => {
  const ada = await visitor(t, "ada", { where: "/console", tolerate: /status of 403/ });
  await ada.page.getByRole("heading", { name: "For operators only" }).waitFor();
  assert.equal(await ada.page.locator(".tile, .plot, table").count(), 0);
  await screenshot(ada.page, "console-forbidden");
});

test("while the server does not answer the console says so, and goes on by itself", async (t) => {
  const page = await openConsole(t, { tolerate: /ERR_FAILED/ });
  await page.route("**/api/v1/**", (route) => route.abort());
  await page.getByText("The server does not answer.").waitFor();
  await page.locator(".live", { hasText: "Server away" }).waitFor();
  await page.unroute("**/api/v1/**");
  await page.locator(".live", { hasText: "Live" }).waitFor();
  await page.getByText("The server does not answer.").waitFor({ state: "hidden" });
});
