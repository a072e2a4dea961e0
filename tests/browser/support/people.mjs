// The people of the suite: an operator at the console, and owners and customers at the simulator's pages, who do only
// what a person can do with mouse and keyboard.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { needed } from "./window.mjs";

export const front = needed("POSTROOM_FRONT_DOOR");
export const google = needed("POSTROOM_GOOGLE");
export const OPERATOR = "operator@postroom.test";

/** It only ends a hang; a mail takes seconds. */
const PATIENCE_MS = 180_000;
const PAUSE_MS = 500;

/** A new account, so that several runs in one local cloud keep apart. */
export async function account(name, domain) {
  const address = `${name.toLowerCase()}-${randomUUID().slice(0, 6)}@${domain}`;
  const answer = await fetch(`${google}/_sim/accounts`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ address, name }),
  });
  assert.ok(answer.ok, `making an account: ${answer.status}`);
  return address;
}

export async function decide(page, address, decision) {
  await page.getByRole("radio", { name: address }).check();
  await page.getByRole("button", { name: decision }).click();
}

/** Loads `url` until `wanted` says yes; what a person would do with F5. */
async function reloadUntil(page, url, what, wanted) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    await page.goto(url);
    if (await wanted()) return;
    if (Date.now() > deadline) assert.fail(`${what}: not there; ${url} says: ${await page.locator("body").innerText()}`);
    await page.waitForTimeout(PAUSE_MS);
  }
}

const there = (locator) => async () => (await locator.count()) > 0;

export class Operator {
  constructor(page) {
    this.page = page;
  }

  async signIn(as = OPERATOR) {
    await this.page.goto(front);
    await this.page.getByRole("button", { name: "Continue with Google" }).click();
    await decide(this.page, as, "Allow");
  }

  /** To Google's consent page for a new mailbox. */
  async askToConnect() {
    await this.page.goto(`${front}/channels/gmail`);
    await this.page.getByRole("button", { name: "Connect", exact: true }).click();
  }

  async connect(mailbox) {
    await this.askToConnect();
    await decide(this.page, mailbox, "Allow");
    await this.says("Connected. New mail appears in Chat");
    await this.workOn(mailbox);
  }

  /** From now on Chat is looked at for this mailbox alone. */
  async workOn(mailbox) {
    const settings = await this.card(mailbox).getByRole("link", { name: "Settings" }).getAttribute("href");
    const [, id] = settings.match(/^\/channels\/gmail\/([^/]+)\/settings$/);
    this.chat = `${front}/chat?mailbox=${id}`;
  }

  /** The message on top of a page. */
  async says(text) {
    await this.page.locator("p.message", { hasText: text }).waitFor();
  }

  card(mailbox) {
    return this.page.getByRole("region", { name: mailbox });
  }

  row(subject) {
    return this.page.locator(".conversations li", { hasText: subject });
  }

  /** Opens the conversation once its row says `state`. */
  async open(subject, state) {
    const row = this.row(subject).filter({ hasText: state });
    await reloadUntil(this.page, this.chat, `${state} of ${subject}`, there(row));
    await row.getByRole("link").click();
    await this.page.getByRole("heading", { level: 1, name: subject }).waitFor();
  }

  async press(button) {
    await this.page.getByRole("button", { name: button, exact: true }).click();
  }

  /** On the settings page of `mailbox`. */
  async settings(mailbox) {
    await this.page.goto(`${front}/channels/gmail`);
    await this.card(mailbox).getByRole("link", { name: "Settings" }).click();
    await this.page.getByRole("heading", { name: `Settings of ${mailbox}` }).waitFor();
  }
}

/** Somebody with a mailbox at the simulator. */
export class Correspondent {
  constructor(page, address) {
    this.page = page;
    this.address = address;
    this.mailbox = `${google}/mail/${encodeURIComponent(address)}`;
  }

  async write(to, subject, text) {
    await this.page.goto(this.mailbox);
    await this.page.getByRole("link", { name: "Write", exact: true }).click();
    await this.page.getByLabel("To", { exact: true }).fill(to);
    await this.page.getByLabel("Subject").fill(subject);
    await this.page.getByRole("textbox", { name: "Text", exact: true }).fill(text);
    await this.page.getByRole("button", { name: "Send", exact: true }).click();
    await this.page.locator("article").first().waitFor();
  }

  mails() {
    return this.page.locator("article");
  }

  drafts() {
    return this.page.locator("article.draft");
  }

  async open(subject) {
    const link = this.page.locator("ul.list").getByRole("link", { name: subject });
    await reloadUntil(this.page, this.mailbox, `a mail about ${subject}`, there(link));
    await link.click();
  }

  /** The thread in `page`, once a mail of it says `text`. */
  async readsIn(subject, text) {
    await this.open(subject);
    const mail = this.mails().filter({ hasText: text });
    await reloadUntil(this.page, this.page.url(), `${text} in ${subject}`, there(mail));
    return mail;
  }

  /** Once the thread has no draft, or one. */
  async seesDrafts(subject, count) {
    await this.open(subject);
    const wanted = async () => (await this.drafts().count()) === count;
    await reloadUntil(this.page, this.page.url(), `${count} drafts of ${subject}`, wanted);
  }
}
