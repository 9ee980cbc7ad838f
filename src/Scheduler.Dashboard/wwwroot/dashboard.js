// Client script: shows times in the local time zone, keeps the page up to date, and previews a launch while the user types.

const sameDay = (a, b) => a.toDateString() === b.toDateString();
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const exact = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric" });

function ago(milliseconds) {
  const past = milliseconds >= 0;
  const seconds = Math.abs(milliseconds) / 1000;
  const [number, unit] =
    seconds < 60 ? [Math.floor(seconds), "s"]
    : seconds < 3600 ? [Math.floor(seconds / 60), "min"]
    : seconds < 172800 ? [Math.floor(seconds / 3600), "h"]
    : [Math.floor(seconds / 86400), "d"];
  return past ? `${number} ${unit} ago` : `in ${number} ${unit}`;
}

// The text is in the shadow root, so that an enhanced page load does not overwrite it.
class LocalTime extends HTMLElement {
  static observedAttributes = ["datetime", "shows"];
  #timer;
  connectedCallback() {
    if (!this.shadowRoot) { this.attachShadow({ mode: "open" }); }
    this.#show();
    if (this.getAttribute("shows") === "ago") { this.#timer = setInterval(() => this.#show(), 1000); }
  }
  disconnectedCallback() { clearInterval(this.#timer); }
  attributeChangedCallback() { if (this.shadowRoot) { this.#show(); } }
  #show() {
    const at = new Date(this.getAttribute("datetime"));
    const shows = this.getAttribute("shows");
    this.shadowRoot.textContent =
      shows === "ago" ? ago(Date.now() - at)
      : shows === "time" ? (sameDay(at, new Date()) ? exact.format(at) : `${day.format(at)} ${clock.format(at)}`)
      : `${day.format(at)} ${clock.format(at)}`;
  }
}
customElements.define("local-time", LocalTime);

// ---------- live updates ----------
// One event stream per page reports changes. The page is then loaded again and merged, at most every two seconds, and not while
// the user fills in a form, selects text or has an element open.
const rest = 2000, patience = 5000;
let source, due, last = 0, following = false;

const isBusy = () =>
  document.querySelector("details[open]:not([data-opened]), dialog[open]") !== null
  || document.activeElement?.matches("input, select, textarea") === true
  || (window.getSelection()?.isCollapsed === false);

function refresh() {
  clearTimeout(due);
  const wait = Math.max(0, last + rest - Date.now());
  due = setTimeout(() => {
    if (source?.readyState !== EventSource.OPEN) { return; } // The server is unreachable; the page reloads when the stream reconnects.
    if (isBusy()) { due = setTimeout(refresh, rest); return; }
    last = Date.now();
    following = true;
    // Without the fragment, so that the page does not scroll back to it.
    Blazor.navigateTo(location.pathname + location.search, { forceLoad: false, replaceHistoryEntry: true });
  }, wait);
}

// Only a visible page listens: a browser allows few connections per host, and a stream holds one.
function listen() {
  if (source || document.hidden) { return; }
  source = new EventSource("/dashboard/live");
  // The stream does not repeat earlier events, so the page reloads once when the stream opens.
  source.addEventListener("open", refresh);
  source.addEventListener("new", refresh);
  source.addEventListener("over", () => location.reload());
  source.addEventListener("error", () => {
    if (source?.readyState === EventSource.CLOSED) { source = undefined; setTimeout(comeBack, patience); }
  });
}

// The browser reconnects a broken stream, but not a refused one. A starting server answers soon; a redirect means that the session has
// ended and the user must sign in.
async function comeBack() {
  const answer = await fetch(location.href, { redirect: "manual" }).catch(() => undefined);
  if (answer?.type === "opaqueredirect") { location.reload(); }
  else if (answer?.ok) { attend(); }
  else { setTimeout(comeBack, patience); }
}

function hush() {
  source?.close();
  source = undefined;
  clearTimeout(due);
}

function attend() {
  if (!document.hidden && document.querySelector("[data-live]")) { listen(); } else { hush(); }
}

document.addEventListener("visibilitychange", attend);

// A refreshed page does not contain the user's changes. Details that the user opened stay open if the refreshed page has the same ones,
// and form input stays until it is sent.
const opened = new Map(), written = new Map();
const questionOf = (details) => `${details.querySelector("summary")?.textContent} ${details.querySelector("form")?.action}`;
const placeOf = (field) => `${field.form?.getAttribute("action")} ${field.name}`;
document.addEventListener("toggle", ({ target }) => {
  if (target.open) { opened.set(target, questionOf(target)); }
  else if (!following) { opened.delete(target); }
}, true);
document.addEventListener("input", ({ target }) => {
  written.set(target, { place: placeOf(target), value: target.value, checked: target.checked });
});

function keep() {
  for (const [details, question] of opened) {
    if (details.isConnected && questionOf(details) === question) { details.open = true; }
  }
  for (const [field, { place, value, checked }] of written) {
    if (!field.isConnected || placeOf(field) !== place) { written.delete(field); }
    else if (field.type === "checkbox") { field.checked = checked; }
    else if (field.value !== value) { field.value = value; }
  }
}

// A navigation by the user cancels the handling of a refresh in progress.
const goOn = ({ type, target }) => { if (type !== "click" || target.closest?.("a[href]")) { following = false; } };
["click", "submit", "popstate"].forEach((kind) => window.addEventListener(kind, goOn, true));

// ---------- after every page load ----------
const hasFailed = () => document.querySelector("main section.notice.bad") !== null;
let path = location.pathname, failed = hasFailed();
function arrived() {
  attend();
  const isOther = location.pathname !== path;
  path = location.pathname;
  // The notice of an action stays during live refreshes of its page. It goes away with the page, and when the instance fails after it.
  const isNews = hasFailed() && !failed;
  failed = hasFailed();
  if (following && !isOther) {
    keep();
    if (isNews) { document.querySelector(".notices > .good")?.remove(); }
  }
  else { written.clear(); document.querySelector(".notices")?.replaceChildren(); }
  if (isOther) { document.getElementById("main")?.focus({ preventScroll: true }); }
  setTimeout(() => { following = false; });
}
attend();
Blazor.addEventListener("enhancedload", arrived);

// The skip link moves the focus, not only the scroll position.
document.addEventListener("click", (event) => {
  if (event.target.closest?.(".skip")) { document.getElementById("main")?.focus(); }
});

// The key / moves the focus to the search field, except while the user writes.
document.addEventListener("keydown", (event) => {
  const isWriting = event.target.closest?.("input, select, textarea, [contenteditable]");
  if (event.key !== "/" || isWriting || event.ctrlKey || event.metaKey || event.altKey) { return; }
  const find = document.getElementById("find");
  if (find) { event.preventDefault(); find.focus(); find.select(); }
});

// A command with a button that copies it. Without a script it is only text.
class CopyText extends HTMLElement {
  connectedCallback() {
    if (this.shadowRoot) { return; }
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Copy" });
    button.part = "button";
    button.addEventListener("click", () => this.#copy(button));
    this.attachShadow({ mode: "open" }).append(document.createElement("slot"), button);
  }
  async #copy(button) {
    const text = this.textContent.trim();
    // Browsers offer the clipboard only to pages with TLS or of this host; elsewhere the text is selected first.
    if (navigator.clipboard) { await navigator.clipboard.writeText(text); }
    else { getSelection().selectAllChildren(this); document.execCommand("copy"); }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, rest);
  }
}
customElements.define("copy-text", CopyText);

// ---------- launch preview ----------
// Sends the form while the user types, and replaces the panel with the response. Only the latest response counts.
let asking, question;
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-explain]");
  if (!form) { return; }
  clearTimeout(asking);
  asking = setTimeout(() => explain(form), 350);
});

