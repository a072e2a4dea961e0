// A3.2, A10, C10: what the assistant knows and how it writes. A document is handed in and searched, a question that
// nothing answers becomes a gap, and answering the gap makes the waiting answer.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { before, test as always } from "node:test";
import { assertNoFindings, inspect } from "./support/inspect.mjs";
import { Correspondent, Operator, account, front } from "./support/people.mjs";
import { test } from "./support/story.mjs";
import { launch, openWindow } from "./support/window.mjs";

// A thing that no other run of the suite has in the shared cloud's knowledge base.
const LAMP = `Zephyr${randomUUID().replaceAll(/[^a-f]/g, "").slice(0, 6)}`;
const MANUAL = `# ${LAMP} lamp\n\n## How long the battery lasts\n\nThe battery of the ${LAMP} lamp lasts eleven hours.\n`;
const NEWER = MANUAL.replace("eleven", "fourteen");
const LONG_MS = 120_000;

let browser;
let mailbox;
let office;
let customer;
const windows = [];

async function someone(Kind, options, ...rest) {
  const window = await openWindow(browser, options);
  windows.push(window);
  return new Kind(window.page, ...rest);
}

const file = (name, text) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.from(text) });
const chooser = (page) => page.getByLabel(/^Drop (files|the file) here/);
const line = (page, name) => page.locator(".uploads li", { hasText: name });
const document = (page, title) => page.locator(".documents li", { hasText: title });

/** The page looks again by itself; nobody reloads it. */
async function becomes(page, title, state) {
  await document(page, title).locator(".state", { hasText: state }).waitFor({ timeout: LONG_MS });
}

before(async () => {
  browser = await launch();
  mailbox = await account("Lamps", "postroom.test");
  office = await someone(Operator, {});
  customer = await someone(Correspondent, {}, await account("Ida", "customer.test"));
  await office.signIn();
  await office.connect(mailbox);
});

