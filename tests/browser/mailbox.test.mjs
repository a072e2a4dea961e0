// The simulator's mailboxes, as a person uses them: write with a file, look, label, answer, edit a draft, throw away.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { before, test as always } from "node:test";
import { assertNoFindings, inspect } from "./support/inspect.mjs";
import { account, google } from "./support/people.mjs";
import { test } from "./support/story.mjs";
import { launch, openWindow } from "./support/window.mjs";

const SUBJECT = "A kettle that leaks";
const HTML = `<html lang="en"><head><title>Kettle</title></head><body><p>It <b>leaks</b>.</p></body></html>`;

let browser;
let window;
let page;
let writer;
let reader;

const home = (address, rest = "") => `${google}/mail/${encodeURIComponent(address)}${rest}`;
const press = (name) => page.getByRole("button", { name, exact: true }).first().click();
const says = (text) => page.getByRole("status").getByText(text, { exact: true }).waitFor();
const row = (subject) => page.locator("ul.threads > li", { hasText: subject });

before(async () => {
  browser = await launch();
  window = await openWindow(browser);
  page = window.page;
  writer = await account("Willa", "customer.test");
  reader = await account("Rae", "postroom.test");
});

test("a mail is written with copies and a file, and mistakes keep what was typed", async () => {
  await page.goto(home(writer));
  await page.getByText("No mail yet.").waitFor();
  await page.getByRole("link", { name: "Write", exact: true }).click();
  await page.getByLabel("To", { exact: true }).fill("nobody");
  await page.getByLabel("Subject").fill(SUBJECT);
  await page.getByRole("textbox", { name: "Text", exact: true }).fill("Hello,\n\nit leaks.\n\nWilla");
  await press("Send");
  await page.getByRole("alert").getByText("is no address").waitFor();
  await inspect(page, "simulator-compose-refused");
  await page.getByLabel("To", { exact: true }).fill(`Rae <${reader}>`);
  await page.getByLabel("Add attachments").setInputFiles([
    { name: "receipt.txt", mimeType: "text/plain", buffer: Buffer.from("Receipt 7\n") },
    { name: "photo.png", mimeType: "image/png", buffer: Buffer.from([0x89, 0x50, 0x4e, 0x47]) },
  ]);
  await press("Send");
  await says("Sent.");
  assert.equal(await page.getByRole("list", { name: "Attachments" }).getByRole("link").count(), 2);
});

test("the reader finds it, labels it, and gets its files", async () => {
  await page.goto(home(reader, "/labels"));
  await page.getByText("There are no labels yet.").waitFor();
  await page.getByLabel("Name").fill("Shop/Returns");
  await page.getByLabel("Colour").selectOption("Green");
  await press("Create label");
  await says("Added.");
  await inspect(page, "simulator-labels");

  await page.goto(home(reader));
  assert.match(await row(SUBJECT).locator("time").innerText(), /^\d{1,2} \w{3,4} \d{4}, \d\d:\d\d$/);
  await row(SUBJECT).getByRole("checkbox").check();
  await press("Add label");
  await says("Label added.");
  await row(SUBJECT).getByText("Shop/Returns").waitFor();
  await inspect(page, "simulator-inbox");
  await page.getByRole("searchbox").fill(`subject:"${SUBJECT}" is:unread`);
  await page.getByRole("searchbox").press("Enter");
  await row(SUBJECT).getByRole("link", { name: SUBJECT }).click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "receipt.txt" }).click(),
  ]);
  assert.equal(download.suggestedFilename(), "receipt.txt");
  assert.equal(await readFile(await download.path(), "utf8"), "Receipt 7\n");
  for (const more of await page.locator("article summary").all()) await more.click();
  await page.getByText("dkim=pass").waitFor();
  await inspect(page, "simulator-conversation-open");
});

test("an answer is kept as draft, changed and sent", async () => {
  await page.getByRole("link", { name: "Reply all", exact: true }).click();
  assert.match(await page.getByRole("textbox", { name: "Text", exact: true }).inputValue(), /> it leaks\./);
  await press("Save as draft");
  await says("Saved.");
  const draft = page.locator("article.draft");
  await draft.getByLabel("Bcc").fill(reader);
  await draft.getByRole("textbox", { name: "Text", exact: true }).fill("A new one is on its way.");
  await draft.getByLabel("Add attachments").setInputFiles({
    name: "label.pdf",
    mimeType: "application/pdf",
    buffer: Buffer.from("%PDF-1.7"),
  });
  await draft.getByRole("button", { name: "Save changes" }).click();
  await says("Saved.");
  await draft.getByLabel("Remove label.pdf").waitFor();
  await inspect(page, "simulator-draft");
  await draft.getByRole("button", { name: "Send draft" }).click();
  await says("Sent.");
  assert.equal(await draft.count(), 0);
  await page.goto(home(writer));
  await row(SUBJECT).getByText("2", { exact: true }).waitFor();
});

test("formatted mail is shown without being trusted, and what is thrown away can come back", async () => {
  const raw = `From: x@customer.test\r\nSubject: Formatted\r\nContent-Type: text/html\r\n\r\n${HTML}\r\n`;
  const put = await fetch(`${google}/_sim/accounts/${reader}/messages`, { method: "POST", body: raw });
  assert.ok(put.ok);
  await page.goto(home(reader));
  await row("Formatted").getByRole("link").click();
  await page.getByText("Show as formatted by the sender").click();
  await page.frameLocator("iframe").getByText("leaks").waitFor();
  await inspect(page, "simulator-formatted");
  await press("Trash");
  await says("Moved to the trash.");
  assert.equal(await row("Formatted").count(), 0);
  await page.getByRole("link", { name: "Trash", exact: true }).click();
  await inspect(page, "simulator-trash");
  await row("Formatted").getByRole("checkbox").check();
  await press("Move to inbox");
  await says("Moved to the inbox.");
  await page.getByText("Nothing here.").waitFor();
});

test("in a list the keys j, k and x move and tick", async () => {
  await page.goto(home(reader));
  const links = page.locator("ul.threads a.open");
  await links.nth(0).focus();
  await page.keyboard.press("j");
  assert.ok(await links.nth(1).evaluate((link) => link === document.activeElement));
  await page.keyboard.press("x");
  assert.ok(await page.locator("ul.threads > li").nth(1).getByRole("checkbox").isChecked());
  await page.keyboard.press("k");
  assert.ok(await links.nth(0).evaluate((link) => link === document.activeElement));
});

always("no page had a finding or a complaint", async () => {
  try {
    await window.close();
    assertNoFindings();
  } finally {
    await browser.close();
  }
});
