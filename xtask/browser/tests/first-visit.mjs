// What anyone sees who opens a page for the first time, on a desk or a phone, by day or by night.

import assert from "node:assert/strict";
import { test } from "node:test";

import { eventually, open, screenshot, url } from "../harness.mjs";

const PAGES = { chat: "/", console: "/console" };

for (const [name, where] of Object.entries(PAGES)) {
  for (const scheme of ["light", "dark"]) {
    for (const width of ["desktop", "phone"]) {
      test(`the ${name} page opens without a fault, ${scheme}, on a ${width}`, async (t) => {
        const page = await open(t, where, { scheme, width });
        await eventually(async () => {
          const text = await page.locator("body").innerText();
          assert.ok(text.trim().length > 0, "the page is empty");
        });
        assert.match(await page.title(), /Campanile/);
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        assert.equal(overflow, 0, "the page is wider than the screen");
        await screenshot(page, `first-visit-${name}-${scheme}-${width}`);
      });
    }
  }

  test(`the ${name} page may run only our own scripts`, async () => {
    const answer = await fetch(url + where);
    assert.equal(answer.status, 200);
    const policy = answer.headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'self'/);
    assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval/);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
  });

  test(`the ${name} page can be used by keyboard from the first key on`, async (t) => {
    const page = await open(t, where);
    await eventually(async () => {
      await page.keyboard.press("Tab");
      const focused = await page.evaluate(() => document.activeElement?.tagName ?? "BODY");
      assert.notEqual(focused, "BODY", "nothing can be reached");
    });
  });
}
