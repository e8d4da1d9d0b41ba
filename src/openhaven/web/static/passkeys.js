// Passkeys: asks the browser for one, and sends what it says. Pages offer other ways without this file.
"use strict";

function fromText(text) {
  const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
}

function toText(buffer) {
  const raw = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(raw).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

// The names of the standard (W3C Web Authentication), where some values are bytes.
function asked(options) {
  const known = (list) => (list || []).map((one) => ({ ...one, id: fromText(one.id) }));
  const found = { ...options, challenge: fromText(options.challenge) };
  if (options.user) found.user = { ...options.user, id: fromText(options.user.id) };
  if (options.excludeCredentials) found.excludeCredentials = known(options.excludeCredentials);
  if (options.allowCredentials) found.allowCredentials = known(options.allowCredentials);
  return found;
}

function answered(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    const value = credential.response[name];
    if (value) response[name] = toText(value);
  }
  return { id: credential.id, response };
}

async function send(url, csrf, body) {
  const headers = { Accept: "application/json" };
  if (csrf) headers["X-CSRF-Token"] = csrf;
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(url, { method: "POST", headers, body: body && JSON.stringify(body) });
  const told = await answer.json();
  if (!answer.ok) throw new Error([told.title, told.detail, told.next].filter(Boolean).join(" "));
  return told;
}

async function use(form) {
  const { begin, end, csrf, then, make } = form.dataset;
  const begun = await send(begin, csrf);
  const options = { publicKey: asked(begun.options) };
  const credential = make ? await navigator.credentials.create(options) : await navigator.credentials.get(options);
  const name = form.querySelector("input[name=name]");
  const extra = make ? { name: name ? name.value : "" } : { then: then || "" };
  const told = await send(end, csrf, { step: begun.step, credential: answered(credential), ...extra });
  location.assign(told.go);
}

function explain(error) {
  if (error.name === "NotAllowedError") return "That was cancelled, or took too long. Nothing has changed.";
  if (error.name === "InvalidStateError") return "This device has a passkey for you here already.";
  if (error.name === "SecurityError") return "Passkeys do not work at this address.";
  return error.message || "That did not work.";
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const state = form.querySelector("[data-state]");
  const button = form.querySelector("button");
  if (!window.PublicKeyCredential) {
    document.querySelectorAll("[data-without]").forEach((words) => {
      words.textContent = "This browser knows no passkeys. The other ways work.";
    });
    continue;
  }
  form.hidden = false;
  document.querySelectorAll("[data-without]").forEach((words) => { words.hidden = true; });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    button.disabled = true;
    state.textContent = "Your device asks you now.";
    use(form).catch((error) => {
      state.textContent = explain(error);
      button.disabled = false;
      button.focus();
    });
  });
}
