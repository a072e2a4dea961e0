// What holds for every page: no finding of axe under WCAG 2 A and AA, nothing wider than the window, in both colour
// schemes, on a desk and on a small telephone. Each look leaves a picture. What is found is kept for `assertNoFindings`,
// so that one run tells of all pages.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { needed } from "./window.mjs";

const WIDTHS = [1280, 360];
const SCHEMES = ["light", "dark"];
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const pictures = needed("POSTROOM_SCREENSHOTS");
const findings = [];
let looks = 0;

function described(violation) {
  const places = violation.nodes.map((node) => `${node.target.join(" ")}: ${node.failureSummary}`);
  return `${violation.id}: ${violation.help}\n  ${places.join("\n  ")}`;
}

async function tooWide(page) {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const over = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > width + 1);
    return [`wider than the window: ${over.map((e) => `${e.tagName}.${e.className}`).join(", ")}`];
  });
}

/** Looks at the page that stands in the window. Sizes and colours change without a reload, so forms keep their state. */
export async function inspect(page, name) {
  await mkdir(pictures, { recursive: true });
  const before = page.viewportSize();
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme });
      const look = `${name}-${width}-${colorScheme}`;
      const result = await new AxeBuilder({ page }).setLegacyMode(true).withTags(RULES).analyze();
      assert.ok(result.passes.length > 0, `${look}: axe looked at nothing`);
      const found = [...(await tooWide(page)), ...result.violations.map(described)];
      findings.push(...found.map((finding) => `${look}: ${finding}`));
      looks += 1;
      await page.screenshot({ path: join(pictures, `${look}.png`), fullPage: true });
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(before);
}

export function assertNoFindings() {
  assert.ok(looks > 0, "no page was looked at");
  assert.deepEqual(findings, []);
}
