// Mail that comes in: a channel, letters at the desk, strangers, quarantine, and a letter of ours that comes back.
import { answer } from "../lib/flows.mjs";
import { look } from "../lib/looks.mjs";

const SUPPORT = "support@harbour.example";

const WITH_QUOTE = `Good morning,

the red light is back since Tuesday.

On Mon, 5 Jan 2026 at 09:00, Harbour Broadband <support@harbour.example> wrote:
> Please restart the router once.
> The light should turn green.

--\x20
Nora Blake
Quay Street 4`;

const alternative = (text, html) => [
  "--part", "Content-Type: text/plain; charset=utf-8", "", text,
  "--part", "Content-Type: text/html; charset=utf-8", "", html, "--part--",
].join("\n");

/** What a mail server says about a letter that could not be delivered. */
const report = (id, to) => [
  "--part", "Content-Type: text/plain; charset=utf-8", "", "Your message could not be delivered.",
  "--part", "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; mx.mail.example", "",
  `Final-Recipient: rfc822; ${to}`, "Action: failed", "Status: 5.1.1", "Diagnostic-Code: smtp; 550 5.1.1 no such mailbox",
  "--part", "Content-Type: text/rfc822-headers", "", `Message-ID: <${id}>`, "--part--",
].join("\n");

async function makesAChannel(t, admin) {
  await admin.goto("/admin/channels");
  await t.sees(admin, "without a channel the page says what one is for", admin.getByRole("main").getByRole("link", { name: "New channel" }));
  for (const scheme of ["light", "dark"]) {
    const page = scheme === "light" ? admin : await t.as("admin", { scheme });
    await page.goto("/admin/channels");
    await look(t, page, "channels-empty", scheme);
    await page.goto("/admin/mails");
    await look(t, page, "mails-unset", scheme);
  }
  await admin.setViewportSize({ width: 1440, height: 900 });
  await admin.goto("/admin/channels/new");
  await admin.locator("input[name=address]").fill("support+more@harbour.example");
  await admin.getByRole("button", { name: "Take mail here" }).click();
  await t.sees(admin, "an address that cannot be is named", admin.locator(".problem-summary", { hasText: "without +" }));
  await t.shot(admin, "channel-problem", true);
  await admin.locator("input[name=address]").fill(SUPPORT);
  await admin.locator("input[name=name]").fill("Harbour Broadband");
  await admin.getByRole("button", { name: "Take mail here" }).click();
  await t.sees(admin, "the key is shown", admin.locator("code.secret"));
  const key = (await admin.locator("code.secret").innerText()).trim();
  await t.shot(admin, "channel-made", true);
  t.check("it is a channel's", key.startsWith("cfm_"), key);
  const path = (await admin.locator('a[href$="/edit"]').getAttribute("href")).replace(/\/edit$/, "");
  await admin.goto(path);
  t.check("it is shown once", !(await admin.content()).includes(key) && (await admin.locator("code.secret").count()) === 0);
  return { key, path, id: path.split("/").at(-1) };
}

async function triesAMail(t, admin, channel) {
  await admin.goto(channel.path);
  await admin.locator("textarea[name=mail]").fill(`From: Walter Fenn <walter@mail.example>\nTo: ${SUPPORT}\nSubject: Hello\n\nHello.`);
  await admin.locator("#test button").click();
  await t.sees(admin, "the test tool says who it is from", admin.locator("#test .callout", { hasText: "Walter Fenn" }));
  await t.shot(admin, "channel-tested", true);
}

