// What a journey has at hand: browsers for people, checks that are counted, and an eye on what browsers complain of.
import { join } from "node:path";
import { people } from "./world.mjs";

export const PHONE = { width: 360, height: 780 };
export const DESKTOP = { width: 1440, height: 900 };

export class Journey {
  constructor(name, { browser, world, shots, tally }) {
    Object.assign(this, { name, browser, world, shots, tally, contexts: [], complaints: [] });
    this.url = world.server.url;
  }

  check(what, holds, detail = "") {
    const said = holds ? "  ok  " : "FAIL  ";
    console.log(`${said}${this.name}: ${what}${holds || !detail ? "" : `\n        ${String(detail).slice(0, 1500)}`}`);
    this.tally[holds ? "passed" : "failed"] += 1;
    return Boolean(holds);
  }

  /** A browser of somebody's own. `beside`: other hosts that it is sent to. */
  async open({ js = true, viewport = DESKTOP, scheme = "light", url = this.url, beside = [] } = {}) {
    const context = await this.browser.newContext({
      baseURL: url, javaScriptEnabled: js, viewport, colorScheme: scheme, reducedMotion: "reduce", locale: "en",
    });
    context.setDefaultTimeout(8_000);
    this.contexts.push(context);
    const page = await context.newPage();
    this.watch(page, [url, ...beside]);
    return page;
  }

  /** The same, signed in through the page. */
  async as(who, options) {
    const page = await this.open(options);
    const { email, password } = people[who];
    await page.goto("/login");
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL((url) => !url.pathname.startsWith("/login"));
    return page;
  }

  watch(page, origins) {
    const complain = (what) => this.complaints.push(`${page.url()}: ${what}`);
    page.on("pageerror", (error) => complain(error.stack ?? error));
    // A page that answers 4xx says so to the person; anything a page loads must be there.
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complain(message.text());
    });
    page.on("response", (response) => {
      if (response.status() >= 400 && response.request().resourceType() !== "document") complain(`${response.status()} ${response.url()}`);
    });
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith("http") && !origins.includes(url.origin)) complain(`a request to ${url.origin}`);
    });
  }

  async shot(page, name, fullPage = false) {
    await page.screenshot({ path: join(this.shots, `${name}.png`), fullPage });
  }

  /** Words that must appear; waits for them. */
  async sees(page, what, locator, timeout = 6_000) {
    const seen = await locator.first().waitFor({ state: "visible", timeout }).then(() => true, () => false);
    if (!this.check(what, seen, `${page.url()}\n${seen ? "" : (await page.locator("main").innerText().catch(() => "")).slice(0, 900)}`)) {
      await this.shot(page, `failed-${this.name}-${this.tally.failed}`).catch(() => {});
    }
    return seen;
  }

  async end() {
    for (const context of this.contexts) await context.close();
    this.check("no errors in the console, nothing missing, no other host", this.complaints.length === 0, this.complaints.join("\n"));
  }
}
