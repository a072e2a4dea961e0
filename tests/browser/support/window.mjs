// Chromium and its windows. Whatever a page complains of in its console (a style that its policy refuses, an exception)
// is kept, and `close` fails on any complaint.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** How long one step of a page may take; it only ends a hang. */
const STEP_MS = 60_000;

export function needed(name) {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: run the suite with \`cargo test -p tests --test browser\``);
  return value;
}

export const launch = () => chromium.launch({ executablePath: needed("CHROMIUM"), args: ARGUMENTS });

export async function openWindow(browser, options = {}) {
  const context = await browser.newContext({
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    reducedMotion: "reduce",
    viewport: { width: 1280, height: 900 },
    ...options,
  });
  context.setDefaultTimeout(STEP_MS);
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    // A page that answers 4xx on purpose is reported as a resource as well; whether it should is its test's matter.
    const ownStatus = message.location().url === page.url() && message.text().startsWith("Failed to load resource");
    if (["error", "warning"].includes(message.type()) && !ownStatus) {
      complaints.push(`${page.url()}: ${message.text()}`);
    }
  });
  const close = async () => {
    await context.close();
    assert.deepEqual(complaints, []);
  };
  return { page, context, close };
}
