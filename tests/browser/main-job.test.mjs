// A1, A2, A5, A6: a mail comes, the assistant drafts, a person looks and sends, the customer reads.
import assert from "node:assert/strict";
import { before, test as always } from "node:test";
import { assertNoFindings, inspect } from "./support/inspect.mjs";
import { Correspondent, OPERATOR, Operator, account, front, google } from "./support/people.mjs";
import { test } from "./support/story.mjs";
import { launch, openWindow } from "./support/window.mjs";

const QUESTION = "Hello,\n\nhow long does standard delivery take?\n\nMay";

let browser;
let mailbox;
let office;
let owner;
let customer;
const windows = [];

async function someone(Kind, ...rest) {
  const window = await openWindow(browser);
  windows.push(window);
  return new Kind(window.page, ...rest);
}

before(async () => {
  browser = await launch();
  mailbox = await account("Desk", "postroom.test");
  office = await someone(Operator);
  owner = await someone(Correspondent, mailbox);
  customer = await someone(Correspondent, await account("May", "customer.test"));
});

test("an operator signs in and connects a mailbox", async () => {
  const { page } = office;
  await page.goto(front);
  await page.getByRole("heading", { name: "Sign in to Postroom" }).waitFor();
  await inspect(page, "console-sign-in");
  await office.press("Continue with Google");
  await inspect(page, "simulator-consent-sign-in");
  await page.getByRole("radio", { name: OPERATOR }).check();
  await office.press("Allow");
  await page.getByRole("heading", { level: 1, name: "Chat" }).waitFor();
  assert.equal(new URL(page.url()).origin, front);
  assert.match(await page.locator("footer").innerText(), /Europe\/Berlin/);

  await page.getByRole("link", { name: "Channels", exact: true }).click();
  await office.press("Connect");
  await inspect(page, "simulator-consent-mailbox");
  const asked = new URL(page.url()).searchParams.get("scope");
  assert.equal(asked, "https://www.googleapis.com/auth/gmail.modify");
  await page.getByRole("radio", { name: mailbox }).check();
  await office.press("Allow");
  await office.says("Connected. New mail appears in Chat");
  await office.card(mailbox).getByText("Connected", { exact: true }).waitFor();
  await office.workOn(mailbox);
  await inspect(page, "console-channel");
});

test("a question becomes a draft with its sources, and the keyboard sends it", async () => {
  const { page } = office;
  const subject = "Standard delivery";
  await customer.page.goto(customer.mailbox);
  await inspect(customer.page, "simulator-mailbox-empty");
  await customer.write(mailbox, subject, QUESTION);
  await inspect(customer.page, "simulator-mailbox");

  await office.open(subject, "Draft to review");
  await page.getByRole("heading", { name: "Draft waiting for your review" }).waitFor();
  await page.locator(".mail.customer").getByText("how long does standard delivery").waitFor();
  const draft = await page.locator(".decision .answer").innerText();
  assert.match(draft, /2 to 4 working days/);
  const source = page.locator(".decision .sources summary").first();
  await source.click();
  await page.locator(".decision blockquote").first().getByText("2 to 4 working days").waitFor();
  await page.getByText("Why?", { exact: true }).click();
  await page.getByText("Edit and send", { exact: true }).click();
  assert.equal((await page.getByLabel(`Answer to ${customer.address}`).inputValue()).trim(), draft.trim());
  await inspect(page, "console-conversation-draft");

  await page.goto(office.chat);
  const row = office.row(subject);
  assert.equal(await row.locator(".envelope").innerText(), "✉️");
  assert.match(await row.locator(".sender").innerText(), /May/);
  await inspect(page, "console-chat");
  await row.getByRole("link").click();

  await owner.seesDrafts(subject, 1);
  assert.equal((await owner.drafts().getByLabel("Text").inputValue()).trim(), draft.trim());
  await inspect(owner.page, "simulator-conversation-draft");

  await tabTo(page, "Approve and send");
  await page.keyboard.press("Enter");
  await office.says("Approved. It is sent within moments.");
  await office.open(subject, "Answered");
  await inspect(page, "console-conversation-answered");
  const answer = await customer.readsIn(subject, "2 to 4 working days");
  assert.equal(await answer.count(), 1);
  await inspect(customer.page, "simulator-conversation-answered");
  await owner.seesDrafts(subject, 0);
});

