// Two tickets become one conversation and two again; a reply to either shows in the survivor.
import { people } from "../lib/world.mjs";

export default async (t) => {
  const { world } = t;
  const of = (subject, description) => world.ticket({ subject, description, category: "technical", user_email: people.dora.email });
  const kept = await of("No light since Monday", "The first message.");
  const gone = await of("Still no light", "The second message.");
  const before = (await world.api("GET", `/api/admin/support/tickets/${gone.id}`)).json;
  const agent = await t.as("admin");
  await agent.goto(`/desk/tickets/${gone.id}`);
  await agent.locator("details.ending summary", { hasText: "Merge" }).click();
  await agent.getByLabel("Into which ticket").fill(gone.ticket_number);
  await agent.locator("details.ending").getByRole("button", { name: "Merge" }).click();
  await t.sees(agent, "a ticket does not go into itself", agent.locator(".problem-summary", { hasText: /itself/ }));
  t.check("and nothing changed", (await world.api("GET", `/api/admin/support/tickets/${gone.id}`)).json.version === before.version);
  await agent.goto(`/desk/tickets/${gone.id}`);
  await agent.locator("details.ending summary", { hasText: "Merge" }).click();
  await agent.getByLabel("Into which ticket").fill(kept.ticket_number);
  await agent.locator("details.ending").getByRole("button", { name: "Merge" }).click();
  await agent.waitForURL(`**/desk/tickets/${kept.id}`);
  const bodies = async () => (await agent.locator(".timeline .message .prose").allInnerTexts()).map((text) => text.trim());
  t.check("the survivor shows both threads in order", (await bodies()).join("|") === "The first message.|The second message.", await bodies());
  await agent.goto(`/desk/tickets/${gone.id}`);
  t.check("the page of the merged one leads to it", agent.url().endsWith(kept.id), agent.url());
  const merged = (await world.api("GET", `/api/admin/support/tickets/${gone.id}`)).json;
  t.check("the API says where it went", merged.merged_into === kept.id, merged.merged_into);
  // The portal shows its customer one conversation; an answer to the old letter still names the old ticket.
  const dora = await t.as("dora");
  await dora.goto(`/help/tickets/${gone.id}`);
  await t.sees(dora, "the customer sees both threads", dora.getByText("The first message."));
  const token = await world.token(people.dora);
  await world.api("POST", `/api/support/tickets/${gone.id}/messages`, { body: "Written on the second one." }, token);
  await agent.goto(`/desk/tickets/${kept.id}`);
  await t.sees(agent, "a reply to the merged one shows in the survivor", agent.locator(".message-inbound", { hasText: "Written on the second one." }));
  await agent.getByRole("button", { name: `Take ${gone.ticket_number} out again` }).click();
  await agent.waitForTimeout(500);
  await agent.goto(`/desk/tickets/${kept.id}`);
  t.check("taken out, its messages go with it", (await bodies()).join("|") === "The first message.", await bodies());
  await agent.goto(`/desk/tickets/${gone.id}`);
  t.check("it is a ticket of its own again, with what was said meanwhile", (await bodies()).join("|") === "The second message.|Written on the second one.", await bodies());
  const after = (await world.api("GET", `/api/admin/support/tickets/${gone.id}`)).json;
  for (const field of ["subject", "status", "priority", "category", "assigned_to", "team_id", "customer_id"]) {
    t.check(`${field} is what it was`, JSON.stringify(after[field]) === JSON.stringify(before[field]), after[field]);
  }
};
