// A page as people see it: light and dark, on a desk and in a hand. axe looks for barriers, we look at the pictures.
import axe from "axe-core";
import { DESKTOP, PHONE } from "./journey.mjs";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

export async function barriers(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate((values) => window.axe.run(document, { runOnly: { type: "tag", values } }), TAGS);
  return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html, any }) => `${html.slice(0, 160)} ${any[0]?.message ?? ""}`).join("\n          ")}`);
}

/** Whatever does not fit into a window of this width. */
export async function fits(page, size) {
  const found = (await overflow(page)).map((one) => `${size} is too narrow: ${one}`);
  found.push(...(await sideways(page)).map((one) => `${size}: a pane is too narrow: ${one}`));
  if (size === "1440") found.push(...(await blankBelow(page)).map((one) => `${size}: blank below: ${one}`));
  return found;
}

/** What sticks out to the right of the window. */
export function overflow(page) {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const out = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > width + 1);
    return [`${document.documentElement.scrollWidth} px`, ...out.slice(0, 4).map((one) => one.outerHTML.slice(0, 120))];
  });
}

/** On the desk the panes scroll, not the window: what is higher than the window shows a blank page below everything. */
export function blankBelow(page) {
  return page.evaluate(() => {
    const { scrollHeight } = document.documentElement;
    if (!document.body.classList.contains("desk") || scrollHeight <= innerHeight + 1) return [];
    const parent = (one) => (getComputedStyle(one).position === "absolute" ? one.offsetParent : null);
    const out = [...document.querySelectorAll("body *")].filter((one) => parent(one) === document.body && one.getBoundingClientRect().bottom > innerHeight);
    return [`${scrollHeight} px in a window of ${innerHeight}`, ...out.slice(0, 3).map((one) => one.outerHTML.slice(0, 120))];
  });
}

/** Panes that have to be moved sideways, and what sticks out of a card. */
export function sideways(page) {
  return page.evaluate(() => {
    const panes = [...document.querySelectorAll(".desk :is(.page, .queue, .side-list, .conversation-scroll, .context)")];
    const cards = [...document.querySelectorAll(".card")];
    const wide = [...panes, ...cards].filter((one) => one.scrollWidth > one.clientWidth + 1);
    return wide.slice(0, 4).map((one) => {
      const edge = one.getBoundingClientRect().right;
      const worst = [...one.querySelectorAll("*")].filter((part) => part.getBoundingClientRect().right > edge).at(-1);
      return `${one.className}: ${one.scrollWidth} px in ${one.clientWidth}: ${worst?.outerHTML.slice(0, 120) ?? ""}`;
    });
  });
}

/** Looks at the page that is open, in both sizes. */
export async function look(t, page, name, scheme) {
  const found = [];
  for (const [size, viewport] of [["1440", DESKTOP], ["360", PHONE]]) {
    await page.setViewportSize(viewport);
    found.push(...(await barriers(page)).map((one) => `${size}: ${one}`));
    found.push(...(await fits(page, size)));
    await t.shot(page, `${name}-${scheme}-${size}`, true);
  }
  t.check(`${name}, ${scheme}: no barriers, fits`, found.length === 0, found.join("\n        "));
}
