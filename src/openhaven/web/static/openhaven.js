// Small comforts only: every page works without this file.
"use strict";

// Regions marked data-live are replaced from the page that data-from names when the server says
// that something changed. A region that holds the focus is left alone, so nobody loses their place.
function keepFresh(source) {
  const region = document.querySelector("[data-live]");
  if (!region || !window.EventSource || !window.DOMParser) return;
  const button = document.querySelector("[data-live-switch]");
  const state = document.querySelector("[data-live-state]");
  let stream = null;
  let timer = 0;

  async function refresh() {
    timer = 0;
    const answer = await fetch(region.dataset.from, { headers: { Accept: "text/html" } });
    if (!answer.ok) { stop("Live updates stopped. Reload the page to sign in again."); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of page.querySelectorAll("[data-part]")) {
      const old = document.querySelector(`[data-part="${part.dataset.part}"]`);
      if (old && !old.contains(document.activeElement)) old.replaceWith(document.adoptNode(part));
    }
  }

  // At most one refresh per second, however busy the line is.
  function soon() { if (!timer) timer = setTimeout(() => refresh().catch(() => {}), 1000); }

  function start() {
    stream = new EventSource(source);
    stream.onmessage = soon;
    stream.onerror = () => say("Not connected; trying again.");
    stream.onopen = () => { say("Live."); soon(); };
    if (button) button.textContent = "Pause live updates";
  }

  function stop(words) {
    if (stream) stream.close();
    stream = null;
    clearTimeout(timer);
    timer = 0;
    say(words);
    if (button) button.textContent = "Go live again";
  }

  function say(words) { if (state && state.textContent !== words) state.textContent = words; }

  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => (stream ? stop("Paused.") : start()));
  }
  addEventListener("pagehide", () => stream && stream.close());
  start();
}

// A text that was typed but not sent survives an expired lease or session in this tab only.
function keepDraft(form) {
  const key = `draft:${location.pathname}`;
  const field = form.querySelector("textarea");
  if (!field) return;
  if (!field.value) field.value = sessionStorage.getItem(key) || "";
  field.addEventListener("input", () => sessionStorage.setItem(key, field.value));
  form.addEventListener("submit", () => sessionStorage.removeItem(key));
}

// The quick exit also replaces this page in the tab's history. Escape, pressed twice, does the same.
function leave(link) {
  document.documentElement.hidden = true;
  document.title = "";
  location.replace(link.href);
}

function quickExit(link) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    leave(link);
  });
}

function escapeTwice(link) {
  let last = -Infinity;
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.repeat) return;
    if (event.timeStamp - last < 1000) leave(link);
    last = event.timeStamp;
  });
}

// What somebody asked for does not stay in the address, and so not in the history.
function forgetAddress() {
  const language = new URLSearchParams(location.search).get("lang");
  const rest = language ? `?${new URLSearchParams({ lang: language })}` : "";
  if (location.search !== rest) history.replaceState(null, "", location.pathname + rest + location.hash);
}

// Menus close when something else is chosen or Escape is pressed; a shortcut to what is in a closed
// one opens it first, since a browser looks for shortcuts only among what it shows.
function closeMenus(menus, but) {
  for (const menu of menus) if (menu !== but && menu.open) menu.open = false;
}

function tendMenus(menus) {
  addEventListener("click", (event) => closeMenus(menus, event.target.closest("details.menu")));
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const open = menus.find((menu) => menu.open && menu.contains(document.activeElement));
      closeMenus(menus, null);
      if (open) open.querySelector("summary").focus();
    } else if (event.altKey && /^[a-z]$/i.test(event.key)) {
      const link = document.querySelector(`details.menu a[accesskey="${event.key.toLowerCase()}"]`);
      if (link) link.closest("details").open = true;
    }
  });
}

const live = document.querySelector("[data-live]");
if (live) keepFresh(live.dataset.live);
document.querySelectorAll("form[data-draft]").forEach(keepDraft);
document.querySelectorAll("a[data-leave]").forEach(quickExit);
const way = document.querySelector("a[data-leave]");
if (way) escapeTwice(way);
if (document.querySelector("[data-quiet]")) forgetAddress();
const menus = [...document.querySelectorAll("details.menu")];
if (menus.length) tendMenus(menus);
