// Who and what there is when the journeys begin.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const PASSWORD = "paper and ink, seven days a week";
const person = (name, email, role) => ({ name, email, role, password: PASSWORD });

export const people = {
  admin: person("Ada Marsh", "ada@harbour.example", "admin"),
  // Of the whole installation, of which this business is one.
  root: person("Olive Adeyemi", "olive@harbour.example", "super_admin"),
  ben: person("Ben Okafor", "ben@harbour.example", "agent"),
  cleo: person("Cleo Lindqvist", "cleo@harbour.example", "agent"),
  dora: person("Dora Whitfield", "dora@mail.example", "customer"),
  emil: person("Emil Sato", "emil@mail.example", "customer"),
};

const TICKETS = [
  ["Internet down since Monday morning", "urgent", "technical", "The router's light is red. I have restarted it twice."],
  ["Invoice shows two months", "normal", "billing", "My invoice of this month has **two** subscription lines:\n\n- 1 to 30\n- 1 to 30 again"],
  ["How do I move my connection to a new flat?", "low", "account", "We move at the end of the month, three streets away."],
  ["Speed drops every evening", "high", "technical", "From 19:00 on I get 4 Mbit/s of 100."],
  ["Refund for the cancelled installation", "normal", "payments", "The appointment was cancelled by your side."],
  ["Cannot sign in after changing my address", "high", "account", "It says the address is not known."],
  ["Please call me back about the business tariff, preferably in the afternoon when somebody is at the front desk", "low", "getting_started", "Thank you."],
];

export class World {
  constructor(server) { this.server = server; }

  async prepare() {
    const { server } = this;
    server.cli(["tenant", "create", "harbour", "--name", "Harbour Broadband"]);
    for (const { email, name, role, password } of Object.values(people)) {
      server.cli(["user", "create", "--tenant", "harbour", "--email", email, "--name", name, "--role", role, "--password-stdin"], password);
    }
    this.key = server.cli(["api-key", "create", "--tenant", "harbour", "--name", "journeys", "--scope", "admin"]);
    await server.serve();
    // Most journeys are about what comes after an answer, not about the seconds before it.
    await this.undoSend(0);
    // A handful of people gets here in minutes what real ones get in weeks.
    await this.set({ letters_to_one_per_10_minutes: 10_000 });
    for (const [at, [subject, priority, category, description]] of TICKETS.entries()) {
      const who = at % 2 ? people.dora : people.emil;
      await this.ticket({ subject, priority, category, description, user_email: who.email });
    }
  }

  async api(method, path, body, token = this.key) {
    const headers = { ...(token && { authorization: `Bearer ${token}` }), ...(body && { "content-type": "application/json" }) };
    const answer = await fetch(this.server.url + path, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return { headers: answer.headers, text, json: text ? JSON.parse(text) : null };
  }

  /** Sets for how long an answer from the desk can be taken back. */
  async undoSend(seconds) {
    await this.set({ undo_send_seconds: seconds });
  }

  /** Changes settings of the business; the others stay. */
  async set(changes) {
    const { name, settings } = (await this.api("GET", "/api/admin/settings")).json;
    await this.api("PUT", "/api/admin/settings", { name, settings: { ...settings, ...changes } });
  }

  async token({ email, password }) {
    return (await this.api("POST", "/api/auth/login", { email, password }, "")).json.token;
  }

  /** A ticket of a customer, made by the business's own program. */
  async ticket(fields) {
    return (await this.api("POST", "/api/admin/support/tickets", fields)).json;
  }

  /** Hands in a mail with a channel's key; what became of it. */
  async mail(key, { from, to, subject, body, head = [], type = "text/plain; charset=utf-8", envelope }) {
    this.mails = (this.mails ?? 0) + 1;
    const lines = [
      `From: ${from}`, `To: ${to}`, `Subject: ${subject}`, `Message-ID: <${this.mails}.${Date.now()}@mail.example>`,
      "Date: Mon, 05 Jan 2026 10:00:00 +0000", "MIME-Version: 1.0", `Content-Type: ${type}`, ...head, "", body,
    ];
    const headers = { authorization: `Bearer ${key}`, "content-type": "message/rfc822" };
    if (envelope !== undefined) headers["x-envelope-from"] = envelope;
    const raw = lines.join("\n").replace(/\n/g, "\r\n");
    const answer = await fetch(`${this.server.url}/api/mail/inbound`, { method: "POST", headers, body: raw });
    if (!answer.ok) throw new Error(`the mail was refused: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** Letters kept in the outbox, decoded, newest last. */
  letters() {
    const folder = join(this.server.data, "outbox");
    const names = readdirSync(folder).filter((name) => name.endsWith(".eml")).sort();
    return names.map((name) => decode(readFileSync(join(folder, name), "utf8")));
  }

  /** Waits for a letter that fits. */
  async letter(fits) {
    for (let tries = 0; tries < 100; tries += 1) {
      const found = this.letters().find(fits);
      if (found) return found;
      await sleep(100);
    }
    throw new Error("the letter did not come");
  }
}

/** Header and readable parts of a letter as one text. */
function decode(letter) {
  const unfolded = letter.replace(/\r\n/g, "\n").replace(/=\n/g, "");
  const quoted = unfolded.replace(/((?:=[0-9A-F]{2})+)/g, (hex) => Buffer.from(hex.replaceAll("=", ""), "hex").toString("utf8"));
  return quoted.replace(/\n\n((?:[A-Za-z0-9+/=]{20,}\n?)+)/g, (_, block) => `\n\n${Buffer.from(block, "base64").toString("utf8")}`);
}
