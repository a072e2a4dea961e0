// The console promises to work without JavaScript: the main job once more, with scripts off.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Correspondent, Operator, account, front } from "./support/people.mjs";
import { launch, openWindow } from "./support/window.mjs";

test("without JavaScript a mail is read, its draft edited and sent", async () => {
  const browser = await launch();
  const plain = { javaScriptEnabled: false };
  const windows = [await openWindow(browser, plain), await openWindow(browser, plain)];
  const office = new Operator(windows[0].page);
  const customer = new Correspondent(windows[1].page, await account("Noor", "customer.test"));
  const mailbox = await account("Plain", "postroom.test");
  await office.signIn();
  await office.connect(mailbox);
  assert.equal(await office.page.locator("footer").innerText(), "Times are in UTC.");

  const subject = "A kettle under warranty";
  await customer.write(mailbox, subject, "Hello,\n\nhow long is the warranty of an electric kettle?\n\nNoor");
  await office.open(subject, "Draft to review");
  await office.page.getByText("Edit and send", { exact: true }).click();
  const editor = office.page.getByLabel(`Answer to ${customer.address}`);
  const text = await editor.inputValue();
  assert.match(text, /three years/);
  await editor.fill(`${text.trimEnd()}\n\nA person read this.\n`);
  await office.press("Send edited answer");
  await office.says("Approved. It is sent within moments.");
  await customer.readsIn(subject, "A person read this.");
  await office.open(subject, "Answered");

  await office.page.goto(`${front}/channels/gmail`);
  await office.card(mailbox).getByRole("link", { name: "Disconnect" }).click();
  await office.press("Disconnect");
  await office.says("Disconnected. Google has been told");
  for (const window of windows) await window.close();
  await browser.close();
});
