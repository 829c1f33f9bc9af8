// Runs every journey in journeys/ against the binary: node run.mjs [part of a name…]
//   COUNTERFOIL_BIN       the binary [default: ../target/debug/counterfoil]
//   COUNTERFOIL_CHROMIUM  the browser [default: /usr/bin/chromium]
//   COUNTERFOIL_SHOTS     where pictures of the pages go [default: a temporary folder]
import { existsSync, mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";
import { Journey } from "./lib/journey.mjs";
import { Server } from "./lib/server.mjs";
import { World } from "./lib/world.mjs";

const wanted = process.argv.slice(2);
const tally = { passed: 0, failed: 0 };
const shots = process.env.COUNTERFOIL_SHOTS ? resolve(process.env.COUNTERFOIL_SHOTS) : mkdtempSync(join(tmpdir(), "counterfoil-shots-"));
mkdirSync(shots, { recursive: true });

const args = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
  "--disable-sync", "--no-first-run",
];
const usual = ["chromium", "chromium-browser", "google-chrome"].map((name) => `/usr/bin/${name}`);
const chromiumPath = process.env.COUNTERFOIL_CHROMIUM ?? usual.find((path) => existsSync(path)) ?? usual[0];
const started = Date.now();
const server = await Server.start();
let browser;
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => server.stop().then(() => process.exit(130)));

try {
  const world = new World(server);
  await world.prepare();
  browser = await chromium.launch({ executablePath: chromiumPath, args });
  const files = readdirSync(new URL("journeys", import.meta.url)).filter((name) => name.endsWith(".mjs")).sort();
  for (const file of files) {
    if (wanted.length && !wanted.some((part) => file.includes(part))) continue;
    const began = Date.now();
    const journey = new Journey(file.replace(/\.mjs$/, ""), { browser, world, shots, tally });
    try {
      const { default: travel } = await import(`./journeys/${file}`);
      await travel(journey);
    } catch (error) {
      journey.check("the journey came to its end", false, error.stack);
      for (const context of journey.contexts) {
        for (const page of context.pages()) await journey.shot(page, `failed-${journey.name}-${tally.failed}`).catch(() => {});
      }
    }
    await journey.end();
    console.log(`      ${journey.name}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
  }
} catch (error) {
  console.error(error);
  tally.failed += 1;
} finally {
  await browser?.close();
  if (tally.failed) console.error(`\nThe server's last words:\n${server.log()}`);
  await server.stop();
}
console.log(`\nPictures: ${shots}`);
console.log(`${tally.passed} passed, ${tally.failed} failed, ${((Date.now() - started) / 1000).toFixed(0)} s`);
process.exit(tally.failed || tally.passed === 0 ? 1 : 0);
