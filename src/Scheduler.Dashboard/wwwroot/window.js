// What a window does by itself: shows times in its reader's zone, keeps the page up to date, and explains a launch while it is written.

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

// The words are in its shadow, so that a page made anew by the server leaves them alone.
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

// ---------- the page follows what happens ----------
// One stream a window says that something is new. The page is then asked for again and laid over the old one, but never under the
// reader's hands: not while a form is being filled in or something is opened, and at most every two seconds.
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
    if (source?.readyState !== EventSource.OPEN) { return; } // Nobody would answer; when the stream is back, the page is asked for.
    if (isBusy()) { due = setTimeout(refresh, rest); return; }
    last = Date.now();
    following = true;
    // Without the place in the page: whoever has read on is not to be taken back to it.
    Blazor.navigateTo(location.pathname + location.search, { forceLoad: false, replaceHistoryEntry: true });
  }, wait);
}

// Only a window that is looked at listens: a browser keeps few connections to one address, and a stream holds one.
function listen() {
  if (source || document.hidden) { return; }
  source = new EventSource("/dashboard/live");
  // What happened before somebody listened is not told again, so the page is asked for once more.
  source.addEventListener("open", refresh);
  source.addEventListener("new", refresh);
  source.addEventListener("over", () => location.reload());
  source.addEventListener("error", () => {
    if (source?.readyState === EventSource.CLOSED) { source = undefined; setTimeout(comeBack, patience); }
  });
}

// A stream that breaks is asked for again by the browser; one that is refused is not. Who starts answers soon, and who has no session
// any more must sign in.
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

// What its reader did to the page is in no answer: what is opened while one is on its way stays open, as long as it is the same question,
// and what is written into a form stays until it is sent.
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

// Whoever goes on does not wait for the page they leave.
const goOn = ({ type, target }) => { if (type !== "click" || target.closest?.("a[href]")) { following = false; } };
["click", "submit", "popstate"].forEach((kind) => window.addEventListener(kind, goOn, true));

// ---------- after every page ----------
let path = location.pathname;
function arrived() {
  attend();
  const isOther = location.pathname !== path;
  path = location.pathname;
  // What was said of an action stands while its page is kept up to date, and goes with it.
  if (following && !isOther) { keep(); }
  else { written.clear(); document.querySelector(".notices")?.replaceChildren(); }
  if (isOther) { document.getElementById("main")?.focus({ preventScroll: true }); }
  setTimeout(() => { following = false; });
}
attend();
Blazor.addEventListener("enhancedload", arrived);

// The skip link moves the reader, not the view alone.
document.addEventListener("click", (event) => {
  if (event.target.closest?.(".skip")) { document.getElementById("main")?.focus(); }
});

// ---------- a launch explains itself while it is written ----------
// The form is sent as it stands, and what comes back takes the panel's place. Only the latest answer counts.
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
    say(panel, "The scheduler does not answer.");
  }
  panel.removeAttribute("aria-busy");
}

// What is wrong stands in the panel, and at its field.
function markFaults(form, panel) {
  for (const place of form.querySelectorAll("[data-fault-of]")) {
    const field = form.elements.namedItem(place.dataset.faultOf);
    const fault = panel.querySelector(`[data-wrong="${CSS.escape(place.dataset.faultOf)}"] span`);
    place.textContent = fault?.textContent ?? "";
    if (fault) { field.setAttribute("aria-invalid", "true"); } else { field.removeAttribute("aria-invalid"); }
  }
}

// One sentence is read out, not the whole panel.
function say(panel, sentence) {
  const place = document.getElementById(`${panel.id}-says`);
  if (place && place.textContent !== sentence) { place.textContent = sentence ?? ""; }
}
