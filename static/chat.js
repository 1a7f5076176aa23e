// The chat page: sends its forms without leaving the page, shows an answer while it is written, and minds the keyboard.
// All that is shown is made by the server: a page that is fetched again gives its parts to the one that stands here.
const NEAR_END_PX = 160;
const RETRY_MS = 2000;
const ESTIMATE_AFTER_MS = 400;
const MB = 1024 * 1024;
const PDF = "application/pdf";
// Where the server's own words would not help here.
const REFUSALS = {
  404: "This conversation is gone: it may have been deleted in another tab. Your text stays here to be copied.",
  413: "The message is too large with its files. Leave a file out, and send it again.",
};

let source = null;
let sending = false;
let estimating = 0;

const one = (selector) => document.querySelector(selector);
const signIn = () => one("[data-chat]").dataset.signIn;
const isWriting = () => Boolean(one("[data-live]"));
const atEnd = () => innerHeight + scrollY > document.documentElement.scrollHeight - NEAR_END_PX;
const toEnd = () => scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });

// --- The page, brought up to date ---

function replaceChanged(old, fresh) {
  if (old.outerHTML !== fresh.outerHTML) old.replaceWith(document.adoptNode(fresh));
}

function updateMessages(list, fresh) {
  const kept = new Map([...list.children].map((each) => [each.id, each]));
  for (const next of [...fresh.children]) {
    const old = kept.get(next.id);
    kept.delete(next.id);
    const same = old && old.dataset.made === next.outerHTML;
    const made = next.outerHTML;
    const item = same ? old : document.adoptNode(next);
    item.dataset.made = made;
    if (old && !same) old.replaceWith(item);
    if (list.lastElementChild !== item) list.append(item);
  }
  for (const gone of kept.values()) gone.remove();
}

function update(fresh) {
  const chat = one("[data-chat]");
  const next = fresh.querySelector("[data-chat]");
  document.title = fresh.title;
  one("main > .notices")?.remove();
  const notices = fresh.querySelector("main > .notices");
  if (notices) chat.before(document.adoptNode(notices));
  if (chat.dataset.chat !== next.dataset.chat || !one("ol.messages")) {
    chat.replaceWith(document.adoptNode(next));
  } else {
    for (const part of chat.querySelectorAll("[data-part]")) {
      const made = next.querySelector(`#${part.id}`);
      if (made) replaceChanged(part, made);
    }
    updateMessages(one("#messages"), next.querySelector("#messages"));
  }
  begin();
}

// Shows the page that the server answered with; true if it did as it was asked. Else says why not, and changes nothing.
async function show(answer) {
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!answer.ok || !fresh.querySelector("[data-chat]")) {
    await sayRefusal(answer, fresh);
    return false;
  }
  if (answer.redirected && answer.url !== location.href) history.pushState(null, "", answer.url);
  update(fresh);
  return true;
}

async function refresh() {
  const answer = await fetch(location.href);
  if (answer.status >= 500) throw new Error(`the page was answered with ${answer.status}`);
  await show(answer);
}

// --- Refusals ---

function say(words, link) {
  const notice = one("[data-refusal]");
  const anchor = document.createElement("a");
  if (link) Object.assign(anchor, link).addEventListener("click", keepDraft);
  notice.replaceChildren(...(link ? [words, " ", anchor] : [words]));
  notice.hidden = !words;
}

async function sayRefusal(answer, fresh) {
  if (leadsToSignIn(answer) || (answer.status === 413 && leadsToSignIn(await fetch(location.href)))) {
    const next = encodeURIComponent(location.pathname + location.search);
    const files = one("#composer").elements.files.files.length ? ", but attach the files again" : "";
    say(`You are signed out, and nothing was sent. Your text is kept${files}.`, { href: `${signIn()}?next=${next}`, textContent: "Sign in" });
  } else if (answer.ok && answer.redirected) {
    keepDraft();
    location.assign(answer.url);
  } else {
    const reload = { href: location.href, textContent: "Reload the page, with your text" };
    say(refusalOf(answer.status, fresh), answer.status === 403 ? reload : null);
  }
}

function refusalOf(status, fresh) {
  if (status >= 500) return "Something broke on our side. Nothing is lost: send it again in a moment, it is asked and paid once.";
  const said = REFUSALS[status] ?? fresh.querySelector("[data-refused], main .empty p, main h1 + p")?.textContent;
  return said ?? `The server refused this (${status}). Nothing is lost: send it again in a moment.`;
}

function leadsToSignIn(answer) {
  return answer.redirected && new URL(answer.url).pathname === signIn();
}