/** Presses Tab until the button has the focus, and sees that the focus is drawn. */
async function tabTo(page, name) {
  const button = page.getByRole("button", { name, exact: true });
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press("Tab");
    if (await button.evaluate((element) => element === document.activeElement)) {
      const outline = await button.evaluate((element) => {
        const style = getComputedStyle(element);
        return { style: style.outlineStyle, width: Number.parseFloat(style.outlineWidth) };
      });
      assert.equal(outline.style, "solid");
      assert.ok(outline.width >= 2, `outline of ${outline.width} px`);
      return;
    }
  }
  assert.fail(`Tab never came to ${name}`);
}

test("auto-reply asks first, and its answer can be seen before it goes", async () => {
  const { page } = office;
  await office.settings(mailbox);
  await inspect(page, "console-mailbox-settings");
  await page.getByLabel("Create draft only").uncheck();
  await page.getByLabel("Auto-reply", { exact: true }).check();
  await page.getByLabel("Response delay").fill("2");
  await page.getByLabel("Unit of the delay").selectOption("hours");
  await office.press("Save");
  await office.says("Not saved: look at the fields that are marked.");
  const confirmation = page.getByLabel("Yes, answers may be sent without a person reading them first");
  assert.equal(await confirmation.getAttribute("aria-invalid"), "true");
  await inspect(page, "console-mailbox-settings-refused");
  await confirmation.check();
  await office.press("Save");
  await office.says("Saved. It takes effect with the next mail.");
  assert.ok(await page.getByLabel("Auto-reply", { exact: true }).isChecked());

  const subject = "Delivery, once more";
  await customer.write(mailbox, subject, QUESTION);
  await office.open(subject, "Will be sent");
  await page.getByRole("heading", { name: "Answer that will be sent" }).waitFor();
  await inspect(page, "console-conversation-pending");
  await owner.seesDrafts(subject, 0);
  await office.press("Send now");
  await office.says("It is being sent now.");
  await customer.readsIn(subject, "2 to 4 working days");
  await office.open(subject, "Answered");

  const cancelled = "Delivery to a friend";
  await customer.write(mailbox, cancelled, QUESTION);
  await office.open(cancelled, "Will be sent");
  await office.press("Cancel this answer");
  await office.says("The pending answer was cancelled.");
  assert.equal(await page.getByRole("button", { name: "Send now" }).count(), 0);

  await office.settings(mailbox);
  await page.getByLabel("Create draft only").check();
  await office.press("Save");
  await office.says("Saved. It takes effect with the next mail.");
});

test("a draft is discarded, and a person answers, takes over and hands back", async () => {
  const { page } = office;
  const subject = "Shipping to Norway";
  await customer.write(mailbox, subject, "Hello,\n\nhow long does standard delivery take?\n\nMay");
  await office.open(subject, "Draft to review");
  await office.press("Discard");
  await office.says("The draft was discarded and is being removed from Gmail.");
  await owner.seesDrafts(subject, 0);

  await page.getByLabel(`Your answer, sent from ${mailbox}`).fill("Dear May,\n\nabout a week.\n\nThe desk");
  await office.press("Send answer");
  await office.says("Your answer is being sent.");
  await customer.readsIn(subject, "about a week");
  await office.open(subject, "Answered");
  await page.locator(".mail.person").getByText("about a week").waitFor();
  await page.getByText("The assistant is off on this conversation.").waitFor();
  await office.press("Hand back to the assistant");
  await office.says("Handed back.");
  await office.press("Take over");
  await office.says("You have taken over.");
  await inspect(page, "console-conversation-taken-over");
  await office.press("Hand back to the assistant");
  await office.says("Handed back.");
});

always("no page had a finding or a complaint", async () => {
  try {
    for (const window of windows) await window.close();
    assertNoFindings();
  } finally {
    // An open browser would keep the process, and the suite, from ending.
    await browser.close();
  }
});
