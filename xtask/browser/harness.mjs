// What every browser test needs: one Chromium, pages that report their own faults, accounts.
//
//   import { test } from "node:test";
//   import { account, open, screenshot } from "../harness.mjs";
//
//   test("two people talk", async (t) => {
//     const ada = await open(t, "/", { width: "phone", scheme: "dark" });
//     await ada.getByTestId("sign-up-name").fill("ada");
//     await screenshot(ada, "sign-up-dark-phone");
//   });
//
// `cargo xtask test --only browser` starts the server and sets the environment read here.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { after } from "node:test";

const { chromium } = createRequire(path.join(setting("BROWSER_MODULES"), "any.js"))("playwright-core");

/** Where the server is, without a slash at the end. */
export const url = setting("URL");

/** The account that may see the console. */
export const operator = { name: setting("OPERATOR"), password: setting("PASSWORD") };

/** The widths that the pages are designed for. */
const VIEWPORTS = {
  desktop: { width: 1280, height: 800 },
  phone: { width: 390, height: 844 },
};

/** Nothing in the page may take longer to appear than this. */
const PATIENCE_MS = 10_000;

// Without most of these, Chromium looks for hosts of its maker at every start.
const SWITCHES = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

// The promise of it, so that pages that are opened at the same moment share one browser.
let browser;
after(async () => {
  await (await browser)?.close();
});

/**
 * Opens a page as a new visitor: a browser of their own, with nothing remembered.
 * When the test ends, the page must have logged no error, broken no policy and asked no other host.
 *
 * @param {import("node:test").TestContext} t
 * @param {string} [where] a path on the server
 * @param {{scheme?: "light" | "dark", width?: "desktop" | "phone", tolerate?: RegExp, at?: string, scale?: number}} [visitor]
 *   `tolerate` names the one complaint of the browser that the test brings about; `at` is another
 *   server than the one that all tests share; `scale` is how many dots of the screen make a pixel
 */
export async function open(t, where = "/", visitor = {}) {
  const { scheme = "light", width = "desktop", tolerate, at = url, scale = 1 } = visitor;
  browser ??= chromium.launch({ executablePath: setting("CHROMIUM"), headless: true, args: SWITCHES });
  const context = await (await browser).newContext({
    viewport: VIEWPORTS[width],
    deviceScaleFactor: scale,
    colorScheme: scheme,
    reducedMotion: "reduce",
    hasTouch: width === "phone",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const faults = watch(page, at);
  t.after(async () => {
    await context.close();
    const untold = faults.filter((fault) => !tolerate?.test(fault));
    assert.deepEqual(untold, [], `faults of ${where}`);
  });
  await page.goto(at + where);
  return page;
}

/** Keeps a picture of what is seen in `target/screenshots`. */
export async function screenshot(page, name) {
  await page.screenshot({ path: path.join(setting("SCREENSHOTS"), `${name}.png`) });
}

/** Makes an account over REST and logs in; the name is made unique by what follows it. */
export async function account(name, at = url) {
  const unique = `${name}-${Math.random().toString(36).slice(2, 8)}`;
  const credentials = { name: unique, password: setting("PASSWORD") };
  await api("POST", "/users", credentials, undefined, at);
  const { token } = await api("POST", "/login", credentials, undefined, at);
  return { ...credentials, token };
}

/** A REST request that must succeed; answers with the JSON of the answer. */
export async function api(method, resource, body, token, at = url) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token !== undefined) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(`${at}/api/v1${resource}`, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${resource}: ${answer.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

/** Tries again until the check holds; the last failure is the one that is told. */
export async function eventually(check, deadlineMs = PATIENCE_MS) {
  const end = performance.now() + deadlineMs;
  for (;;) {
    try {
      return await check();
    } catch (failure) {
      if (performance.now() > end) throw failure;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Collects what goes wrong in a page of the server at this address from now on. */
function watch(page, at) {
  const faults = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") {
      faults.push(`console: ${message.text()} (${message.location().url})`);
    }
  });
  page.on("pageerror", (error) => faults.push(`error: ${error.stack ?? error}`));
  page.on("request", (request) => {
    const target = new URL(request.url());
    const isOwn = target.host === new URL(at).host || ["blob:", "data:"].includes(target.protocol);
    if (!isOwn) faults.push(`asked another host: ${request.url()}`);
  });
  return faults;
}

function setting(name) {
  const value = process.env[`CAMPANILE_${name}`];
  assert.ok(value, `CAMPANILE_${name} is not set: run \`cargo xtask test --only browser\``);
  return value;
}