// --- The text, kept in this tab for its person while another page is opened ---

const draftKey = () => `draft of ${one("[data-chat]").dataset.person} at ${location.pathname}${location.search}`;

function keepDraft() {
  const fields = [...document.querySelectorAll("[data-chat] textarea")];
  sessionStorage.setItem(draftKey(), JSON.stringify(fields.map(({ id, value }) => [id, value])));
}

function restoreDraft() {
  const kept = JSON.parse(sessionStorage.getItem(draftKey()) ?? "[]");
  sessionStorage.removeItem(draftKey());
  for (const [id, value] of kept) {
    const field = document.getElementById(id);
    if (field && value) field.value = value;
  }
}

// --- Sending ---

async function post(form, submitter) {
  if (sending) return;
  sending = true;
  const goesDown = form.matches("[data-send]") || form.id === "act";
  try {
    const action = submitter?.hasAttribute("formaction") ? submitter.formAction : form.action;
    const body = new FormData(form, submitter);
    if (form.id === "act") body.set("model", one("#model").value);
    say("");
    const answer = await fetch(action, { method: "POST", body, headers: { accept: "text/html" } });
    if (form.closest("[popover]")) form.closest("[popover]").hidePopover();
    const shown = await show(answer);
    if (shown && form.id === "composer") clear(one("#composer"));
    if (shown && goesDown) toEnd();
  } catch {
    tellOffline("The server cannot be reached. Nothing is lost: send it again, it is asked and paid once.");
  } finally {
    sending = false;
  }
}

function clear(form) {
  one("#text").value = "";
  form.elements.files.value = "";
  showFiles(form);
}

function send() {
  const composer = one("#composer");
  const button = composer.querySelector("button[type=submit]");
  const wanted = one("#text").value.trim() || composer.elements.files.files.length;
  if (wanted && button && !isWriting()) composer.requestSubmit(button);
}

function stop() {
  const button = one("button.stop");
  if (button) button.form.requestSubmit(button);
}

// --- The answer, while it is written ---

function follow() {
  const item = one("[data-live]");
  if (source && source.url === (item && new URL(item.dataset.live, location).href)) return;
  source?.close();
  source = null;
  if (!item) return;
  const text = item.querySelector("[data-text]");
  const thinking = item.querySelector("[data-thinking]");
  text.textContent = thinking.textContent = "";
  source = new EventSource(item.dataset.live);
  source.addEventListener("thinking", (event) => {
    thinking.parentElement.hidden = false;
    append(thinking, event);
  });
  source.addEventListener("text", (event) => {
    thinking.parentElement.open = false;
    append(text, event);
  });
  source.addEventListener("over", () => over(item.id));
  source.addEventListener("open", () => tellOffline(""));
  source.addEventListener("error", () => {
    if (source?.readyState === EventSource.CLOSED) setTimeout(() => over(item.id), RETRY_MS);
  });
}

function append(place, event) {
  const follows = atEnd();
  place.append(JSON.parse(event.data).text);
  if (follows) toEnd();
}

async function over(id) {
  source?.close();
  source = null;
  const follows = atEnd();
  try {
    await refresh();
  } catch {
    setTimeout(() => over(id), RETRY_MS);
    return;
  }
  if (follows) toEnd();
  tell(document.getElementById(id));
}

function tell(item) {
  if (!item || item.dataset.live) return;
  const said = item.querySelector(".trouble p, .words");
  one("#told").textContent = `Claude: ${said ? said.textContent : "no answer"}`;
}

function tellOffline(words) {
  const notice = one("[data-offline]");
  if (!notice) return;
  if (words) notice.textContent = words;
  notice.hidden = !words;
}

// --- Files, and what they cost ---

function showFiles(form) {
  const list = form.querySelector("[data-files]");
  list.replaceChildren(...[...form.elements.files.files].map((file) => {
    const item = document.createElement("li");
    item.textContent = file.name;
    return item;
  }));
  clearTimeout(estimating);
  form.querySelector("[data-estimate]").textContent = "";
  if (form.elements.files.files.length) estimating = setTimeout(() => estimate(form), ESTIMATE_AFTER_MS);
}

async function estimate(form) {
  const place = () => form.querySelector("[data-estimate]");
  place().textContent = "Counting…";
  try {
    const answer = await fetch(form.dataset.cost, { method: "POST", body: new FormData(form) });
    const told = await answer.json();
    place().textContent = told.refused ?? `With these files: ${told.tokens.toLocaleString("en")} tokens, ${told.cost} before the answer.`;
  } catch {
    place().textContent = "The cost cannot be told at the moment.";
  }
}

