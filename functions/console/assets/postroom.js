// Everything works without this file. With it, times are shown in the browser's own zone, and what is still under way
// is looked at again by itself.
"use strict";
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const format = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
function showTimes(within) {
  for (const time of within.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    const absolute = time.querySelector("[data-absolute]");
    if (absolute && !Number.isNaN(at.getTime())) absolute.textContent = format.format(at);
  }
}
showTimes(document);
for (const note of document.querySelectorAll("[data-zone]")) {
  if (zone) note.textContent = `Times are in ${zone.replaceAll("_", " ")}.`;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Loads the page again and takes from it what stands in `element`, as long as the page says that it is under way. What
// somebody is typing elsewhere on the page stays.
async function follow(element) {
  for (let wait = 700; element.hasAttribute("data-poll"); wait = Math.min(wait * 1.3, 5000)) {
    await pause(wait);
    let answer;
    try {
      answer = await fetch(location.href, { headers: { accept: "text/html" } });
    } catch {
      continue; // No network for a moment.
    }
    if (answer.redirected) return location.reload(); // The session has ended.
    if (!answer.ok) continue;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(element.id);
    if (!fresh) return;
    showTimes(fresh);
    if (fresh.innerHTML !== element.innerHTML && !element.contains(document.activeElement)) {
      element.replaceChildren(...fresh.childNodes);
    }
    element.toggleAttribute("data-poll", fresh.hasAttribute("data-poll"));
  }
}
document.querySelectorAll("[data-poll]").forEach(follow);
