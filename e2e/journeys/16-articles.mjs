// The help centre: an agent writes and publishes; a customer who types a request is shown the answer and needs nobody.
import axe from "axe-core";

async function barriers(t, page, what) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] } }));
  t.check(`axe finds nothing on ${what}`, violations.length === 0, JSON.stringify(violations.map((v) => [v.id, v.nodes.map((n) => n.html)])));
}

const figures = async (t, slug) => (await t.world.api("GET", "/api/admin/articles")).json.items.find((a) => a.slug === slug);
const tickets = async (t) => (await t.world.api("GET", "/api/admin/support/tickets?limit=100")).json.items.length;

export default async (t) => {
  const admin = await t.as("admin");
  await admin.goto("/admin/article-categories");
  await admin.getByLabel("Name", { exact: true }).fill("Around the house");
  await admin.getByRole("button", { name: "Add" }).click();
  await t.sees(admin, "a category is there", admin.getByText("around-the-house"));

  const ben = await t.as("ben");
  await ben.goto("/desk/articles/new");
  await ben.getByLabel("Title").fill("How do I drill near the fibre socket?");
  await ben.getByLabel("Text").fill("## Before you drill\n\nThe fibre runs **straight down** from the socket. Stay a hand's width away.");
  await ben.getByRole("combobox", { name: "Category" }).selectOption({ label: "Around the house" });
  await ben.getByRole("button", { name: "Preview" }).click();
  await t.sees(ben, "a preview", ben.getByRole("heading", { name: "Before you drill" }));
  await barriers(t, ben, "the form of an article");
  await ben.getByRole("button", { name: "Save draft" }).last().click();
  await t.sees(ben, "the draft is saved", ben.getByText("The draft is saved."));
  const slug = "how-do-i-drill-near-the-fibre-socket";

  const stranger = await t.open();
  const gone = await stranger.goto(`/help/articles/${slug}`);
  t.check("nobody reads a draft", gone.status() === 404, gone.status());
  await ben.getByRole("button", { name: "Save and publish" }).click();
  await t.sees(ben, "it is published", ben.getByText("Readers see it now."));

  const before = await tickets(t);
  await stranger.goto("/help/contact");
  await stranger.getByLabel("In one line").pressSequentially("Can I drill by the fibre socket");
  const region = stranger.locator("#suggestions");
  await t.sees(stranger, "the article is suggested while they type", region.getByRole("link", { name: /How do I drill/ }));
  await barriers(t, stranger, "the contact form with a suggestion");
  await t.shot(stranger, "suggestion-light-1440", true);
  await region.getByRole("button", { name: /answers my question/ }).click();
  await t.sees(stranger, "they are thanked", stranger.getByText("Good to hear. Nothing was sent."));
  t.check("no ticket was filed", (await tickets(t)) === before, before);
  t.check("it is counted", (await figures(t, slug)).deflections === 1, JSON.stringify(await figures(t, slug)));
  await stranger.goto("/help/contact");
  t.check("what was typed is not needed any more", (await stranger.getByLabel("In one line").inputValue()) === "", "");

  const plain = await t.open({ js: false });
  await plain.goto("/help");
  await plain.getByRole("searchbox").fill("drill");
  await plain.getByRole("button", { name: "Search" }).click();
  await plain.getByRole("link", { name: /How do I drill/ }).click();
  await t.sees(plain, "found without JavaScript", plain.getByRole("heading", { level: 1, name: /How do I drill/ }));
  await plain.getByRole("button", { name: "Yes" }).click();
  await t.sees(plain, "a word about it without JavaScript", plain.getByText("You said it helped."));
  await plain.getByRole("button", { name: "No", exact: true }).click();
  await t.sees(plain, "and another", plain.getByText("You said it did not help."));
  const said = await figures(t, slug);
  t.check("once a reader", said.helpful === 0 && said.not_helpful === 1, JSON.stringify(said));
  await plain.getByRole("link", { name: "Contact us about this" }).click();
  await t.sees(plain, "the form knows what they read", plain.getByText("You were reading"));
  await plain.getByLabel("In one line").fill("fibre socket");
  await plain.getByRole("button", { name: "See articles about this" }).click();
  await t.sees(plain, "suggested without JavaScript", plain.locator("#suggestions").getByRole("link", { name: /How do I drill/ }));
  t.check("what was typed is kept", (await plain.getByLabel("In one line").inputValue()) === "fibre socket", "");

  const { id } = await t.world.ticket({ subject: "Drilling", category: "technical", description: "May I?", user_email: "dora@mail.example" });
  await ben.goto(`/desk/tickets/${id}`);
  await ben.getByLabel("Your message").or(ben.locator("#body")).first().fill("Hello Dora,");
  await ben.getByRole("button", { name: "Article…" }).click();
  const dialog = ben.getByRole("dialog", { name: "Insert an article" });
  await dialog.getByRole("searchbox").fill("drill");
  await dialog.getByRole("button", { name: /Insert a link to “How do I drill/ }).click();
  const body = await ben.locator("#body").inputValue();
  t.check("a link is in the answer", body.startsWith("Hello Dora, [How do I drill") && body.includes(`/help/articles/${slug})`), body);
};
