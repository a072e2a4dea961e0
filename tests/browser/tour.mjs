// A stranger's first five minutes: what the README's section says, done as it is written. Its commands are executed, its
// buttons pressed, its addresses chosen, its question asked, and each step leaves a picture. A span of the text that no
// step has used is an error, so that text and tour cannot drift apart.
//
// node tour.mjs CLONE PICTURES, by `cargo xtask tour`
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { launch, openWindow } from "./support/window.mjs";

const SECTION = "## Five minutes with the local cloud";
const VIEWPORT = { width: 1100, height: 800 };
/** These only end a hang: a first build, a command, what a mail sets going. */
const BUILD_MS = 45 * 60_000;
const COMMAND_MS = 5 * 60_000;
const PATIENCE_MS = 180_000;
const PAUSE_MS = 500;

const [clone, pictures] = process.argv.slice(2);
assert.ok(clone && pictures, "usage: node tour.mjs CLONE PICTURES");

const begun = Date.now();
const say = (text) => console.log(`${((Date.now() - begun) / 1000).toFixed(1).padStart(7)} s  ${text}`);

/** The spans of a text that mean something to do: commands, addresses of people, addresses of pages, names on pages. */
class Spans {
  constructor(title, text) {
    this.title = title;
    this.left = [];
    for (const [span, code, emphasis, page] of text.matchAll(/`([^`]+)`|\*([^*]+)\*|<(https?:[^>\s]+)>/g)) {
      if (page) this.left.push({ kind: "page", value: page });
      else if (emphasis) this.left.push({ kind: "name", value: emphasis });
      else if (code.startsWith("cargo ")) this.left.push({ kind: "command", value: code });
      else if (code.includes("@")) this.left.push({ kind: "address", value: code });
      else assert.fail(`${title}: nothing is known to do with ${span}`);
    }
  }

  /** The next span, which must be of this kind. */
  take(kind) {
    const next = this.left.shift();
    assert.equal(next?.kind, kind, `${this.title}: the next span is ${next?.value ?? "missing"}, wanted was a ${kind}`);
    return next.value;
  }

  end() {
    const left = this.left.map((span) => span.value);
    assert.deepEqual(left, [], `${this.title}: the tour does not do all that the README says`);
  }
}

async function readme() {
  const text = await readFile(join(clone, "README.md"), "utf8");
  const [, rest] = text.split(`${SECTION}\n`);
  assert.ok(rest, `README.md has no section "${SECTION}"`);
  const [section] = rest.split("\n## ");
  const steps = [...section.matchAll(/^\d+\. .*(?:\n {3}.*)*/gm)].map(([step]) => step);
  // The table between has only the pictures.
  const after = section.split(steps.at(-1))[1].replace(/^\|.*$/gm, "");
  return { steps, after };
}

/** The cloud that `up` runs, and the commands beside it. */
class Terminal {
  async up(command) {
    this.output = "";
    this.process = spawn("sh", ["-c", `exec ${command}`], { cwd: clone, detached: true });
    this.ended = new Promise((resolve) => this.process.once("exit", (code, signal) => resolve(code ?? signal)));
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on("data", (data) => {
        this.output += data;
        process.stdout.write(data);
      });
    }
    const printed = /^ *Console +(\S+)$/m;
    const deadline = Date.now() + BUILD_MS;
    let over;
    this.ended.then((how) => (over = how));
    while (!printed.test(this.output)) {
      assert.equal(over, undefined, `${command} ended (${over})`);
      assert.ok(Date.now() < deadline, `${command} printed no address`);
      await pause();
    }
    return this.output.match(printed)[1];
  }

  run(command) {
    say(command);
    const { status, signal, stdout, stderr } = spawnSync("sh", ["-c", command], {
      cwd: clone,
      encoding: "utf8",
      timeout: COMMAND_MS,
    });
    process.stdout.write(`${stdout}${stderr}`);
    assert.equal(status, 0, `${command} ended with ${status ?? signal}`);
    return stdout;
  }

  /** On the way out of a failed tour; a good one has ended it by the README's command. */
  async stop() {
    if (!this.process || this.process.exitCode !== null || this.process.signalCode !== null) return;
    process.kill(-this.process.pid, "SIGTERM");
    await this.ended;
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
const button = (page, name) => page.getByRole("button", { name, exact: true });
const link = (page, name) => page.getByRole("link", { name, exact: true });

/** Loads the page again, as a person would with F5, until there is what is looked for. */
async function reloadUntilSeen(page, locator, what) {
  const deadline = Date.now() + PATIENCE_MS;
  while ((await locator.count()) === 0) {
    assert.ok(Date.now() < deadline, `${what}: not there; ${page.url()} says: ${await page.locator("body").innerText()}`);
    await page.waitForTimeout(PAUSE_MS);
    await page.reload();
  }
}

/** Who sits where: the operator at the console, the customer at the simulator. */
class Tour {
  constructor(office, street) {
    this.terminal = new Terminal();
    this.office = office;
    this.street = street;
  }

  /** The one picture of a step. */
  async picture(page) {
    assert.ok(this.shows, "a step has one picture");
    const file = join(pictures, `${this.shows}.png`);
    this.shows = undefined;
    await page.screenshot({ path: file, animations: "disabled" });
    // A palette of 128 colours does for a page and takes a third of the room.
    const lean = spawnSync("pngquant", ["--force", "--strip", "--speed", "1", "--output", file, "128", file]);
    say(`picture ${file}${lean.status === 0 ? "" : " (pngquant is not at hand: not made smaller)"}`);
  }

  async startAndOpen(spans) {
    const address = await this.terminal.up(spans.take("command"));
    const page = spans.take("page");
    assert.equal(address, page, "the README names another address than `up`");
    await this.office.goto(page);
    await this.office.getByRole("heading", { level: 1 }).waitFor();
    await this.picture(this.office);
  }

  async signIn(spans) {
    const { office } = this;
    await button(office, spans.take("name")).click();
    const operator = office.getByRole("radio", { name: spans.take("address") });
    await operator.check();
    await this.picture(office);
    await button(office, spans.take("name")).click();
    await office.getByRole("heading", { level: 1, name: "Chat" }).waitFor();
  }

  async connect(spans) {
    const { office } = this;
    await link(office, spans.take("name")).first().click();
    await button(office, spans.take("name")).click();
    this.mailbox = spans.take("address");
    await office.getByRole("radio", { name: this.mailbox }).check();
    await button(office, spans.take("name")).click();
    const card = office.getByRole("region", { name: this.mailbox });
    await card.getByText(spans.take("name"), { exact: true }).waitFor();
    await this.picture(office);
  }

  async write(spans) {
    const { street } = this;
    this.simulator = spans.take("page");
    this.customer = spans.take("address");
    this.toWrite = spans.take("name");
    assert.equal(spans.take("address"), this.mailbox);
    this.question = spans.take("name");
    this.toSend = spans.take("name");
    await this.fillIn("Standard delivery");
    await this.picture(street);
    await this.send("Standard delivery");
  }

  /** Fills in a mail of the customer's. */
  async fillIn(subject) {
    const { street } = this;
    await street.goto(this.simulator);
    await street.getByRole("link", { name: this.customer }).first().click();
    await link(street, this.toWrite).click();
    await street.getByLabel("To", { exact: true }).fill(this.mailbox);
    await street.getByLabel("Subject", { exact: true }).fill(subject);
    await street.getByLabel("Text", { exact: true }).fill(`Hello,\n\n${this.question}\n\nKind regards\nCharlie`);
  }

  async send(subject) {
    await button(this.street, this.toSend).click();
    await this.street.getByText(subject).first().waitFor();
  }

  /** The customer looks into the mailbox until the thread about `subject` has the answer. */
  async read(subject) {
    const { street } = this;
    const deadline = Date.now() + PATIENCE_MS;
    const answer = street.getByRole("article").filter({ hasText: "2 to 4 working days" });
    do {
      assert.ok(Date.now() < deadline, `no answer to ${subject}: ${await street.locator("body").innerText()}`);
      await street.waitForTimeout(PAUSE_MS);
      await street.goto(this.simulator);
      await street.getByRole("link", { name: this.customer }).first().click();
      await street.getByText(this.customer).first().waitFor();
      const thread = street.getByRole("link", { name: subject });
      if ((await thread.count()) === 0) continue;
      await thread.first().click();
      await street.getByRole("heading", { name: subject }).first().waitFor();
    } while ((await answer.count()) === 0);
  }

  async approve(spans) {
    const { office } = this;
    await link(office, spans.take("name")).first().click();
    const row = office.getByRole("listitem").filter({ hasText: "Standard delivery" }).filter({ hasText: "✉️" });
    await reloadUntilSeen(office, row.filter({ hasText: "Draft to review" }), "a draft to review");
    await row.getByRole("link").first().click();
    await office.getByRole("heading", { name: "Draft waiting for your review" }).waitFor();
    await office.getByText("2 to 4 working days").first().waitFor();
    await this.picture(office);
    await button(office, spans.take("name")).click();
    await this.read("Standard delivery");
  }

  async answerByItself(spans) {
    const { office } = this;
    await link(office, spans.take("name")).first().click();
    await office.getByRole("region", { name: this.mailbox }).getByRole("link", { name: spans.take("name") }).click();
    await office.getByLabel(spans.take("name")).uncheck();
    await office.getByLabel(spans.take("name"), { exact: true }).check();
    await office.getByLabel(/answers may be sent without a person reading them first/).check();
    await button(office, spans.take("name")).click();
    await office.getByText("Saved.").first().waitFor();
    const subject = "Delivery, once more";
    await this.fillIn(subject);
    await this.send(subject);
    await this.read(subject);
    await this.picture(this.street);
  }

  /** What the text below the steps names. */
  async afterwards(spans) {
    const file = join(pictures, ".mail.eml");
    const mail = `From: Ada <ada@customer.test>\r\nTo: <${this.mailbox}>\r\nSubject: A file\r\n\r\nHello from a file.\r\n`;
    while (spans.left.length > 0) {
      const command = spans.take("command");
      if (command.includes("FILE.eml…")) await writeFile(file, mail);
      this.terminal.run(command.replace("FILE.eml…", `'${file}'`));
    }
    await rm(file, { force: true });
    assert.equal(await this.terminal.ended, 0, "`up` ended with an error");
  }
}

async function main() {
  await mkdir(pictures, { recursive: true });
  const { steps, after } = await readme();
  const browser = await launch();
  const [office, street] = [await openWindow(browser, { viewport: VIEWPORT }), await openWindow(browser, { viewport: VIEWPORT })];
  const tour = new Tour(office.page, street.page);
  const stop = async () => {
    await tour.terminal.stop();
    await browser.close();
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop().finally(() => process.exit(130)));
  try {
    const acts = [tour.startAndOpen, tour.signIn, tour.connect, tour.write, tour.approve, tour.answerByItself];
    assert.equal(steps.length, acts.length, "the README has another number of steps than the tour");
    for (const [at, act] of acts.entries()) {
      const title = `step ${at + 1}`;
      say(`${title}: ${steps[at].replace(/\s+/g, " ")}`);
      const spans = new Spans(title, steps[at]);
      tour.shows = `step-${at + 1}`;
      await act.call(tour, spans);
      spans.end();
      assert.equal(tour.shows, undefined, `${title} left no picture`);
    }
    await tour.afterwards(new Spans("after the steps", after));
    await office.close();
    await street.close();
    say("the tour is over; all of it went as the README says");
  } finally {
    await stop();
  }
}

await main();
