// Every page as people see it: light and dark, on a desk and in a hand. axe looks for barriers, we look at the pictures.
import { answer } from "../lib/flows.mjs";
import { DESKTOP, PHONE } from "../lib/journey.mjs";
import { barriers, blankBelow, fits, overflow } from "../lib/looks.mjs";
import { people } from "../lib/world.mjs";

/** A ticket with something of everything, and a status link. */
async function scene(t) {
  const { world } = t;
  const { id } = await world.ticket({
    subject: "No connection in the whole house", description: "Since yesterday evening nothing works.\n\n> The light is red.\n\n1. restarted\n2. other cable",
    category: "technical", priority: "high", user_email: people.dora.email, links: [{ kind: "order", id: "4711", label: "Order 4711" }],
  });
  const agent = await t.as("ben");
  await agent.goto(`/desk/tickets/${id}`);
  await agent.getByRole("button", { name: "Claim" }).click();
  await agent.getByText("It is yours now.").waitFor();
  await answer(agent, "Good morning Dora,\n\nthank you for telling us. Could you send the **serial number** of the router?", { then: "pending_customer" });
  await agent.getByText("Sent.").waitFor();
  await answer(agent, "Same street as SUP-00001; looks like the cabinet.", { kind: "note" });
  await agent.getByText("Note added.").waitFor();
  const token = await world.token(people.dora);
  await world.api("POST", `/api/support/tickets/${id}/messages`, { body: "It is `HB-2201-77`." }, token);
  await agent.context().close();
  // Lists longer than the window, clocks with long words, and tickets beside each other.
  const many = [];
  for (let n = 0; n < 24; n += 1) many.push(await world.ticket({ subject: `One of very many questions about the same outage in the north of the town ${n}`, description: "It is dark.", category: "technical", user_email: people.dora.email }));
  for (const [n, one] of many.entries()) await world.api("PATCH", `/api/admin/support/tickets/${one.id}`, { due_at: new Date(Date.now() - (n + 1) * 4_260_000).toISOString(), status: n % 2 ? "pending_customer" : "open", priority: "urgent" });
  await world.api("POST", `/api/admin/support/tickets/${id}/relations`, { kind: "related", ticket: many[0].ticket_number });
  await world.api("POST", `/api/admin/support/tickets/${many[1].id}/merge`, { into: id });
  const form = { name: "Walter Fenn", email: "walter@mail.example", category: "billing", subject: "Where is my invoice?", description: "I have had none since May." };
  await world.api("POST", "/api/help/contact", form, "");
  const letter = await world.letter((text) => text.includes("walter@mail.example") && text.includes("/help/status/"));
  return { id, status: letter.match(/\/help\/status\/[A-Za-z0-9_-]+/)[0] };
}

/** What has a page of its own, made or found: paths by name. */
async function details(t, id) {
  const { world } = t;
  const boss = await world.token(people.admin);
  const api = async (path, body, token) => (await world.api("POST", path, body, token)).json;
  const bulk = await api("/api/admin/support/tickets/bulk", { ids: [id, (await world.ticket({ subject: "Another", description: "Small.", user_email: people.dora.email })).id], changes: { priority: "low" } });
  const team = await api("/api/admin/teams", { name: "Field", members: [] });
  const webhook = await api("/api/admin/webhooks", { name: "Books", url: "https://books.example/hook", topics: ["ticket.created"] });
  const canned = await api("/api/admin/support/canned-replies", { name: "Restart", body: "Please restart it, {{customer.name}}.", is_for_all: true }, boss);
  const macro = await api("/api/admin/support/macros", { name: "Ask for more", body: "Which light is on?", text_kind: "reply", changes: { status: "pending_customer" }, is_for_all: true }, boss);
  await api(`/api/admin/support/tickets/${id}/forward`, { to: "cabinet@supplier.example", body: "Is the cabinet down?" });
  const forward = (await world.letter((text) => text.includes("/help/forward/"))).match(/\/help\/forward\/[A-Za-z0-9_-]+/)[0];
  const asked = await world.ticket({ subject: "Solved at once", description: "It works again.", user_email: people.dora.email });
  const { name, settings } = (await world.api("GET", "/api/admin/settings")).json;
  await world.api("PUT", "/api/admin/settings", { name, settings: { ...settings, csat_delay_minutes: 0 } });
  await world.api("PATCH", `/api/admin/support/tickets/${asked.id}`, { status: "resolved" });
  const survey = await world.letter((text) => text.includes("/help/feedback/") && text.includes(asked.ticket_number));
  const paths = {
    nobody: { forward, feedback: survey.match(/\/help\/feedback\/[A-Za-z0-9_]+/)[0] },
    admin: {
      bulk: `/desk/bulk/${bulk.id}`, "admin-team": `/admin/teams/${team.id}`, "admin-webhook": `/admin/webhooks/${webhook.id}`,
      "canned-reply": `/desk/canned-replies/${canned.id}`, macro: `/desk/macros/${macro.id}`,
    },
  };
  // Those that are there already are found where a person finds them.
  const admin = await t.as("admin");
  for (const [name, list] of [["admin-user", "/admin/users"], ["admin-outbox-letter", "/admin/outbox"]]) {
    await admin.goto(list);
    const hrefs = await admin.locator(`main a[href^="${list}/"]`).evaluateAll((all) => all.map((a) => a.getAttribute("href")));
    const found = hrefs.find((href) => !/\/new$|\?/.test(href));
    t.check(`${list} leads to one`, Boolean(found), hrefs.join(", "));
    if (found) paths.admin[name] = found;
  }
  await admin.context().close();
  return paths;
}

