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
    const goesOn = fresh.hasAttribute("data-poll");
    if (fresh.innerHTML !== element.innerHTML) {
      if (element.contains(document.activeElement)) continue; // Nothing is taken from under the keyboard.
      element.replaceChildren(...fresh.childNodes);
      element.querySelectorAll("form[data-upload]").forEach(takeFiles);
    }
    element.toggleAttribute("data-poll", goesOn);
  }
}
document.querySelectorAll("[data-poll]").forEach(follow);

// Who writes a mail of their own wants that one to be answered.
for (const own of document.querySelectorAll(".own-mail")) {
  const choice = own.parentElement.querySelector("input[type=radio]");
  own.addEventListener("input", () => {
    choice.checked = true;
  });
}

// ---- handing in files -------------------------------------------------------------------------------------------

const made = (tag, more = {}, ...inside) => {
  const element = Object.assign(document.createElement(tag), more);
  element.append(...inside);
  return element;
};

class NotSent extends Error {}

/** Posts one of our own forms and returns the page that comes back. */
async function post(action, fields) {
  let answer;
  try {
    answer = await fetch(action, { method: "POST", body: new URLSearchParams(fields) });
  } catch {
    throw new NotSent("The connection was lost. Try again.");
  }
  if (new URL(answer.url).pathname === "/signin") {
    throw new NotSent("Your session has ended. Load this page again and sign in, then hand in the file.");
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!answer.ok) {
    const said = page.querySelector("main .message.bad") ?? page.querySelector("main p");
    throw new NotSent(said ? said.textContent.trim() : `The console answered ${answer.status}. Try again in a moment.`);
  }
  return { page, address: answer.url };
}

/** Straight to the bucket; `progress` is told from 0 to 1. */
function toBucket(direct, file, progress, signal) {
  const data = new FormData(direct);
  data.set("file", file, file.name);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", direct.getAttribute("action"));
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable && event.total > 0) progress(event.loaded / event.total);
    });
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300) return resolve();
      const code = /<Code>(\w+)<\/Code>/.exec(request.responseText)?.[1] ?? String(request.status);
      const words = {
        EntityTooLarge: "The file is too large.",
        EntityTooSmall: "The file is empty.",
        AccessDenied: "The link was too old: it is good for five minutes. Try again.",
      };
      reject(new NotSent(words[code] ?? `The bucket refused the file (${code}). Try again.`));
    });
    request.addEventListener("error", () => {
      reject(new NotSent("The connection to the bucket was lost, or it does not let this page send files. Try again."));
    });
    request.addEventListener("abort", () => reject(new NotSent("Cancelled.")));
    signal.addEventListener("abort", () => request.abort());
    request.send(data);
  });
}

/** One file on its way, as a line of the list. */
class Upload {
  constructor(form, file) {
    this.form = form;
    this.file = file;
    this.bar = made("progress", { max: 1, value: 0 });
    this.bar.setAttribute("aria-label", `Progress of ${file.name}`);
    this.state = made("span", { className: "upload-state", textContent: "Waiting" });
    this.state.setAttribute("role", "status");
    this.button = made("button", { type: "button", className: "quiet", textContent: "Cancel" });
    this.button.addEventListener("click", () => this.press());
    const name = made("span", { className: "upload-name", dir: "auto", textContent: file.name });
    this.line = made("li", {}, name, this.bar, this.state, this.button);
  }

  press() {
    if (this.stop) return this.stop.abort();
    this.queue(this);
  }

  say(text, failed) {
    this.state.textContent = text;
    this.line.classList.toggle("failed", failed);
  }

  wrong() {
    const { accept, max } = this.form.dataset;
    const name = this.file.name.toLowerCase();
    const limit = Number(max);
    if (!accept.split(",").some((end) => name.endsWith(end))) {
      return "This kind of file is not read. Hand in PDF, Word (.docx), Markdown, text, HTML or CSV.";
    }
    if (this.file.size > limit) return `The file has more than ${Math.floor(limit / 1048576)} MB. Split it.`;
    return this.file.size === 0 ? "The file is empty." : undefined;
  }

  async send() {
    const wrong = this.wrong();
    if (wrong) {
      this.button.hidden = true;
      return this.say(wrong, true);
    }
    this.stop = new AbortController();
    this.button.textContent = "Cancel";
    let undo;
    try {
      this.say("Asking for a link", false);
      const token = this.form.elements.form_token.value;
      const { page } = await post(this.form.action, { form_token: token, file_name: this.file.name, script: "on" });
      const [direct, arrived] = [page.getElementById("direct"), page.getElementById("arrived")];
      undo = page.getElementById("undo");
      if (!direct || !arrived) throw new NotSent("The console’s answer was not understood. Load this page again.");
      const progress = (share) => {
        this.bar.value = share;
        this.say(`${Math.round(share * 100)} %`, false);
      };
      await toBucket(direct, this.file, progress, this.stop.signal);
      undo = undefined;
      this.bar.value = 1;
      const { address } = await post(arrived.getAttribute("action"), new FormData(arrived));
      this.say("Sent. It is being read.", false);
      this.button.hidden = true;
      return address;
    } catch (error) {
      if (!(error instanceof NotSent)) throw error;
      this.say(error.message, true);
      this.button.textContent = "Try again";
      // What was begun for a file that never came would stand on the list as one that is missing.
      if (undo) await post(undo.getAttribute("action"), new FormData(undo)).catch(() => undefined);
    } finally {
      this.stop = undefined;
    }
  }
}

function takeFiles(form) {
  const single = "single" in form.dataset;
  const chooser = made("input", { type: "file", id: "files", multiple: !single, accept: form.dataset.accept });
  const words = single ? "Drop the file here, or choose it" : "Drop files here, or choose them";
  const label = made("label", { htmlFor: "files", textContent: words });
  const list = made("ul", { className: "uploads" });
  const zone = made("div", { className: "drop" }, label, chooser);
  form.querySelector(".plain-upload").replaceWith(zone, list);

  const waiting = [];
  let busy = false;
  const warn = (event) => event.preventDefault();
  async function work() {
    if (busy) return;
    busy = true;
    window.addEventListener("beforeunload", warn);
    for (let upload = waiting.shift(); upload; upload = waiting.shift()) {
      const address = await upload.send();
      if (!address) continue;
      const documents = document.getElementById("documents");
      if (documents && !documents.hasAttribute("data-poll")) {
        documents.toggleAttribute("data-poll", true);
        follow(documents);
      }
      if (single) {
        window.removeEventListener("beforeunload", warn);
        location.assign(address);
      }
    }
    window.removeEventListener("beforeunload", warn);
    busy = false;
  }
  const queue = (upload) => {
    waiting.push(upload);
    work();
  };
  function take(files) {
    for (const file of single ? [...files].slice(0, 1) : files) {
      const upload = new Upload(form, file);
      upload.queue = queue;
      list.append(upload.line);
      queue(upload);
    }
  }
  chooser.addEventListener("change", () => {
    take([...chooser.files]);
    chooser.value = "";
  });
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    take([...event.dataTransfer.files]);
  });
}
document.querySelectorAll("form[data-upload]").forEach(takeFiles);
