// After the resolution the customer is asked by letter; one click answers, and the desk sees it.
import { people } from "../lib/world.mjs";

export default async (t) => {
  const { world } = t;
  const { name, settings } = (await world.api("GET", "/api/admin/settings")).json;
  await world.api("PUT", "/api/admin/settings", { name, settings: { ...settings, csat_delay_minutes: 0 } });
  const ask = async (subject) => {
    const ticket = await world.ticket({ subject, description: "Please help.", category: "other", user_email: people.dora.email });
    await world.api("PATCH", `/api/admin/support/tickets/${ticket.id}`, { status: "resolved" });
    const letter = await world.letter((text) => text.includes("/help/feedback/") && text.includes(ticket.ticket_number));
    return { ...ticket, link: letter.match(/\/help\/feedback\/[A-Za-z0-9_]+\?score=5/)[0] };
  };
  const seen = async (id) => (await world.api("GET", `/api/admin/support/tickets/${id}`)).json.satisfaction;
  try {
    const happy = await ask("Solved at once");
    await fetch(world.server.url + happy.link);
    t.check("a program that opens the link says nothing", (await seen(happy.id)) === undefined);
    const customer = await t.open();
    await customer.goto(happy.link);
    await t.sees(customer, "one click is enough", customer.getByRole("heading", { name: "Thank you. We have your answer." }));
    t.check("it counts", (await seen(happy.id))?.score === 5);
    await customer.getByLabel("Anything you want to tell us?").fill("Quick and friendly.");
    await customer.getByRole("button", { name: "Send again" }).click();
    await t.sees(customer, "a word can be added", customer.getByRole("heading", { name: "Thank you. We have your answer." }));
    const agent = await t.as("ben");
    await agent.goto(`/desk/tickets/${happy.id}`);
    await t.sees(agent, "the desk sees it", agent.locator(".rating", { hasText: "5/5" }));
    await t.sees(agent, "with the words", agent.getByText("Quick and friendly."));

    const calm = await ask("Solved without a script");
    const plain = await t.open({ js: false });
    await plain.goto(calm.link.replace("score=5", "score=2"));
    t.check("without a script nothing is sent yet", (await seen(calm.id)) === undefined);
    await plain.getByRole("button", { name: "Send" }).click();
    await t.sees(plain, "the button sends it", plain.getByRole("heading", { name: "Thank you. We have your answer." }));
    t.check("as it was chosen", (await seen(calm.id))?.score === 2);
  } finally {
    await world.api("PUT", "/api/admin/settings", { name, settings });
  }
};