function addFiles(form, files) {
  takeFiles(form, [...form.elements.files.files, ...files]);
}

// Keeps the files that the server will take, and says why the others are left out.
function takeFiles(form, files) {
  const input = form.elements.files;
  const taken = new DataTransfer();
  const refusals = new Set();
  let bytes = 0;
  for (const file of files) {
    const refusal = refusalOfFile(file, { limits: input.dataset, taken: taken.files.length, bytes });
    if (refusal) refusals.add(refusal);
    else taken.items.add(file);
    bytes += refusal ? 0 : file.size;
  }
  input.files = taken.files;
  say([...refusals].join(" "));
  showFiles(form);
}

function refusalOfFile(file, { limits, taken, bytes }) {
  const most = Number(file.type === PDF ? limits.mostPdf : limits.mostPicture);
  const inMb = (size) => `${Number((size / MB).toPrecision(3))} MB`;
  if (file.size > most) return `${file.name} is larger than ${inMb(most)}. Attach a smaller one.`;
  if (taken === Number(limits.mostFiles)) return `Attach ${taken} files at most to one message.`;
  if (bytes + file.size > Number(limits.mostTogether)) return `${file.name} is left out: together the files are larger than ${inMb(limits.mostTogether)}.`;
  return "";
}

// --- Copying ---

async function copy(button, text) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Press Ctrl+C";
  }
  setTimeout(() => { button.textContent = label; }, 1600);
}

function frameCode() {
  for (const pre of document.querySelectorAll(".answer .words > pre")) {
    const frame = document.createElement("div");
    const button = document.createElement("button");
    frame.className = "framed";
    button.className = "copy";
    button.type = "button";
    button.textContent = "Copy";
    pre.tabIndex = 0;
    pre.replaceWith(frame);
    frame.append(pre, button);
  }
  for (const button of document.querySelectorAll("[data-copy-words]")) button.hidden = false;
}

// --- The whole ---

function begin() {
  const list = one("ol.messages");
  if (list) for (const item of list.children) item.dataset.made ??= item.outerHTML;
  frameCode();
  follow();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || !form.closest("[data-chat]")) return;
  event.preventDefault();
  post(form, event.submitter);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches(".framed .copy")) copy(button, button.previousElementSibling.textContent);
  if (button?.matches("[data-copy-words]")) copy(button, button.closest(".answer").querySelector(".words").innerText);
});

document.addEventListener("change", (event) => {
  if (event.target.name === "files") takeFiles(event.target.form, event.target.files);
  if (event.target.name === "model") showFiles(event.target.form);
});

document.addEventListener("paste", (event) => {
  const form = event.target.closest?.("#composer");
  if (form && event.clipboardData.files.length) {
    event.preventDefault();
    addFiles(form, event.clipboardData.files);
  }
});

document.addEventListener("dragover", (event) => {
  if (event.target.closest?.("[data-chat]")) event.preventDefault();
});

document.addEventListener("drop", (event) => {
  if (!event.target.closest?.("[data-chat]") || !event.dataTransfer.files.length) return;
  event.preventDefault();
  addFiles(one("#composer"), event.dataTransfer.files);
});

document.addEventListener("keydown", (event) => {
  const control = event.ctrlKey || event.metaKey;
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target.id === "text") {
    event.preventDefault();
    send();
  } else if (event.key === "Enter" && control && event.target.id === "edit") {
    event.preventDefault();
    event.target.form.requestSubmit();
  } else if (event.key === "Escape" && isWriting() && !one("[popover]:popover-open")) {
    stop();
  } else if (control && event.key.toLowerCase() === "k") {
    event.preventDefault();
    const history = one("#history");
    if (getComputedStyle(history).display === "none") history.showPopover();
    one("[data-key=search]").focus();
  } else if (control && event.shiftKey && event.key.toLowerCase() === "o") {
    event.preventDefault();
    location.assign(one("[data-key=new]").href);
  }
});

addEventListener("offline", () => tellOffline("You are offline. The answer goes on without you, and is shown when you are back."));
addEventListener("online", () => { tellOffline(""); if (!isWriting()) refresh().catch(() => {}); });
addEventListener("popstate", () => location.reload());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && !isWriting() && one("ol.messages") && !one("#edit")) refresh().catch(() => {});
});

restoreDraft();
begin();
if (one("ol.messages") && !location.hash) toEnd();
if (!one("#edit") && matchMedia("(hover: hover)").matches) one("#text")?.focus();
