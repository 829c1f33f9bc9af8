// A rule's dry run: written, tried on what there is, switched on; a customer files a ticket, it fires, the log explains.
import axe from "axe-core";

/** Looks for barriers on the page. */
async function barriers(t, page, what) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] } }));
  t.check(`axe finds nothing on ${what}`, violations.length === 0, JSON.stringify(violations.map((v) => [v.id, v.nodes.map((n) => n.html)])));
}

export default async (t) => {
  const admin = await t.as("admin");
  await admin.goto("/admin/rules/new");
  await admin.getByLabel("Name").fill("Outages go first");
  await admin.getByRole("checkbox", { name: "a ticket is created" }).check();
  await admin.getByLabel("Add condition").first().selectOption("subject");
  await admin.getByRole("button", { name: "Add condition" }).first().click();
  await admin.getByRole("textbox", { name: "Subject" }).fill("internet down");
  await admin.getByLabel("Add action").selectOption("set_priority");
  await admin.getByRole("button", { name: "Add action" }).click();
  await admin.getByRole("combobox", { name: "Set the priority" }).selectOption("urgent");
  t.check("rows are added in place", admin.url().endsWith("/admin/rules/new"), admin.url());
  await t.shot(admin, "rule-form-light-1440", true);
  await barriers(t, admin, "the form of a rule");
  await admin.getByRole("checkbox", { name: "On", exact: true }).uncheck();
  await admin.getByRole("button", { name: "Try it" }).click();
  await t.sees(admin, "it says which tickets would match", admin.locator("#tried").getByText("Internet down since Monday morning"));
  await admin.getByRole("button", { name: "Create rule" }).click();
  await t.sees(admin, "the rule is made", admin.getByText("The rule is made."));
  await barriers(t, admin, "a rule's page");
  await admin.getByRole("link", { name: "Try it" }).click();
  await t.sees(admin, "the dry run has a page", admin.getByRole("heading", { name: "What it would do" }));
  await barriers(t, admin, "a dry run");
  await admin.goBack();
  await admin.getByRole("button", { name: "Switch on" }).click();
  await t.sees(admin, "it is on", admin.getByText("It looks at what happens from now on."));

  const before = (await t.world.api("GET", "/api/admin/support/tickets?limit=1")).json.items[0];
  const filed = await t.world.ticket({ subject: "My internet down again", category: "technical", description: "Red light.", user_email: "dora@mail.example" });
  t.check("it is a new ticket", filed.id !== before.id, filed.id);
  let now = filed;
  for (let tries = 0; tries < 60 && now.priority !== "urgent"; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    now = (await t.world.api("GET", `/api/admin/support/tickets/${filed.id}`)).json;
  }
  t.check("the rule fired", now.priority === "urgent", now.priority);
  const ben = await t.as("ben");
  await ben.goto(`/desk/tickets/${filed.id}`);
  await ben.getByRole("link", { name: "Why did this happen?" }).click();
  await t.sees(ben, "an agent reads why", ben.getByText("Outages go first"));
  await barriers(t, ben, "why a rule fired");
  await ben.getByText("Why", { exact: true }).first().click();
  await t.sees(ben, "with what it saw", ben.getByText("contains").first());

  // The same editor without JavaScript.
  const plain = await t.as("admin", { js: false });
  await plain.goto("/admin/rules/new");
  await plain.getByLabel("Add action").selectOption("add_tags");
  await plain.getByRole("button", { name: "Add action" }).click();
  await t.sees(plain, "a row is added without JavaScript", plain.getByRole("textbox", { name: "Add tags" }));
};
