// A page of Laravel Echo and a page of pusher-js in Chromium hold a presence chat through this
// server; nothing in them is ours but host and key. `pages/` has them.

import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { apps, eventually, library, setting, unique, url } from "../harness.mjs";

const { chromium } = createRequire(path.join(setting("BROWSER_MODULES"), "any.js"))("playwright-core");

const PAGES = fileURLToPath(new URL("../pages", import.meta.url));
const MODULES = path.join(setting("CLIENT_MODULES"), "node_modules");
const FILES = {
  "/pusher.js": path.join(MODULES, "pusher-js/dist/web/pusher.min.js"),
  "/echo.js": path.join(MODULES, "laravel-echo/dist/echo.js"),
  ...Object.fromEntries(["pusher.html", "echo.html", "chat.js", "chat.css"].map((name) => [`/${name}`, path.join(PAGES, name)])),
};
const KINDS = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

/** The server of an application: it has the pages, and says who may enter. */
async function application(t) {
  const server = http.createServer(async (request, answer) => {
    const { pathname } = new URL(request.url, "http://application");
    if (pathname === "/broadcasting/auth") {
      const fields = new URLSearchParams((await request.toArray()).join(""));
      const user = fields.get("user");
      const member = { user_id: user.toLowerCase(), user_info: { name: user } };
      answer.setHeader("Content-Type", "application/json");
      answer.end(JSON.stringify(library().authorizeChannel(fields.get("socket_id"), fields.get("channel_name"), member)));
    } else if (pathname in FILES) {
      answer.setHeader("Content-Type", KINDS[path.extname(pathname)]);
      answer.end(fs.readFileSync(FILES[pathname]));
    } else {
      answer.writeHead(pathname === "/favicon.ico" ? 204 : 404).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

/** A page of its own browser; it may log no error. */
async function open(t, browser, where) {
  const page = await (await browser.newContext({ viewport: { width: 640, height: 520 } })).newPage();
  const faults = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(String(error)));
  t.after(() => assert.deepEqual(faults, [], where));
  await page.goto(where);
  return page;
}

test("5.7 6.1 6.2 7.3 7.4 1.11 an Echo page and a pusher-js page hold a presence chat", async (t) => {
  const origin = await application(t);
  const browser = await chromium.launch({ executablePath: setting("CHROMIUM"), headless: true, args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
  t.after(() => browser.close());
  const { hostname: host, port } = new URL(url);
  const room = unique("chat");
  const asked = (user) => new URLSearchParams({ user, room, key: apps.main.key, host, port });
  const ada = await open(t, browser, `${origin}/pusher.html?${asked("Ada")}`);
  await sees(ada, "#here", "Ada");
  const bob = await open(t, browser, `${origin}/echo.html?${asked("Bob")}`);
  await sees(bob, "#here", "Ada, Bob");
  await sees(ada, "#here", "Ada, Bob");
  await says(ada, "hello from pusher-js");
  await hears(bob, "Ada: hello from pusher-js");
  await says(bob, "hello from Echo");
  await hears(ada, "Bob: hello from Echo");
  await library().trigger(`presence-${room}`, "announced", { text: "tea is ready" });
  for (const page of [ada, bob]) await hears(page, "the server: tea is ready");
  await shot(ada, "clients-pusher-js");
  await shot(bob, "clients-echo");
  await bob.close();
  await sees(ada, "#here", "Ada");
  await hears(ada, "Bob goes");
});

async function sees(page, where, text) {
  await eventually(async () => assert.equal(await page.locator(where).innerText(), text));
}

async function says(page, text) {
  await page.locator("#text").fill(text);
  await page.keyboard.press("Enter");
}

async function hears(page, text) {
  await page.locator("#log li", { hasText: text }).waitFor({ timeout: 10_000 });
}

async function shot(page, name) {
  await page.screenshot({ path: path.join(setting("SCREENSHOTS"), `${name}.png`) });
}
