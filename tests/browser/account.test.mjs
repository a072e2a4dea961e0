// A2.3, A8: the ways out and the ways that lead nowhere, each with words of its own.
import assert from "node:assert/strict";
import { before, test as always } from "node:test";
import { assertNoFindings, inspect } from "./support/inspect.mjs";
import { OPERATOR, Operator, account, decide, front, google } from "./support/people.mjs";
import { test } from "./support/story.mjs";
import { launch, openWindow } from "./support/window.mjs";

let browser;
let window;
let office;

before(async () => {
  browser = await launch();
  window = await openWindow(browser);
  office = new Operator(window.page);
});

test("a stranger and a refusal are told apart at the door", async () => {
  const { page } = office;
  await office.signIn(await account("Stranger", "customer.test"));
  await office.says("This account may not sign in here.");
  await inspect(page, "console-sign-in-stranger");
  await office.press("Continue with Google");
  await decide(page, OPERATOR, "Cancel");
  await office.says("Google was not allowed to say who you are");
  await page.goto(`${front}/chat`);
  await page.getByRole("heading", { name: "Sign in to Postroom" }).waitFor();
});

test("consent that is refused connects nothing and says so", async () => {
  const { page } = office;
  const mailbox = await account("Refusing", "postroom.test");
  await office.signIn();
  await office.askToConnect();
  await decide(page, mailbox, "Cancel");
  await office.says("Google was not allowed to share the mailbox, so nothing was connected.");
  assert.equal(await office.card(mailbox).count(), 0);
  await inspect(page, "console-channel-denied");
});

test("a mailbox is disconnected after a confirmation, and can come back", async () => {
  const { page } = office;
  const mailbox = await account("Leaving", "postroom.test");
  await office.connect(mailbox);
  await office.card(mailbox).getByRole("link", { name: `Disconnect ${mailbox}` }).click();
  await page.getByRole("heading", { name: `Disconnect ${mailbox}?` }).waitFor();
  await inspect(page, "console-disconnect");
  await page.getByRole("link", { name: "Keep it connected" }).click();
  await office.card(mailbox).getByText("Connected", { exact: true }).waitFor();
  await office.card(mailbox).getByRole("link", { name: `Disconnect ${mailbox}` }).click();
  await office.press("Disconnect");
  await office.says("Disconnected. Google has been told");
  await office.card(mailbox).getByText("Disconnected", { exact: true }).waitFor();
  await inspect(page, "console-channel-disconnected");
  await office.card(mailbox).getByRole("button", { name: "Reconnect" }).click();
  await decide(page, mailbox, "Allow");
  await office.says("Connected");
  await office.card(mailbox).getByText("Connected", { exact: true }).waitFor();
});

test("the remaining pages are in order", async () => {
  const { page } = office;
  await page.goto(`${front}/settings`);
  await page.getByRole("heading", { level: 1, name: "Settings" }).waitFor();
  await inspect(page, "console-settings");
  const missing = await page.goto(`${front}/chat/no-such-mailbox/no-such-thread`);
  assert.equal(missing.status(), 404);
  await inspect(page, "console-not-found");
  await page.goto(google);
  await inspect(page, "simulator-accounts");
  const refused = await page.goto(`${google}/o/oauth2/v2/auth?client_id=unknown`);
  assert.ok(refused.status() >= 400);
  await inspect(page, "simulator-refused");
});

test("signing out ends the session", async () => {
  const { page } = office;
  await page.goto(`${front}/chat`);
  await office.press("Sign out");
  await office.says("You are signed out.");
  await page.goto(`${front}/channels/gmail`);
  await page.getByRole("heading", { name: "Sign in to Postroom" }).waitFor();
  await page.goBack();
  assert.equal(await page.getByRole("heading", { level: 1, name: "Gmail" }).count(), 0);
});

always("no page had a finding or a complaint", async () => {
  await window.close();
  assertNoFindings();
  await browser.close();
});
