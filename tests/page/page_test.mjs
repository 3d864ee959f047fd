// The page of the admin port as people see it: it fits and can be read in the light, in the dark and
// on a phone; its numbers move while load runs; a killed worker shows; so does a lost server.
//
//   node page_test.mjs HOST:PORT
//
// The server must be taking transactions, and be of the same user: a worker of it gets killed. With
// TXINDEX_SCREENSHOTS=FOLDER there are pictures afterwards.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { chromium } from "playwright-core";

import { poor_contrasts } from "./contrast.mjs";

const PATIENCE = 15_000;
const [address] = process.argv.slice(2);
assert(address, "usage: node page_test.mjs HOST:PORT");
const folder = process.env.TXINDEX_SCREENSHOTS;
if (folder) mkdirSync(folder, { recursive: true });

const status = async () => (await fetch(`http://${address}/status`)).json();
const say = (what) => console.log(`ok: ${what}`);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  // A browser of root has no sandbox to go into.
  args: process.getuid() === 0 ? ["--no-sandbox"] : [],
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(PATIENCE);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  const outside = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(`http://${address}/`) && !request.url().startsWith("data:")) outside.push(request.url());
  });
  const wait_for = (condition, argument) => page.waitForFunction(condition, argument);
  const text = (selector) => page.locator(selector).innerText();
  const number = async (selector) => Number((await text(selector)).replace(/[^\d.]/g, ""));
  const shot = (name) => folder && page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });

  await page.goto(`http://${address}/`);
  await wait_for(() => document.getElementById("state").textContent === "serving");
  await wait_for(() => Number(document.getElementById("committed").textContent.replace(/\D/g, "")) > 0);
  say("it shows the state of the service and a rate");

  const now = await status();
  const workers = now.slots.filter((slot) => slot.kind === "worker");
  assert.equal(await page.locator("#slots tbody tr").count(), now.slots.length);
  for (const slot of workers) {
    const row = page.locator(`#slots tr[data-slot="${slot.slot}"]`);
    assert.match(await row.innerText(), new RegExp(`Worker ${slot.slot}\\s+process ${slot.pid}\\b`));
  }
  assert.equal(await text("#workers"), String(workers.length));
  assert.match(await text("#about"), new RegExp(`version ${now.version.replaceAll(".", "\\.")} · up .* · listening on ${now.listen}`));
  say("every process has its row");

  const total = () => number("#totals dd:nth-of-type(2)");
  const path = () => page.locator("#chart-committed path.a").getAttribute("d");
  const [first_total, first_path] = [await total(), await path()];
  await wait_for(([was, id]) => document.querySelector(`#${id} path.a`).getAttribute("d") !== was, [first_path, "chart-committed"]);
  await wait_for((was) => Number(document.querySelector("#totals dd:nth-of-type(2)").textContent.replace(/\D/g, "")) > was, first_total);
  assert(await page.locator("#chart-latency path.b").count() > 0, "p99 is drawn");
  // In a second without an acknowledgement there is no percentile.
  await wait_for(() => /p50 [\d.]+ (µs|ms|s), p99 [\d.]+ (µs|ms|s)$/.test(document.getElementById("chart-latency").getAttribute("aria-label")));
  await wait_for(() => Number(document.getElementById("p99").textContent.replace(/[^\d.]/g, "")) > 0);
  say("numbers and charts move while load runs");

  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const width of [1280, 1250, 800, 360]) {
      await page.setViewportSize({ width, height: 900 });
      await shot(`${colorScheme}-${width}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert(wide <= width, `at ${width} pixels the page is ${wide} wide`);
      const cut = await page.evaluate(() => [...document.querySelectorAll(".tile, .card, .scroll, td, dd, header")]
        .filter((e) => e.scrollWidth > e.clientWidth && e.clientWidth > 0).map((e) => `${e.className || e.tagName}: ${e.innerText}`));
      assert.deepEqual(cut, [], `what does not fit its place at ${width} pixels`);
      assert.deepEqual(await page.evaluate(poor_contrasts), [], `${colorScheme}, ${width} pixels`);
    }
  }
  await page.setViewportSize({ width: 360, height: 800 });
  await wait_for(() => [...document.querySelectorAll("#slots td")].every((td) => td.getBoundingClientRect().right <= innerWidth));
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1280, height: 900 });
  say("it fits and can be read in the light, in the dark and on a phone");

  const victim = (await status()).slots.find((slot) => slot.kind === "worker");
  const row = `#slots tr[data-slot="${victim.slot}"]`;
  process.kill(victim.pid, "SIGKILL");
  await wait_for(([selector, restarts]) => document.querySelector(selector).lastChild.textContent === String(restarts), [row, victim.restarts + 1]);
  assert.match(await text("#events"), new RegExp(`Worker ${victim.slot} ended unexpectedly`));
  await shot("killed");
  await wait_for(([selector, pid]) => {
    const words = document.querySelector(selector).innerText;
    return /\bready\b/.test(words) && !words.includes(`process ${pid}`);
  }, [row, victim.pid]);
  say("a killed worker shows, and so does its replacement");

  assert.deepEqual(complaints, []);
  await page.context().setOffline(true);
  await page.getByRole("alert").waitFor();
  assert.match(await text("#lost"), /cannot be reached. What you see is of \d\d:\d\d:\d\d/);
  await shot("lost");
  await page.context().setOffline(false);
  await page.getByRole("alert").waitFor({ state: "hidden" });
  say("a server that cannot be reached shows, and so does its return");

  assert.deepEqual(outside, [], "it asks nobody but its server");
} finally {
  await browser.close();
}
console.log("the page is as it should be");
