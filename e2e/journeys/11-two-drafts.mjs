// A note and an answer are begun beside each other: no file and no word of the one gets into the other, however slow or forgetful
// the browser is.
import { people } from "../lib/world.mjs";

export default async (t) => {
  const { world } = t;
  const begin = async (subject) => (await world.ticket({ subject, description: "Please help.", category: "other", user_email: people.dora.email })).id;
  const inside = (id) => world.api("GET", `/api/admin/support/tickets/${id}`).then(({ json }) => json.messages);
  const ben = await t.as("ben");
  const text = (page) => page.locator("textarea[name=body]");
  const tick = (page, kind) => page.locator(`input[name=kind][value=${kind}]`).check({ force: true });
  const ticked = (page) => page.locator("input[name=kind]:checked").inputValue();
  const saved = (page) => t.sees(page, "it is kept", page.locator("[data-draft-state]", { hasText: "saved" }));

  // Two files for the team, and a turn to the answer while the first is still on its way.
  const files = await begin("Two files");
  await ben.goto(`/desk/tickets/${files}`);
  const uploads = [];
  await ben.route("**/draft/attachments", async (route) => {
    await new Promise((go) => uploads.push(go));
    await route.continue();
  });
  const upload = async (n) => { for (let tries = 0; tries < 100 && uploads.length < n; tries += 1) await ben.waitForTimeout(50); uploads[n - 1]?.(); };
  const shown = ben.locator("[data-kept] > li");
  await tick(ben, "note");
  await ben.locator("#attachments").setInputFiles(["debts.txt", "blame.txt"].map((name) => ({ name, mimeType: "text/plain", buffer: Buffer.from("for the team\n") })));
  await shown.first().waitFor();
  await tick(ben, "reply");
  t.check("what is under way for the note is not beside the answer", (await shown.count()) === 0 && !(await ben.locator("[data-kept]").isVisible()));
  await upload(1);
  await upload(2);
  await ben.waitForFunction(() => performance.getEntriesByType("resource").filter(({ name }) => name.endsWith("/draft/attachments")).length === 2);
  await ben.waitForTimeout(200);
  t.check("nor is it when it came", (await shown.count()) === 0, await ben.locator("[data-kept]").innerText());
  await tick(ben, "note");
  t.check("both are beside the note", /^debts\.txt.*\n[^]*blame\.txt/.test(await ben.locator("[data-kept]").innerText()) && (await shown.count()) === 2, await ben.locator("[data-kept]").innerText());
  await tick(ben, "reply");
  await text(ben).fill("Good morning.");
  await ben.keyboard.press("Control+Enter");
  await t.sees(ben, "the answer goes", ben.locator(".message-outbound", { hasText: "Good morning." }));
  const sent = (await inside(files)).find(({ body }) => body.includes("Good morning."));
  t.check("without the team's files", sent?.attachments.length === 0, JSON.stringify(sent));
  t.check("which are still the note's", (await ticked(ben)) === "note" && (await shown.count()) === 2);
  await ben.unroute("**/draft/attachments");

  // A note that was begun in another tab, and a browser that remembers what was ticked in this one.
  const tabs = await begin("Two tabs");
  // Back from the history a form is put back as it was left, more surely than when it is loaded again.
  const again = async () => { await ben.reload(); await ben.goto("/desk"); await ben.goBack({ waitUntil: "load" }); };
  await ben.goto(`/desk/tickets/${tabs}`);
  t.check("an answer is offered", (await ticked(ben)) === "reply");
  const other = await ben.context().newPage();
  t.watch(other, [t.url]);
  await other.goto(`/desk/tickets/${tabs}`);
  await tick(other, "note");
  await text(other).fill("She never pays.");
  await saved(other);
  await again();
  t.check("loaded again, the first tab has the note as a note", (await ticked(ben)) === "note" && (await text(ben).inputValue()) === "She never pays.", `${await ticked(ben)}: ${await text(ben).inputValue()}`);
  await tick(ben, "reply");
  t.check("and nothing where the answer is written", (await text(ben).inputValue()) === "");
  await text(ben).fill("Dear Dora,");
  await saved(ben);
  // Edited in this tab, so that the browser remembers the text as well; meanwhile the other kind is written last.
  await text(other).fill("She never pays, ever.");
  await other.waitForTimeout(900);
  await again();
  t.check("also when an answer was written here", (await ticked(ben)) === "note" && (await text(ben).inputValue()) === "She never pays, ever.", `${await ticked(ben)}: ${await text(ben).inputValue()}`);
  await tick(ben, "reply");
  t.check("which waits beside it", (await text(ben).inputValue()) === "Dear Dora,", await text(ben).inputValue());
  await tick(other, "reply");
  await text(other).fill("Dear Dora, dear Walter,");
  await other.waitForTimeout(900);
  await tick(ben, "note");
  await again();
  t.check("the other way about as well", (await ticked(ben)) === "reply" && (await text(ben).inputValue()) === "Dear Dora, dear Walter,", `${await ticked(ben)}: ${await text(ben).inputValue()}`);
  await other.close();

  // Browsers differ in what they put back of a form, and when: here one that ticks the answer, and one that knows edited text too.
  const note = "They are on the old exchange.";
  const puts = await begin("Put back");
  await ben.goto(`/desk/tickets/${puts}`);
  await tick(ben, "note");
  await text(ben).fill(note);
  await saved(ben);
  for (const [how, put] of [
    ["asked not to, puts nothing back", { obeys: true, kind: "reply", body: `${note} Typed` }],
    ["ticks the answer", { kind: "reply" }],
    ["ticks the answer and has edited text", { kind: "reply", body: `${note} Typed` }],
  ]) {
    const page = await ben.context().newPage();
    t.watch(page, [t.url]);
    await page.addInitScript(({ obeys, kind, body }) => document.addEventListener("readystatechange", () => {
      const form = document.querySelector("form[data-composer]");
      // Before any script of the page, as browsers do.
      if (document.readyState !== "interactive" || (obeys && form.autocomplete === "off")) return;
      form.querySelector(`[name=kind][value=${kind}]`).checked = true;
      if (body) form.elements.body.value = body;
    }), put);
    await page.goto(`/desk/tickets/${puts}`);
    const [kind, body] = [await ticked(page), await text(page).inputValue()];
    t.check(`a browser that ${how}: no note where an answer is sent from`, kind === "note" ? body.startsWith(note) : body === "", `${kind}: ${body}`);
    if (put.obeys) t.check("it is as the server drew it", kind === "note" && body === note, `${kind}: ${body}`);
    await page.close();
  }

  // What was typed in the moment before is there, as what it was, also when the server has not heard of it.
  await ben.goto(`/desk/tickets/${tabs}`);
  await ben.route("**/draft", (route) => (route.request().method() === "PUT" ? route.abort() : route.continue()));
  await tick(ben, "note");
  await text(ben).fill("Ask Cleo first.");
  await ben.reload();
  t.check("the answer stands where it stood", (await ticked(ben)) === "reply" && (await text(ben).inputValue()) === "Dear Dora, dear Walter,", await text(ben).inputValue());
  await ben.unroute("**/draft");
  await tick(ben, "note");
  t.check("the last words of the note are the note's", (await text(ben).inputValue()) === "Ask Cleo first.", await text(ben).inputValue());
  await ben.waitForTimeout(900);
  const { json: kept } = await ben.request.get(`/api/admin/support/tickets/${tabs}/draft?kind=note`).then(async (answer) => ({ json: await answer.json() }));
  t.check("and kept by now", kept.body === "Ask Cleo first.", JSON.stringify(kept));
};
