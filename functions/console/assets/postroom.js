// Everything works without this file. With it, times are shown in the browser's own zone.
"use strict";
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const format = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  const absolute = time.querySelector("[data-absolute]");
  if (absolute && !Number.isNaN(at.getTime())) absolute.textContent = format.format(at);
}
for (const note of document.querySelectorAll("[data-zone]")) {
  if (zone) note.textContent = `Times are in ${zone.replaceAll("_", " ")}.`;
}
