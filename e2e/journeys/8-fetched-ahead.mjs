// A link that is pointed at is fetched ahead: the click finds it in memory, and only the click counts as reading.
import { people } from "../lib/world.mjs";

export default async (t) => {
  const question = { subject: "Looked at from afar", description: "Hello", category: "other" };
  const { id } = (await t.world.api("POST", "/api/support/tickets", question, await t.world.token(people.emil))).json;
  const page = await t.as("cleo");
  await page.goto("/desk?view=all");
  const link = page.getByRole("link", { name: "Looked at from afar", exact: true });
  const unread = async () => (await t.world.api("GET", `/api/admin/support/tickets/${id}`)).json.unread_by_agent;
  await link.hover();
  await page.waitForTimeout(1_000);
  t.check("pointing at a ticket does not read it", (await unread()) > 0);
  await link.click();
  await page.waitForURL(`**/desk/tickets/${id}?from=*`);
  const how = await page.evaluate(() => performance.getEntriesByType("navigation")[0].deliveryType);
  t.check("the click finds it in memory", how === "navigational-prefetch", how);
  for (let tries = 0; tries < 30 && (await unread()) > 0; tries += 1) await page.waitForTimeout(100);
  t.check("and reads it", (await unread()) === 0);
};
