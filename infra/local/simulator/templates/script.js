// Comfort only; every page works without it. Times are shown in the viewer's zone, and in a list of conversations,
// while the focus is in it, j and k move and x ticks.
const pad = { dateStyle: "medium", timeStyle: "short" };
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) continue;
  time.title = time.textContent;
  time.textContent = new Intl.DateTimeFormat(document.documentElement.lang, pad).format(at);
}
const list = document.querySelector("ul.threads");
list?.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const row = event.target.closest("li");
  const step = { j: row?.nextElementSibling, k: row?.previousElementSibling }[event.key];
  step?.querySelector("a.open")?.focus();
  if (event.key === "x") row?.querySelector("input[type=checkbox]")?.click();
});