async function explain(form) {
  const panel = document.getElementById(form.dataset.explain);
  question?.abort();
  const mine = question = new AbortController();
  panel.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.dataset.explainAt, { method: "POST", body: new URLSearchParams(new FormData(form)), signal: mine.signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(panel.id);
    if (fresh) { panel.replaceChildren(...fresh.childNodes); markFaults(form, panel); }
    say(panel, fresh ? panel.querySelector("[data-says]")?.textContent : "No explanation came back. Load the page again.");
  } catch (error) {
    if (error.name === "AbortError") { return; }
    say(panel, "The scheduler does not respond.");
  }
  panel.removeAttribute("aria-busy");
}

// Shows the validation errors of the panel also at their fields.
function markFaults(form, panel) {
  for (const place of form.querySelectorAll("[data-fault-of]")) {
    const field = form.elements.namedItem(place.dataset.faultOf);
    const fault = panel.querySelector(`[data-wrong="${CSS.escape(place.dataset.faultOf)}"] span`);
    place.textContent = fault?.textContent ?? "";
    if (fault) { field.setAttribute("aria-invalid", "true"); } else { field.removeAttribute("aria-invalid"); }
  }
}

// Screen readers announce one sentence, not the whole panel.
function say(panel, sentence) {
  const place = document.getElementById(`${panel.id}-says`);
  if (place && place.textContent !== sentence) { place.textContent = sentence ?? ""; }
}
