// A page as people see it: light and dark, on a desk and in a hand. axe looks for barriers, we look at the pictures.
import axe from "axe-core";
import { DESKTOP, PHONE } from "./journey.mjs";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

export async function barriers(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate((values) => window.axe.run(document, { runOnly: { type: "tag", values } }), TAGS);
  return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html, any }) => `${html.slice(0, 160)} ${any[0]?.message ?? ""}`).join("\n          ")}`);
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

/** Looks at the page that is open, in both sizes. */
export async function look(t, page, name, scheme) {
  const found = [];
  for (const [size, viewport] of [["1440", DESKTOP], ["360", PHONE]]) {
    await page.setViewportSize(viewport);
    found.push(...(await barriers(page)).map((one) => `${size}: ${one}`));
    found.push(...(await overflow(page)).map((one) => `${size} is too narrow: ${one}`));
    await t.shot(page, `${name}-${scheme}-${size}`, true);
  }
  t.check(`${name}, ${scheme}: no barriers, fits`, found.length === 0, found.join("\n        "));
}
