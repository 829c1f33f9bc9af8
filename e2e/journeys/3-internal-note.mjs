// What the team says among itself reaches no page, answer, stream or letter of the customer's.
import { setTimeout as sleep } from "node:timers/promises";
import { answer } from "../lib/flows.mjs";
import { people } from "../lib/world.mjs";

const SECRET = "zwiebelkuchen";

/** Collects what the customer's browser would hear. */
function listen(t, cookie) {
  const stop = new AbortController();
  const heard = { text: "", stop: () => stop.abort() };
  heard.open = fetch(`${t.url}/live`, { headers: { cookie, accept: "text/event-stream" }, signal: stop.signal }).then((answer) => {
    (async () => { for await (const chunk of answer.body) heard.text += Buffer.from(chunk).toString("utf8"); })().catch(() => {});
    return answer;
  });
  return heard;
}

export default async (t) => {
  const { world } = t;
  // One ticket of somebody with an account, one of somebody who wrote through the form.
  const known = await world.ticket({ subject: "Noise on the line", description: "It crackles.", category: "technical", user_email: people.dora.email });
  const stranger = `stranger-${Date.now()}@mail.example`;
  const form = { name: "Stray Reader", email: stranger, category: "other", subject: "A question from nowhere", description: "Hello?" };
  const { ticket_number } = (await world.api("POST", "/api/help/contact", form, "")).json;
  const letter = await world.letter((text) => text.includes(stranger) && text.includes("/help/status/"));
  const statusLink = letter.match(/\/help\/status\/[A-Za-z0-9_-]+/)[0];
  const found = (await world.api("GET", `/api/admin/support/tickets?q=${ticket_number}`)).json;
  const unknown = (found.items ?? found.data ?? found.tickets ?? found).find((one) => one.ticket_number === ticket_number);

  const token = await world.token(people.dora);
  const mine = () => world.api("GET", `/api/support/tickets/${known.id}`, undefined, token);
  const before = await mine();
  t.check("the customer's ticket is new", before.json.status === "new", before.text);

  const customer = await t.as("dora");
  await customer.goto(`/help/tickets/${known.id}`);
  const shown = await customer.locator(".ticket-head .status").innerText();
  const cookie = (await customer.context().cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  const heard = listen(t, cookie);
  t.check("the customer may listen", (await heard.open).ok);
  const reader = await t.open();
  await reader.goto(statusLink);
  const shownByLink = await reader.locator(".ticket-head .status").innerText();

  const agent = await t.as("ben");
  for (const { id } of [known, unknown]) {
    await agent.goto(`/desk/tickets/${id}`);
    await answer(agent, `They are on the old exchange, ${SECRET}.`, { kind: "note" });
    await t.sees(agent, "the note is on the desk, marked", agent.locator(".message-note", { hasText: SECRET }).filter({ hasText: "Only your team" }));
  }
  const inside = await world.api("GET", `/api/admin/support/tickets/${known.id}`);
  t.check("inside, the note opened the ticket", inside.json.status === "open", inside.json.status);
  await sleep(1_500);

  t.check("the stream is silent about notes", !heard.text.includes("event: change") && !heard.text.includes(SECRET), heard.text);
  t.check("the open page did not change", (await customer.locator(".ticket-head .status").innerText()) === shown);
  t.check("nor does it hold the note", !(await customer.content()).includes(SECRET));
  for (const path of [`/help/tickets/${known.id}`, "/help/tickets", "/help/tickets?filter=all", "/help", `/help/tickets?q=${SECRET}`]) {
    await customer.goto(path);
    // What they typed themselves stands in the search field.
    await customer.evaluate(() => document.querySelectorAll("input").forEach((field) => field.removeAttribute("value")));
    const page = await customer.content();
    t.check(`${path.replace(known.id, "{id}")} does not hold the note`, !page.replaceAll(`q=${SECRET}`, "").includes(SECRET));
  }
  await customer.goto(`/help/tickets/${known.id}`);
  t.check("the status shown stays", (await customer.locator(".ticket-head .status").innerText()) === shown);
  t.check("one message is shown", (await customer.locator("#thread > li").count()) === 1);
  await customer.goto("/help/tickets");
  t.check("nothing is called new in the list", (await customer.locator(".ticket-card", { hasText: "Noise on the line" }).locator(".unread-word").count()) === 0);
  await reader.goto(statusLink);
  t.check("the status link does not hold the note", !(await reader.content()).includes(SECRET));
  t.check("nor another status", (await reader.locator(".ticket-head .status").innerText()) === shownByLink);

  const after = await mine();
  t.check("the API tells the customer the same as before", after.text === before.text, `${before.text}\n${after.text}`);
  t.check("under the same ETag", after.headers.get("etag") === before.headers.get("etag"));
  for (const path of ["/api/support/tickets", `/api/support/messages?ticket=${known.id}`, `/api/support/events?ticket=${known.id}`]) {
    const said = await world.api("GET", path, undefined, token);
    t.check(`${path.replace(known.id, "{id}")} does not hold the note`, !said.text.includes(SECRET), said.text);
  }
  const desk = await customer.goto(`/desk/tickets/${known.id}`);
  t.check("the desk's page is not for customers", desk.status() >= 400 || !(await customer.content()).includes(SECRET));

  // A public answer is heard, so the silence above meant something.
  await agent.goto(`/desk/tickets/${known.id}`);
  await answer(agent, "We are sending somebody.");
  await t.sees(agent, "an answer follows", agent.locator(".message-outbound", { hasText: "sending somebody" }));
  for (let tries = 0; tries < 40 && !heard.text.includes(known.id); tries += 1) await sleep(100);
  t.check("the stream speaks of answers", heard.text.includes(known.id), heard.text);
  heard.stop();
  await world.letter((text) => text.includes(people.dora.email) && text.includes("sending somebody"));
  const told = world.letters().filter((text) => text.includes(SECRET) && /^To:.*(dora@|stranger-)/im.test(text));
  t.check("no letter to the customer holds the note", told.length === 0, told[0]);
};
