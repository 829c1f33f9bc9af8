// Journeys that are walked twice: with JavaScript and without.

/** Files a ticket through the form; answers its page's address. */
export async function fileTicket(t, page, subject, description, file) {
  await page.goto("/help");
  await page.getByRole("main").getByRole("link", { name: "Contact us" }).first().click();
  await page.getByLabel("What is it about").selectOption("technical");
  await page.getByLabel("In one line").fill(subject);
  await page.getByLabel("What happened").fill(description);
  if (file) await page.getByLabel("Attachments").setInputFiles(file);
  await page.getByRole("main").getByRole("button").last().click();
  await t.sees(page, "the form answers with a number", page.getByText(/SUP-\d{5}/));
  await page.locator("main a.button-primary").click();
  await page.waitForURL(/\/help\/tickets\/[^/]+$/);
  return new URL(page.url()).pathname;
}

/** Answers on the desk, as the composer is drawn. */
export async function answer(page, text, { kind = "reply", then = "" } = {}) {
  await page.locator(`input[name=kind][value=${kind}]`).check({ force: true });
  await page.locator("textarea[name=body]").fill(text);
  if (then) await page.locator("select[name=then]").selectOption(then);
  await page.getByRole("button", { name: "Send" }).click();
}

export async function resolve(page, notes) {
  await page.locator("details.ending summary").filter({ hasText: "Resolve" }).click();
  await page.getByLabel("How was it solved?").fill(notes);
  await page.locator("details.ending").getByRole("button", { name: "Resolve" }).click();
}

/** A customer files a ticket, an agent answers and resolves it, the customer says that it is solved. */
export async function customerIsHelped(t, { js }) {
  const how = js ? "" : " (no JavaScript)";
  const subject = `Red light on the router${how}`;
  const customer = await t.as("dora", { js });
  const file = { name: "router light.txt", mimeType: "text/plain", buffer: Buffer.from("red, then amber\n") };
  const address = await fileTicket(t, customer, subject, "It blinks **red** since this morning.", file);
  await t.sees(customer, "the ticket's page shows what was written", customer.locator(".prose strong", { hasText: "red" }));
  const link = customer.getByRole("link", { name: /router light\.txt/ });
  await t.sees(customer, "and the attachment", link);
  const download = await customer.request.get(await link.getAttribute("href"));
  t.check("the attachment comes back as it was", (await download.text()) === "red, then amber\n");
  const headers = download.headers();
  t.check("and a browser will not show it as a page of ours", /attachment/.test(headers["content-disposition"]) && headers["x-content-type-options"] === "nosniff");
  await customer.goto("/help/tickets");
  await t.sees(customer, "it is among the customer's requests", customer.getByRole("link", { name: subject }));
  await customer.getByRole("link", { name: subject, exact: true }).click();
  await customer.waitForURL(`**${address}`);

  const agent = await t.as("ben", { js });
  await t.sees(agent, "the agent's queue has it", agent.getByRole("link", { name: subject, exact: true }));
  await agent.getByRole("link", { name: subject, exact: true }).click();
  await agent.waitForURL(/\/desk\/tickets\//);
  await t.sees(agent, "the desk shows the conversation", agent.getByRole("link", { name: /router light\.txt/ }));
  if (js) await customer.evaluate(() => { window.sameDocument = true; });
  await answer(agent, "Please unplug it for **one minute**.");
  await t.sees(agent, "the answer is in the timeline", agent.locator(".message-outbound strong", { hasText: "one minute" }));
  if (!js) await customer.reload();
  await t.sees(customer, js ? "the customer sees the answer without reloading" : "the customer sees the answer", customer.locator(".bubble-theirs strong", { hasText: "one minute" }));

  await customer.getByLabel("Your message").fill("That helped, thank you!");
  await customer.getByRole("button", { name: "Send reply" }).click();
  await t.sees(customer, "the customer's reply is in the thread", customer.locator(".bubble-mine", { hasText: "That helped" }));
  if (!js) await agent.reload();
  await t.sees(agent, js ? "the agent sees it without reloading" : "the agent sees it", agent.locator(".message-inbound", { hasText: "That helped" }));

  if (await agent.getByRole("button", { name: "Claim" }).count()) await agent.getByRole("button", { name: "Claim" }).click();
  await resolve(agent, "Power cycle of the router.");
  await t.sees(agent, "the agent resolves it", agent.locator(".conversation-meta", { hasText: "Resolved" }));
  if (!js) await customer.reload();
  const solved = customer.getByRole("button", { name: "Yes, it is solved" });
  await t.sees(customer, "the customer is asked whether it is solved", solved);
  await solved.click();
  await t.sees(customer, "and confirms", customer.getByText("Thank you. The request is closed."));
  await t.sees(customer, "the ticket is closed", customer.locator(".ticket-head", { hasText: "Closed" }));
  t.check("the customer never sees how the desk notes a resolution", !(await customer.content()).includes("Power cycle of the router"));
}

/** An agent takes a ticket and resolves it; another, too late, learns who has it. */
export async function agentTakesTicket(t, { js }) {
  const subject = js ? "Which cable do I need?" : "Which plug do I need?";
  await t.world.ticket({ subject, description: "For the socket in the hall.", category: "technical", user_email: "emil@mail.example" });
  const [ben, cleo] = [await t.as("ben", { js }), await t.as("cleo", { js })];
  for (const page of [cleo, ben]) {
    await page.goto("/desk");
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: /^Unassigned/ }).click();
    await page.getByRole("link", { name: subject, exact: true }).click();
    await page.waitForURL(/\/desk\/tickets\//);
  }
  // Her page is from before; nothing tells it what happens next.
  if (js) await cleo.route("**/desk/tickets/*", (route) => (route.request().resourceType() === "fetch" ? route.abort() : route.continue()));
  await ben.getByRole("button", { name: "Claim" }).click();
  await t.sees(ben, "the first claim wins", ben.getByText("It is yours now."));
  await t.sees(ben, "claiming starts the work", ben.locator(".conversation-meta", { hasText: "In progress" }));
  await cleo.getByRole("button", { name: "Claim" }).click();
  await t.sees(cleo, "the second learns who took it", cleo.getByText("Ben Okafor took this ticket already"));
  await t.sees(cleo, "and sees the ticket as it is", cleo.locator(".conversation-meta", { hasText: "Ben Okafor" }));
  t.check("what is another's offers no resolution", (await cleo.getByLabel("How was it solved?").count()) === 0);
  await answer(ben, "The grey one, five metres.", { then: "pending_customer" });
  await t.sees(ben, "the answer asks and waits", ben.locator(".conversation-meta", { hasText: /Waiting/ }));
  await resolve(ben, "Grey cable, 5 m.");
  await t.sees(ben, "resolved with its resolution", ben.locator(".callout", { hasText: "Grey cable, 5 m." }));
  await ben.goto("/desk?view=resolved");
  await t.sees(ben, "it is among the resolved", ben.getByRole("link", { name: subject, exact: true }));
}