export default async (t) => {
  const { id, status } = await scene(t);
  const more = await details(t, id);
  const category = (await t.world.api("POST", "/api/admin/article-categories", { name: "Router" })).json;
  const text = "The lights say how far it gets.\n\n## Power\n\n- **Green**: it runs.\n\n## Internet\n\n| Light | Meaning |\n|---|---|\n| Red | No signal |\n\n## Wi-Fi\n\nBlinking is normal.";
  const article = (await t.world.api("POST", "/api/admin/articles", { category_id: category.id, language: "en", title: "What do the lights mean?", body: text, publish: true })).json;
  await t.world.api("PATCH", `/api/admin/articles/${article.id}`, { language: "en", body: `${text} Always.` });
  const customers = (await t.world.api("GET", `/api/admin/support/tickets/${id}`)).json.customer_id;
  const must = {
    nobody: { login: "/login", register: "/register", "login-link": "/login/link", "login-reset": "/login/reset", help: "/help", contact: "/help/contact", status, article: `/help/articles/${article.slug}`, "article-search": "/help/search?q=lights", "article-category": `/help/categories/${category.slug}`, "contact-article": `/help/contact?article=${article.slug}` },
    dora: { "help-signed-in": "/help", tickets: "/help/tickets", ticket: `/help/tickets/${id}`, account: "/account" },
    admin: {
      desk: "/desk", "desk-all": "/desk?view=all", "desk-overdue": "/desk?view=overdue", "desk-waiting": "/desk?view=waiting", "desk-found": "/desk?view=all&q=outage", "desk-filtered": "/desk?view=all&priority=high", board: "/desk/board", "desk-ticket": `/desk/tickets/${id}`, "desk-new": "/desk/tickets/new", "desk-call": "/desk/calls/new",
      "desk-nothing": "/desk?view=all&q=nothingisfound", customers: "/desk/customers", customer: `/desk/customers/${customers}`, reports: "/desk/reports", notifications: "/desk/notifications",
      "canned-replies": "/desk/canned-replies", "canned-reply-new": "/desk/canned-replies/new", macros: "/desk/macros", "macro-new": "/desk/macros/new",
      "desk-account": "/desk/account", "admin-users": "/admin/users", "admin-user-new": "/admin/users/new", "admin-teams": "/admin/teams", "admin-categories": "/admin/categories",
      articles: "/desk/articles", "article-new": "/desk/articles/new", "article-edit": `/desk/articles/${article.id}`, "article-versions": `/desk/articles/${article.id}/versions`, "article-version": `/desk/articles/${article.id}/versions/2`, "article-insert": `/desk/tickets/${id}/articles`, "admin-article-categories": "/admin/article-categories",
      "admin-letters": "/admin/letters", "admin-letter": "/admin/letters/ticket_confirmation?locale=de", "admin-settings": "/admin/settings", "admin-tags": "/admin/tags", "admin-blocked": "/admin/blocked-senders", "admin-deleted": "/admin/deleted-tickets", "admin-outbox": "/admin/outbox", "admin-jobs": "/admin/jobs", "admin-audit": "/admin/audit",
      "admin-rules": "/admin/rules", "admin-rule-new": "/admin/rules/new", "admin-api-keys": "/admin/api-keys", "admin-webhooks": "/admin/webhooks", "admin-webhook-new": "/admin/webhooks/new", "not-found": "/desk/tickets/nothing", refused: "/admin/tenants",
    },
  };
  // What the installation has beside the business's own pages, and the way there.
  must.root = { "admin-tenants": "/admin/tenants", "admin-users-root": "/admin/users" };
  Object.assign(must.nobody, more.nobody);
  Object.assign(must.admin, more.admin);
  const broken = await t.open();
  await broken.goto("/login");
  await broken.evaluate(() => { document.querySelector("main").append(document.createElement("img")); });
  t.check("axe finds what is planted", (await barriers(broken)).some((one) => one.startsWith("image-alt")));
  await broken.evaluate(() => { document.querySelector("main h1").style.width = "3000px"; });
  t.check("so does the look for what sticks out", (await overflow(broken)).length > 0);
  const blank = await t.as("ben");
  await blank.goto("/desk");
  await blank.evaluate(() => { document.querySelector(".topbar").style.height = "1200px"; });
  t.check("and the look for a blank page below", (await blankBelow(blank)).length > 0);
  await blank.context().close();
  for (const scheme of ["light", "dark"]) {
    for (const [who, pages] of Object.entries(must)) {
      const page = await (who === "nobody" ? t.open({ scheme }) : t.as(who, { scheme }));
      for (const [name, path] of Object.entries(pages)) {
        const found = [];
        await page.setViewportSize(DESKTOP);
        const answered = await page.goto(path);
        if (!["not-found", "refused"].includes(name) && answered.status() !== 200) {
          if (scheme === "light") t.check(`${path} answers`, false, answered.status());
          continue;
        }
        for (const [size, viewport] of [["1440", DESKTOP], ["360", PHONE]]) {
          await page.setViewportSize(viewport);
          found.push(...(await barriers(page)).map((one) => `${size}: ${one}`));
          found.push(...(await fits(page, size)));
          await t.shot(page, `${name}-${scheme}-${size}`);
        }
        t.check(`${name}, ${scheme}: no barriers, fits`, found.length === 0, found.join("\n        "));
      }
      await page.context().close();
    }
  }
};
