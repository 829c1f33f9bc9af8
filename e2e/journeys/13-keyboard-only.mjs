// A shift without a mouse: from the queue to the answer, the resolution, the selection, the palette, and the switch for it all.
import { people } from "../lib/world.mjs";

export default async (t) => {
  const { world } = t;
  const filed = [];
  for (const n of [1, 2, 3]) {
    filed.push(await world.ticket({ subject: `Keys alone ${n}`, description: "No hands on the mouse.", category: "other", user_email: people.emil.email }));
  }
  const page = await t.as("ben");
  const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
  // Keys pressed before a page is there are nobody's.
  const there = async () => { await page.waitForLoadState("load"); await page.waitForTimeout(150); };
  const focused = () => page.evaluate(() => document.activeElement?.closest("tr")?.innerText ?? document.activeElement?.innerText ?? "");

  await page.goto("/desk");
  await press("g", "u");
  await page.waitForURL(/view=unassigned/);
  await there();
  await press("j", "j", "j", "k");
  t.check("j and k walk the list", (await focused()).includes("Keys alone 2"), await focused());
  await press("Enter");
  await page.waitForURL(/\/desk\/tickets\//);
  await t.sees(page, "Enter opens", page.getByRole("heading", { level: 1, name: "Keys alone 2" }));
  await there();
  await press("a");
  await t.sees(page, "a claims", page.getByText("It is yours now."));
  await there();
  await press("r");
  await page.keyboard.type("We are on it.");
  await press("Control+Enter");
  await t.sees(page, "r answers, Ctrl Enter sends", page.locator(".message-outbound", { hasText: "We are on it." }));
  await there();
  const written = page.locator("textarea[name=body]");
  await press("r");
  await page.keyboard.type("The first half.");
  await t.sees(page, "what is written is kept", page.locator("[data-draft-state]", { hasText: "saved" }));
  await page.reload();
  await there();
  await press("r");
  await page.keyboard.type(" The second half.");
  t.check("r goes on where the draft ended", (await written.inputValue()) === "The first half. The second half.", await written.inputValue());
  await press("Escape", "n");
  t.check("n begins a note, not the reply's text", (await written.inputValue()) === "", await written.inputValue());
  await page.keyboard.type("For us alone.");
  await press("Escape", "r");
  t.check("r has the reply again and no word of the note", (await written.inputValue()) === "The first half. The second half.", await written.inputValue());
  await press("Escape", "n");
  t.check("and n the note", (await written.inputValue()) === "For us alone.", await written.inputValue());
  await t.sees(page, "both are kept", page.locator("[data-draft-state]", { hasText: "saved" }));
  await page.waitForTimeout(900);
  await page.reload();
  await there();
  t.check("the page opens with what was written last", (await written.inputValue()) === "For us alone." && await page.locator("input[name=kind][value=note]").isChecked());
  await press("r");
  t.check("and has the other for who turns back", (await written.inputValue()) === "The first half. The second half.", await written.inputValue());
  await press("Control+Enter");
  const answered = page.locator(".message-outbound", { hasText: "The second half." });
  await t.sees(page, "the reply goes alone", answered);
  await there();
  t.check("the note stays a draft", (await written.inputValue()) === "For us alone." && !(await page.locator("#timeline").innerText()).includes("For us alone"));
  await written.fill("");
  await page.waitForTimeout(900);
  await press("n");
  await page.keyboard.type("Old socket in the hall.");
  await press("Control+Enter");
  await t.sees(page, "n leaves a note", page.locator(".message-note", { hasText: "Old socket" }));
  await there();
  await press("p");
  t.check("p goes to the priority", await page.evaluate(() => document.activeElement?.getAttribute("name") === "priority"));
  await press("Escape", "e");
  await page.keyboard.type("New socket.");
  await press("Tab", "Tab", "Enter");
  await t.sees(page, "e resolves", page.locator(".conversation-meta", { hasText: "Resolved" }));
  await there();
  const aside = page.locator("#side-list [aria-current=true]");
  t.check("the list is beside it, also when it is not on it any more", (await aside.innerText()).includes("Keys alone 2"));
  await press("j");
  t.check("j goes on in that list", (await focused()).includes("Keys alone"), await focused());
  await press("u");
  await page.waitForURL(/\/desk(\?|$)/);
  t.check("u leads back to it", page.url().includes("view=unassigned"), page.url());
  await there();
  await page.getByRole("link", { name: "Keys alone 3", exact: true }).waitFor();

  await press("j", "x", "j", "X");
  await t.sees(page, "x selects, X takes the range", page.locator(".bulk-head", { hasText: "2 selected" }));
  await press("p");
  await page.keyboard.type("Urg");
  await press("Tab");
  await page.locator("#bulk [data-key=bulk-apply]").focus();
  await press("Enter");
  await t.sees(page, "the selection is changed", page.locator(".flash", { hasText: "2 changed" }));
  await there();
  for (const { id } of [filed[0], filed[2]]) {
    const { priority } = (await world.api("GET", `/api/admin/support/tickets/${id}`)).json;
    t.check("both are urgent", priority === "urgent", priority);
  }

  await press("j", "j", "e");
  await t.sees(page, "e resolves the row one is at", page.locator(".flash", { hasText: "1 changed" }));
  await there();
  const now = await Promise.all([filed[0], filed[2]].map(async ({ id }) => (await world.api("GET", `/api/admin/support/tickets/${id}`)).json.status));
  t.check("that one alone", now.filter((status) => status === "resolved").length === 1, now.join(", "));
  await world.api("PATCH", `/api/admin/support/tickets/${filed[now.indexOf("resolved")].id ?? filed[2].id}`, { status: "open" });

  await press("/");
  await page.keyboard.type("alone subject:x");
  await press("Enter");
  await t.sees(page, "a word of the language nobody knows is explained", page.getByRole("alert").filter({ hasText: "subject" }));
  await there();
  await press("/");
  await press("Control+A");
  await page.keyboard.type('"keys alone" -status:resolved');
  await press("Enter");
  await t.sees(page, "/ searches", page.locator("mark", { hasText: "Keys" }));
  await there();
  t.check("for all of it and nothing else", (await page.locator("tr[data-row]").count()) === 2);

  await press("Escape", "Control+k");
  await page.keyboard.type("board");
  await t.sees(page, "the palette offers what the page does", page.locator("#palette [role=option][aria-selected=true]", { hasText: "Board" }));
  await press("Enter");
  await page.waitForURL(/\/desk\/board/);
  await there();
  await press("Control+k");
  await page.keyboard.type("alone 3");
  await page.locator("#palette [role=option]", { hasText: "Keys alone 3" }).waitFor();
  await press("Enter");
  await t.sees(page, "and finds tickets", page.getByRole("heading", { level: 1, name: "Keys alone 3" }));
  await there();

  // From a page that has no link of it too.
  const admin = await t.as("admin");
  for (const [key, where] of [["b", /\/desk\/board/], ["m", /view=mine/]]) {
    await admin.goto("/admin/users");
    await admin.keyboard.press("g");
    await admin.keyboard.press(key);
    await admin.waitForURL(where);
    t.check(`g ${key} leads away from the administration`, where.test(admin.url()), admin.url());
  }
  await admin.context().close();

  await press("?");
  await t.sees(page, "? lists the keys", page.locator("#shortcuts[open]"));
  await page.locator("#shortcuts-on").focus();
  await press("Space", "Escape");
  await press("g", "i");
  await page.waitForTimeout(400);
  t.check("switched off, single keys do nothing", page.url().includes("/desk/tickets/"));
  await press("Control+k");
  await t.sees(page, "the palette is no single key", page.locator("#palette[open]"));
};
