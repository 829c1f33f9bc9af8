// A mailbox is connected with a sign-in at its provider: registered once, denied, allowed, and taken away again.
import { createServer } from "node:net";
import { look } from "../lib/looks.mjs";
import { CLIENT, Provider } from "../lib/provider.mjs";

const ADDRESS = "post@harbour.example";

export default async function travel(t) {
  const provider = await Provider.start();
  // A mail server that hangs up on everybody.
  const mailbox = createServer((socket) => socket.destroy());
  await new Promise((resolve) => mailbox.listen(0, "127.0.0.1", resolve));
  try {
    const admin = await t.as("admin", { beside: [provider.url] });
    const channel = await opens(admin);
    await findsNoProvider(t, admin, channel);
    await registers(t, admin, provider, mailbox.address().port);
    await isDenied(t, admin, channel, provider);
    await isAllowed(t, admin, channel, provider);
    await takesItAway(t, admin, channel);
  } finally {
    mailbox.close();
    await provider.stop();
  }
}

async function opens(admin) {
  await admin.goto("/admin/channels/new");
  await admin.locator("input[name=address]").fill(ADDRESS);
  await admin.locator("input[name=name]").fill("Post");
  await admin.getByRole("button", { name: "Take mail here" }).click();
  return (await admin.locator('a[href$="/edit"]').getAttribute("href")).replace(/\/edit$/, "");
}

async function findsNoProvider(t, admin, channel) {
  await admin.goto(channel);
  await admin.getByRole("link", { name: "Connect Microsoft 365 or Google" }).click();
  await t.sees(admin, "without a registration the page says what to do first", admin.getByText("No provider knows you yet"));
  await look(t, admin, "connect-empty", "light");
  await admin.setViewportSize({ width: 1440, height: 900 });
  await admin.getByRole("link", { name: "Register", exact: true }).click();
  await admin.getByRole("link", { name: "Another provider" }).click();
  await t.sees(admin, "where people come back to is shown", admin.locator("code.secret", { hasText: "/admin/channels/connected/other" }));
}

async function registers(t, admin, provider, port) {
  const form = admin.locator("form.stack");
  const fill = (name, value) => form.locator(`[name=${name}]`).fill(value);
  await fill("client_id", CLIENT.id);
  await fill("client_secret", CLIENT.secret);
  await fill("authorize_url", `${provider.url}/authorize`);
  await fill("token_url", "https://");
  await fill("scopes", "mail offline_access");
  await fill("host", "127.0.0.1");
  await fill("port", String(port));
  // What a browser would stop, a program may send: the server says it too.
  await form.evaluate((element) => { element.noValidate = true; });
  await form.getByRole("button", { name: "Save" }).click();
  await t.sees(admin, "an address that is none is named", admin.locator(".problem-summary", { hasText: "a whole address, such as" }));
  t.check("the secret is not sent back", !(await admin.content()).includes(CLIENT.secret.slice(0, 12)));
  await fill("client_secret", CLIENT.secret);
  await fill("token_url", `${provider.url}/token`);
  await form.getByRole("button", { name: "Save" }).click();
  await admin.goto("/admin/channels/providers");
  await t.sees(admin, "it is registered", admin.locator("tr", { hasText: "Another provider" }).getByText("Registered", { exact: true }));
}

async function leaves(t, admin, channel, provider) {
  await admin.goto(`${channel}/connect`);
  await admin.locator("input[name=username]").fill(ADDRESS);
  await admin.getByRole("button", { name: "Continue to sign in" }).click();
  await admin.waitForURL(`${provider.url}/authorize**`);
  await t.sees(admin, "the provider is asked for this mailbox", admin.getByText(`Sign in as ${ADDRESS}`));
}

async function isDenied(t, admin, channel, provider) {
  await admin.goto(`${channel}/connect`);
  await look(t, admin, "connect", "light");
  await admin.setViewportSize({ width: 1440, height: 900 });
  await leaves(t, admin, channel, provider);
  await admin.getByRole("link", { name: "Deny" }).click();
  await t.sees(admin, "a no is said, on a page of ours", admin.locator(".problem-summary", { hasText: "not allowed" }));
  await t.shot(admin, "connect-denied", true);
  await admin.goto(channel);
  await t.sees(admin, "and nothing is connected", admin.getByRole("link", { name: "Connect Microsoft 365 or Google" }));
  t.check("no token was fetched", provider.fetched === 0, String(provider.fetched));
}

async function isAllowed(t, admin, channel, provider) {
  await leaves(t, admin, channel, provider);
  const allow = admin.getByRole("link", { name: "Allow" });
  const back = await allow.getAttribute("href");
  await allow.click();
  await admin.waitForURL(`**${channel}`);
  await t.sees(admin, "the mailbox is connected", admin.getByText("The mailbox is connected."));
  t.check("one token was fetched", provider.fetched === 1, String(provider.fetched));
  await t.sees(admin, "the page says at whom", admin.locator("dd", { hasText: "Another provider" }));
  await look(t, admin, "connected", "light");
  await admin.setViewportSize({ width: 1440, height: 900 });
  const again = await admin.request.get(back);
  t.check("the way back is good once", again.status() === 409, String(again.status()));
  // The server hangs up on us, and the page says so without taking the mailbox away.
  const until = Date.now() + 20_000;
  const failing = admin.locator(".tag-warn");
  while (Date.now() < until && !(await failing.count())) {
    await admin.waitForTimeout(500);
    await admin.goto(channel);
  }
  await t.sees(admin, "a mailbox that cannot be read is marked", failing);
  await t.shot(admin, "connected-failing", true);
}

async function takesItAway(t, admin, channel) {
  await admin.goto(channel);
  await admin.getByRole("button", { name: "Stop collecting" }).click();
  await t.sees(admin, "the server asks first", admin.getByText("What was collected stays."));
  await admin.getByRole("button", { name: "Stop collecting" }).click();
  await t.sees(admin, "it is gone", admin.getByRole("link", { name: "Connect Microsoft 365 or Google" }));
}
