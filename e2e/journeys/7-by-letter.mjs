// What begins in a letter: the status link of somebody without an account, signing up, signing in without a password.
// With JavaScript off, so that it holds for everybody.
import { answer } from "../lib/flows.mjs";

const linkIn = (letter, path) => letter.match(new RegExp(`${path}/[A-Za-z0-9_-]+`))[0];

async function strangerIsHelped(t) {
  const page = await t.open({ js: false });
  const address = "noor@mail.example";
  await page.goto("/help/contact?category=billing");
  t.check("the chosen topic is selected", (await page.getByLabel("What is it about?").inputValue()) === "billing");
  await page.getByLabel("Your name").fill("Noor Haddad");
  await page.getByLabel("E-mail address").fill("noor@");
  await page.getByLabel("In one line").fill("Two invoices in May");
  await page.getByLabel("What happened?").fill("I was billed twice.");
  await page.locator("form[action='/help/contact']").evaluate((form) => { form.noValidate = true; }).catch(() => {});
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await t.sees(page, "a wrong address is named", page.locator(".problem-summary"));
  t.check("and nothing typed is lost", (await page.getByLabel("What happened?").inputValue()) === "I was billed twice.");
  await page.getByLabel("E-mail address").fill(address);
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await t.sees(page, "the number is shown", page.getByText(/SUP-\d{5}/));
  t.check("the link is not", !(await page.content()).includes("/help/status/"));
  const number = (await page.locator(".receipt .number").innerText()).trim();
  const letter = await t.world.letter((text) => text.includes(address) && text.includes("/help/status/"));
  t.check("the letter to an unproved address repeats no words of the sender", !letter.includes("billed twice") && !letter.includes("Two invoices"), letter);
  const link = linkIn(letter, "/help/status");
  await page.goto(link);
  await t.sees(page, "the link shows the request", page.locator(".bubble", { hasText: "I was billed twice." }));

  const agent = await t.as("cleo", { js: false });
  await agent.goto(`/desk?view=all&q=${number}`);
  await agent.getByRole("link", { name: "Two invoices in May", exact: true }).click();
  await answer(agent, "The second one is void.", { then: "resolved" });
  await t.sees(agent, "an agent answers and resolves at once", agent.locator(".conversation-meta", { hasText: "Resolved" }));
  await page.goto(link);
  await t.sees(page, "the answer is under the link", page.locator(".bubble-theirs", { hasText: "void" }));
  await page.getByLabel("Your message").fill("And the reminder?");
  await page.getByRole("button", { name: "Send reply" }).click();
  await t.sees(page, "a reply by the link", page.locator(".bubble-mine", { hasText: "And the reminder?" }));
  t.check("reopens it", (await page.getByRole("button", { name: "Yes, it is solved" }).count()) === 0);
  await agent.reload();
  await agent.locator("details.ending summary").filter({ hasText: "Resolve" }).click();
  await agent.getByLabel("How was it solved?").fill("Reminder withdrawn.");
  await agent.locator("details.ending").getByRole("button", { name: "Resolve" }).click();
  await page.goto(link);
  await page.getByRole("button", { name: "Yes, it is solved" }).click();
  await t.sees(page, "and it is confirmed by the link", page.locator(".ticket-head", { hasText: "Closed" }));
  const wrong = await page.goto(`${link.slice(0, -3)}xyz`);
  t.check("a wrong link is nothing", wrong.status() === 404, wrong.status());
}

async function someoneSignsUp(t) {
  const page = await t.open({ js: false });
  const address = "ines@mail.example";
  await page.goto("/register");
  await page.getByLabel("Name").fill("Ines Roth");
  await page.getByLabel("E-mail address").fill(address);
  await page.getByLabel("Password").fill("a long walk by the sea");
  await page.getByRole("button", { name: "Create account" }).click();
  await t.sees(page, "signing up asks to look into the mail", page.getByText("Check your mail"));
  const letter = await t.world.letter((text) => text.includes(address) && text.includes("/verify/"));
  await page.goto(linkIn(letter, "/verify"));
  await page.getByRole("button", { name: "Confirm" }).click();
  await t.sees(page, "the address is confirmed", page.getByText("Address confirmed"));

  const other = await t.open({ js: false });
  await other.goto("/login");
  await other.getByRole("link", { name: "Sign in with a link by e-mail" }).click();
  await other.getByLabel("E-mail address").fill(address);
  await other.getByRole("button", { name: "Send me the link" }).click();
  await t.sees(other, "a link is on its way", other.getByText("Check your mail"));
  const link = linkIn(await t.world.letter((text) => text.includes(address) && text.includes("/login/link/")), "/login/link");
  await other.goto(link);
  await other.getByRole("button", { name: "Sign me in" }).click();
  await t.sees(other, "one click, signed in", other.getByRole("button", { name: "Sign out" }));
  await other.goto("/help/tickets");
  await t.sees(other, "a new account has an empty list that says what to do", other.locator(".empty a"));
  await other.getByRole("button", { name: "Sign out" }).click();
  await other.goto(link);
  if (await other.getByRole("button", { name: "Sign me in" }).count()) await other.getByRole("button", { name: "Sign me in" }).click();
  await t.sees(other, "the link works once", other.getByText("This link no longer works"));
}

export default async (t) => {
  await strangerIsHelped(t);
  await someoneSignsUp(t);
};