async function arrivesAtTheDesk(t, channel) {
  const agent = await t.as("ben");
  await agent.goto("/desk?view=all");
  await agent.evaluate(() => { window.sameDocument = true; });
  const html = '<p>Good morning,</p><p>the <b>red light</b> is back since Tuesday.</p><img src="https://tracker.example/pixel.gif"><script>parent.broken = true</script>';
  const made = await t.world.mail(channel.key, {
    from: "Nora Blake <nora@mail.example>", to: SUPPORT, subject: "The red light is back",
    type: "multipart/alternative; boundary=part", body: alternative(WITH_QUOTE, html),
  });
  t.check("the mail is a ticket", made.outcome === "ticket", JSON.stringify(made));
  const link = agent.getByRole("link", { name: "The red light is back", exact: true });
  await t.sees(agent, "it appears at the desk by itself", link);
  t.check("without a reload", await agent.evaluate(() => window.sameDocument === true));
  await link.click();
  await agent.waitForURL(/\/desk\/tickets\//);
  const message = agent.locator(".message-inbound").first();
  await t.sees(agent, "what was said is there", message.getByText("the red light is back since Tuesday."));
  const quote = message.getByText("Please restart the router once.");
  t.check("its quote is folded", !(await quote.isVisible()));
  await message.locator("details.quoted summary").first().click();
  await t.sees(agent, "and unfolds", quote);
  await message.getByText("About this mail").click();
  const frame = message.frameLocator("iframe.mail-frame");
  await t.sees(agent, "the mail is shown as it was formatted", frame.locator("b", { hasText: "red light" }));
  t.check("with nothing that runs, and nothing from elsewhere", !(await agent.evaluate(() => window.broken)));
  const original = message.locator("a[download]");
  const bytes = await agent.request.get(await original.getAttribute("href"));
  t.check("the original is offered, as a download", (await bytes.text()).startsWith("From: Nora Blake") && /attachment/.test(bytes.headers()["content-disposition"]));
  await agent.waitForTimeout(300);
  await t.shot(agent, "mail-about", true);
  return { agent, ticket: made.ticket_id, number: made.ticket_number };
}

/** Header lines of the newest letter to somebody, unfolded. */
async function headers(world, to, subject) {
  const letter = await world.letter((text) => text.includes(to) && text.includes(subject));
  const head = letter.split("\n\n")[0].replace(/\n[ \t]+/g, " ");
  const of = (name) => head.match(new RegExp(`^${name}: (.*)$`, "mi"))?.[1].trim() ?? "";
  return { id: of("Message-ID").replace(/[<>]/g, ""), reply: of("Reply-To").match(/[^\s<]+@[^\s>]+/)?.[0] ?? "", head };
}

async function aStrangerIsAdmitted(t, channel, { agent, ticket }) {
  await agent.goto(`/desk/tickets/${ticket}`);
  await answer(agent, "Is the cable plugged in?");
  await agent.getByText("Sent.").waitFor();
  const ours = await headers(t.world, "nora@mail.example", "Is the cable plugged in?");
  t.check("our letter has a reply address of its own", /support\+[a-z0-9]{20}@/.test(ours.reply), ours.head);
  const made = await t.world.mail(channel.key, {
    from: "Piet Blake <piet@mail.example>", to: ours.reply, subject: "Re: The red light is back", body: "I am her brother. It is plugged in.",
  });
  t.check("a stranger's mail is kept in the ticket", made.ticket_id === ticket, JSON.stringify(made));
  const form = agent.locator(".mail-admit", { hasText: "piet@mail.example" });
  await agent.goto(`/desk/tickets/${ticket}`);
  await t.sees(agent, "and waits to be let in", form);
  await form.scrollIntoViewIfNeeded();
  await t.shot(agent, "mail-stranger", true);
  await form.getByRole("button").click();
  await t.sees(agent, "let in, it is part of the conversation", agent.locator(".message-inbound", { hasText: "It is plugged in." }));
  t.check("and is asked no more", (await form.count()) === 0);
  return ours;
}

async function aFollowUpIsMerged(t, channel, { agent, ticket, number }) {
  const made = await t.world.mail(channel.key, {
    from: "Nora at work <nora@office.example>", to: SUPPORT, subject: `Still red [${number}]`, body: "I write from the office now.",
  });
  t.check("a number alone opens no thread", made.outcome === "possible_follow_up" && made.ticket_id !== ticket, JSON.stringify(made));
  await agent.goto(`/desk/tickets/${made.ticket_id}`);
  const button = agent.locator("[data-key=merge-follow-up]");
  await t.sees(agent, "the desk is told what it may go on with", button);
  await t.shot(agent, "mail-follow-up", true);
  await button.click();
  await agent.waitForURL(`**/desk/tickets/${ticket}`);
  await t.sees(agent, "one press merges it", agent.locator(".message-inbound", { hasText: "I write from the office now." }));
  t.check("and suggests it no more", (await button.count()) === 0);
}

async function comesBack(t, channel, { agent, ticket }, ours) {
  const made = await t.world.mail(channel.key, {
    from: "Mail Delivery System <mailer-daemon@mx.mail.example>", to: SUPPORT, subject: "Undelivered Mail Returned to Sender",
    head: ["Auto-Submitted: auto-replied"], envelope: "",
    type: "multipart/report; report-type=delivery-status; boundary=part", body: report(ours.id, "nora@mail.example"),
  });
  t.check("a report is a program's", made.outcome === "automated", JSON.stringify(made));
  await agent.goto(`/desk/tickets/${ticket}`);
  const message = agent.locator(".message-outbound", { hasText: "Is the cable plugged in?" });
  await t.sees(agent, "the letter that came back says so", message.locator(".delivery-bounced", { hasText: "Came back" }));
  await t.shot(agent, "mail-came-back", true);
}

async function decidesAboutStrangers(t, admin, channel) {
  await t.world.api("PATCH", `/api/admin/channels/${channel.id}`, { unknown_senders: "quarantine" });
  const send = (name, subject) => t.world.mail(channel.key, { from: `${name} <${name}@nowhere.example>`, to: SUPPORT, subject, body: "Do you remember me?" });
  for (const [name, subject] of [["rosa", "A good one"], ["spam", "A bad one"], ["otto", "An undecided one"]]) {
    const made = await send(name, subject);
    t.check(`${subject} waits`, made.outcome === "quarantined", JSON.stringify(made));
  }
  await admin.goto("/admin/mails?state=quarantined");
  await admin.getByRole("link", { name: "A good one" }).click();
  await admin.getByRole("button", { name: "Release" }).click();
  await t.sees(admin, "released, it becomes a ticket", admin.getByRole("main").getByRole("link", { name: /SUP-\d{5}/ }));
  await admin.goto("/admin/mails?state=quarantined");
  await admin.getByRole("link", { name: "A bad one" }).click();
  await admin.getByRole("button", { name: "Discard" }).click();
  await admin.getByRole("dialog").getByRole("button", { name: "Discard" }).click({ timeout: 1_000 }).catch(() => {});
  await admin.goto("/admin/mails?state=discarded");
  await t.sees(admin, "discarded, it stands among the discarded", admin.getByRole("link", { name: "A bad one" }));
}

export default async (t) => {
  const admin = await t.as("admin");
  const channel = await makesAChannel(t, admin);
  await triesAMail(t, admin, channel);
  const scene = await arrivesAtTheDesk(t, channel);
  const ours = await aStrangerIsAdmitted(t, channel, scene);
  await aFollowUpIsMerged(t, channel, scene);
  await comesBack(t, channel, scene, ours);
  await decidesAboutStrangers(t, admin, channel);
  const deep = Array.from({ length: 60 }, (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\n\n--b${n}`).join("\n");
  await t.world.mail(channel.key, { from: "Deep <deep@mail.example>", to: SUPPORT, subject: "Boxes in boxes", type: "multipart/mixed; boundary=b", body: `--b\n${deep}` });
  const one = async (state) => (await t.world.api("GET", `/api/admin/mails?state=${state}&limit=1`)).json.items[0].id;
  const pages = {
    channels: "/admin/channels", "channel-new": "/admin/channels/new", channel: channel.path, "channel-edit": `${channel.path}/edit`,
    "channel-mailbox": `${channel.path}/mailbox`, mails: "/admin/mails?state=all",
    ...Object.fromEntries(["waiting", "done", "failed", "quarantined", "discarded"].map((state) => [`mails-${state}`, `/admin/mails?state=${state}`])),
    mail: `/admin/mails/${await one("done")}`, "mail-failed": `/admin/mails/${await one("failed")}`,
    "mail-quarantined": `/admin/mails/${await one("quarantined")}`, "mail-ticket": `/desk/tickets/${scene.ticket}`,
  };
  for (const scheme of ["light", "dark"]) {
    const page = await t.as("admin", { scheme });
    for (const [name, path] of Object.entries(pages)) {
      const answered = await page.goto(path);
      if (t.check(`${name} answers, ${scheme}`, answered.status() === 200, answered.status())) await look(t, page, name, scheme);
    }
  }
};