test("files are handed in with their progress, and what is no document is refused in words", async () => {
  const { page } = office;
  await page.getByRole("link", { name: "Knowledge", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Knowledge" }).waitFor();
  const hostile = `<img src=x onerror=alert(1)> ${LAMP}.exe`;
  const name = `Manual of the ${LAMP}`;
  await chooser(page).setInputFiles([file(`${name}.md`, MANUAL), file(hostile, "MZ"), file(`Empty ${LAMP}.txt`, "")]);
  await line(page, hostile).getByText("This kind of file is not read.").waitFor();
  await line(page, "Empty").getByText("The file is empty.").waitFor();
  await line(page, `${name}.md`).getByText("Sent. It is being read.").waitFor();
  assert.equal(await line(page, `${name}.md`).locator("progress").evaluate((bar) => bar.value), 1);
  await becomes(page, name, "Ready");
  assert.match(await document(page, name).innerText(), /1 passage: English/);
  await inspect(page, "console-knowledge");

  await document(page, name).getByRole("link", { name, exact: true }).click();
  await page.getByRole("heading", { level: 3, name: `${LAMP} lamp › How long the battery lasts` }).waitFor();
  await page.getByText(`The battery of the ${LAMP} lamp lasts eleven hours.`).waitFor();
  await inspect(page, "console-document");
});

test("the knowledge base is asked, and nobody is written to", async () => {
  const { page } = office;
  await page.goto(`${front}/knowledge/ask`);
  await page.getByLabel("Question").fill(`Hello, how long does the battery of the ${LAMP} lamp last?`);
  await office.press("Ask");
  await page.getByText("The knowledge base answers this").waitFor({ timeout: LONG_MS });
  await page.locator("#example .answer").getByText("eleven hours").waitFor();
  await page.locator("#example .sources summary").first().click();
  await inspect(page, "console-ask-answered");
  await page.getByLabel("Question").fill(`Can I drive the ${LAMP} to the moon on a Sunday?`);
  await office.press("Ask");
  await page.getByText("A person would take this").waitFor({ timeout: LONG_MS });
  await inspect(page, "console-ask-person");
  await page.goto(office.chat);
  assert.equal(await page.locator(".conversations li").count(), 0);
});

test("a personality is tried on a mail before it is saved", async () => {
  const { page } = office;
  await page.goto(`${front}/channels/gmail`);
  await office.card(mailbox).getByRole("link", { name: "Personality" }).click();
  await page.getByRole("heading", { name: `Personality of ${mailbox}` }).waitFor();
  await page.getByText("it does not use tone and instructions").waitFor();
  await inspect(page, "console-personality");
  await page.getByLabel("Signature").fill("Warm regards\nThe lamp desk");
  await page.getByLabel("Text", { exact: true }).fill(`How long does the battery of the ${LAMP} lamp last?`);
  assert.ok(await page.getByRole("radio", { name: "A mail of my own" }).isChecked(), "who writes one wants it answered");
  await office.press("Show the answer");
  await page.locator("#example .answer").getByText("eleven hours").waitFor({ timeout: LONG_MS });
  const mail = await page.locator("#example .answer").innerText();
  assert.match(mail, /eleven hours\.[\s\S]*\sWarm regards\s+The lamp desk\s+This answer was written by an assistant\./);
  await page.getByText("Not saved yet").waitFor();
  await inspect(page, "console-personality-tried");
  await office.press("Save");
  await office.says("Saved. It takes effect with the next mail.");
  assert.equal(await page.getByLabel("Signature").inputValue(), "Warm regards\nThe lamp desk");
});

test("a question that nothing answers is a gap, and answering it makes the waiting answer", async () => {
  const { page } = office;
  const subject = "Engraving";
  const question = `Do you engrave names into the ${LAMP} lamp?`;
  await customer.write(mailbox, subject, `Hello,\n\n${question}\n\nIda`);
  await office.open(subject, "Needs a person");
  await page.goto(`${front}/knowledge/gaps`);
  const gap = document(page, LAMP);
  await gap.waitFor();
  await inspect(page, "console-gaps");
  await gap.getByRole("link").click();
  await page.locator("blockquote", { hasText: LAMP }).first().waitFor();
  await page.getByLabel(/^Question, without/).fill(question);
  await page.getByLabel("Answer", { exact: true }).fill(`Yes, we engrave names into the ${LAMP} lamp free of charge.`);
  await inspect(page, "console-gap");
  await office.press("Save and make the answer again");
  await office.says("Saved. As soon as it has been read");
  await office.open(subject, "Draft to review");
  await page.locator(".decision .answer").getByText("free of charge").waitFor();
  assert.match(await page.locator(".decision .answer").innerText(), /The lamp desk/);
});

test("a newer file takes the place of the former, and a document is removed", async () => {
  const { page } = office;
  const name = `Manual of the ${LAMP}`;
  await page.goto(`${front}/knowledge`);
  await document(page, name).getByRole("link", { name: `Replace ${name}` }).click();
  await chooser(page).setInputFiles(file("newer.txt", NEWER));
  await office.says("The file is there and is being read.");
  await page.getByText(`The battery of the ${LAMP} lamp lasts fourteen hours.`).waitFor({ timeout: LONG_MS });
  await page.locator("#state .state", { hasText: "Ready" }).waitFor({ timeout: LONG_MS });
  await page.getByRole("link", { name: "Remove", exact: true }).click();
  await inspect(page, "console-document-remove");
  await office.press("Remove");
  await office.says("Removed.");
  assert.equal(await document(page, name).count(), 0);
});

test("without JavaScript a file is handed in and read", async () => {
  const plain = await someone(Operator, { javaScriptEnabled: false });
  const { page } = plain;
  await plain.signIn();
  await page.goto(`${front}/knowledge`);
  const title = `Plain ${LAMP}`;
  await page.getByLabel("Title").fill(title);
  await page.getByLabel("Kind of file").selectOption("md");
  await plain.press("Choose the file");
  await page.getByLabel(/^File for/).setInputFiles(file("whatever.md", MANUAL));
  await plain.press("Send the file");
  await page.getByText("The file has been sent.").waitFor();
  assert.equal(new URL(page.url()).origin, front, "the bucket sent the browser back");
  await plain.press("Read it");
  await plain.says("The file is there and is being read.");
  const address = page.url().split("?")[0];
  const ready = page.locator("#state .state", { hasText: "Ready" });
  for (let looks = 0; looks < 240 && (await ready.count()) === 0; looks += 1) {
    await page.waitForTimeout(500);
    await page.goto(address);
  }
  await page.getByText("lasts eleven hours").waitFor();
  await page.getByRole("link", { name: "Remove", exact: true }).click();
  await plain.press("Remove");
  await plain.says("Removed.");
});

always("no page had a finding or a complaint", async () => {
  try {
    for (const window of windows) await window.close();
    assertNoFindings();
  } finally {
    await browser.close();
  }
});
