// The real binary, on a free port of loopback, with a data folder of its own.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const root = new URL("../..", import.meta.url).pathname;

// The product refuses variables it does not know, and ours are about the journeys.
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("COUNTERFOIL_")));
// No journey asks a real name server who sent a mail.
environment.COUNTERFOIL_MAIL_DNS = "off";
// Providers of the journeys are on this machine.
environment.COUNTERFOIL_OUTGOING_ALLOW_NETWORKS = "127.0.0.0/8";

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

export class Server {
  static async start() {
    const server = new Server();
    server.binary = process.env.COUNTERFOIL_BIN ?? join(root, "target/debug/counterfoil");
    if (!existsSync(server.binary)) throw new Error(`${server.binary} is not there: run \`cargo build -p counterfoil\``);
    server.folder = mkdtempSync(join(tmpdir(), "counterfoil-journeys-"));
    server.data = join(server.folder, "data");
    return server;
  }

  /** Runs one command of the binary and answers what it printed. */
  cli(words, input = "") {
    const { status, stdout, stderr } = spawnSync(this.binary, [...words, "--data-dir", this.data], {
      input, cwd: this.folder, env: environment, encoding: "utf8",
    });
    if (status !== 0) throw new Error(`counterfoil ${words.join(" ")}: ${stderr || stdout}`);
    return stdout.trim();
  }

  async serve() {
    const port = await freePort();
    this.url = `http://127.0.0.1:${port}`;
    this.logFile = join(this.folder, "server.log");
    const log = openSync(this.logFile, "a");
    const words = ["serve", "--listen", `127.0.0.1:${port}`, "--data-dir", this.data];
    this.child = spawn(this.binary, words, {
      cwd: this.folder, env: { ...environment, COUNTERFOIL_PUBLIC_URL: this.url }, stdio: ["ignore", log, log],
    });
    this.ended = new Promise((resolve) => this.child.once("exit", resolve));
    const until = Date.now() + 15_000;
    while (Date.now() < until && this.child.exitCode === null) {
      const answer = await fetch(`${this.url}/readyz`).catch(() => null);
      if (answer?.ok) return;
      await sleep(50);
    }
    throw new Error(`the server does not answer:\n${this.log()}`);
  }

  log(lines = 40) {
    return this.logFile ? readFileSync(this.logFile, "utf8").split("\n").slice(-lines).join("\n") : "";
  }

  async stop() {
    if (this.child && this.child.exitCode === null) {
      this.child.kill("SIGTERM");
      const gone = await Promise.race([this.ended.then(() => true), sleep(8_000, false, { ref: false })]);
      if (!gone) this.child.kill("SIGKILL");
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