/** Two agents answer at once; the second is shown what came in and loses nothing. */
export async function staleAnswer(t, { js }) {
  const subject = js ? "Two of us at once" : "Two of us at once, by hand";
  const { id } = await t.world.ticket({ subject, description: "Who answers first?", category: "other", user_email: "emil@mail.example" });
  const [ben, cleo] = [await t.as("ben", { js }), await t.as("cleo", { js })];
  await ben.goto(`/desk/tickets/${id}`);
  await cleo.goto(`/desk/tickets/${id}`);
  const draft = "My draft, written with care.\n\nSecond paragraph.";
  await ben.locator("textarea[name=body]").fill(draft);
  await answer(cleo, "Cleo was quicker.");
  await t.sees(cleo, "the first answer is sent", cleo.locator(".message-outbound", { hasText: "Cleo was quicker." }));
  if (js) {
    await t.sees(ben, "the other sees it come in", ben.locator(".message-outbound", { hasText: "Cleo was quicker." }));
    t.check("and keeps what was typed", (await ben.locator("textarea[name=body]").inputValue()) === draft);
  }
  await ben.getByRole("button", { name: "Send" }).click();
  const refused = ben.locator(".composer [role=alert]");
  await t.sees(ben, "the answer against an older thread is refused", refused.filter({ hasText: "Not sent" }));
  await t.sees(ben, "what came in is shown", refused.filter({ hasText: "Cleo was quicker." }));
  t.check("the draft is kept", (await ben.locator("textarea[name=body]").inputValue()) === draft);
  const before = (await t.world.api("GET", `/api/admin/support/tickets/${id}`)).json.messages.length;
  t.check("nothing was written", before === 2, before);
  await ben.getByRole("button", { name: "Send" }).click();
  await t.sees(ben, "sent again, it goes", ben.locator(".message-outbound", { hasText: "Second paragraph." }));
}
