// Checks a receipt (C2SP tlog-proof) on this device alone: no request ever leaves this page.
//
// It refuses whatever does not have the one exact form, just as `openhaven receipt verify` does.
"use strict";

const MAGIC = "c2sp.org/tlog-proof@v1";
const NAME = /^[^\u0000-\u0020\u007f\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000+]{1,255}$/u;
const NUMBER = /^(0|[1-9][0-9]{0,18})$/;
const MOST = 2_000_000;

class Refused extends Error {}

function refuse(words) {
  throw new Refused(words);
}

// Bytes ------------------------------------------------------------------------------------------

function textOf(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function bytesOf(text) {
  return new TextEncoder().encode(text);
}

function decode64(text, what) {
  let found = "";
  try {
    found = atob(text);
  } catch {
    refuse(`${what} is not base64`);
  }
  if (btoa(found) !== text) refuse(`${what} is base64 in another than its exact form`);
  return Uint8Array.from(found, (sign) => sign.charCodeAt(0));
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function join(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

async function tagOf(salt, text) {
  const how = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", salt, how, false, ["sign"]);
  return hex(new Uint8Array(await crypto.subtle.sign("HMAC", key, bytesOf(text))));
}

// The key and the signed head ----------------------------------------------------------------------

async function readKey(vkey) {
  const parts = /^([^+]*)\+([^+]*)\+([\s\S]*)$/u.exec(vkey);
  if (!parts) refuse("the key has not three parts joined by plus signs");
  const [, name, id, rest] = parts;
  const material = decode64(rest, "the key");
  if (!NAME.test(name) || material.length !== 33 || material[0] !== 1) refuse("the key is not of the kind Ed25519");
  const print = await sha256(join(bytesOf(`${name}\n`), material));
  if (hex(print.slice(0, 4)) !== id) refuse("the name of the key does not fit the key");
  return { name, id, bytes: material.slice(1) };
}

function checkText(text) {
  if (!text.endsWith("\n")) refuse("the signed head does not end with a line");
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text)) refuse("the signed head holds a control character");
}

function readNote(note) {
  if (bytesOf(note).length > 65_536) refuse("the signed head is too long");
  checkText(note);
  const at = note.lastIndexOf("\n\n");
  if (at < 0 || at + 2 >= note.length) refuse("the head is not signed");
  const lines = note.slice(at + 2, -1).split("\n");
  if (lines.length > 32) refuse("the head has too many signatures");
  return { text: note.slice(0, at + 1), signatures: lines.map(readSignature) };
}

function readSignature(line) {
  const parts = line.split(" ");
  if (parts.length !== 3 || parts[0] !== "\u2014" || !NAME.test(parts[1])) refuse("a line after the head is not a signature");
  const bytes = decode64(parts[2], "a signature");
  if (bytes.length < 5) refuse("a signature is too short");
  return { name: parts[1], id: hex(bytes.slice(0, 4)), bytes: bytes.slice(4) };
}

function readHead(text, key) {
  checkText(text);
  const lines = text.slice(0, -1).split("\n");
  if (lines.length < 3 || lines.includes("")) refuse("the head has not its three lines");
  if (!NUMBER.test(lines[1])) refuse("the head does not tell how many entries there are");
  const root = decode64(lines[2], "the root");
  if (root.length !== 32) refuse("the root has not 32 bytes");
  if (lines[0] !== key.name) refuse("the head is of another log than the key");
  return { size: BigInt(lines[1]), root };
}

// Say whether the log signed the text: true, or null when this browser cannot tell.
async function isSigned(note, key) {
  const own = note.signatures.filter((one) => one.name === key.name && one.id === key.id);
  if (!own.length) refuse(`it is not signed by ${key.name}`);
  let opened;
  try {
    opened = await crypto.subtle.importKey("raw", key.bytes, { name: "Ed25519" }, false, ["verify"]);
  } catch (error) {
    if (error.name === "NotSupportedError") return null;
    refuse("the key cannot be used");
  }
  for (const one of own) {
    const good = await crypto.subtle.verify({ name: "Ed25519" }, opened, one.bytes, bytesOf(note.text));
    if (!good) refuse("the signature is wrong");
  }
  return true;
}

// The tree (RFC 9162, section 2.1.3.2) ---------------------------------------------------------------

async function rootFrom(leaf, index, size, path) {
  if (index >= size) refuse("the entry's number is beyond the end of the log");
  let node = index;
  let last = size - 1n;
  let found = await sha256(join([0], leaf));
  for (const sibling of path) {
    if (last === 0n) refuse("the proof is too long");
    if (node & 1n || node === last) {
      found = await sha256(join([1], sibling, found));
      while (!(node & 1n) && node) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      found = await sha256(join([1], found, sibling));
    }
    node >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) refuse("the proof is too short");
  return found;
}

// The receipt --------------------------------------------------------------------------------------

function readReceipt(text) {
  const at = text.indexOf("\n\n");
  const lines = text.slice(0, Math.max(at, 0)).split("\n");
  if (at < 0 || lines.shift() !== MAGIC) refuse("this is no receipt");
  if (!lines.length || !lines[0].startsWith("extra ")) refuse("it does not carry the entry that it is said to prove");
  const extra = decode64(lines.shift().slice(6), "the line with the entry");
  if (extra.length > 1_000_000) refuse("the line with the entry is too long");
  const index = /^index (0|[1-9][0-9]{0,18})$/.exec(lines.shift() ?? "");
  if (!index) refuse("it does not tell the number of the entry");
  if (lines.length > 63) refuse("it has too many hashes");
  const path = lines.map((line) => decode64(line, "a hash"));
  if (path.some((one) => one.length !== 32)) refuse("a hash has not 32 bytes");
  return { extra, index: BigInt(index[1]), path, note: text.slice(at + 2) };
}

function unwrap(extra) {
  const text = textOf(extra);
  const found = parsed(text);
  const { entry, salt, words } = found ?? {};
  const ours = [entry, salt, words].every((one) => typeof one === "string") && Object.keys(found).length === 3;
  if (!ours) return { leaf: extra, words: null, salt: null };
  if (JSON.stringify({ entry, salt, words }) !== text || !/^[0-9a-f]{64}$/.test(salt)) refuse("its words do not have their one exact form");
  return { leaf: bytesOf(entry), words, salt: Uint8Array.from(salt.match(/../g), (pair) => parseInt(pair, 16)) };
}

function parsed(text) {
  try {
    const found = JSON.parse(text ?? "");
    return found !== null && typeof found === "object" && !Array.isArray(found) ? found : null;
  } catch {
    return null;
  }
}

// Return what the receipt proves; throws `Refused` with the reason in words.
async function check(bytes, vkey) {
  if (bytes.length > MOST) refuse("the file is too long to be a receipt");
  const text = textOf(bytes);
  if (text === null) refuse("this is no receipt");
  const receipt = readReceipt(text);
  const { leaf, words, salt } = unwrap(receipt.extra);
  const key = await readKey(vkey.trim());
  const note = readNote(receipt.note);
  const head = readHead(note.text, key);
  const signed = await isSigned(note, key);
  const root = await rootFrom(leaf, receipt.index, head.size, receipt.path);
  if (hex(root) !== hex(head.root)) refuse("what it carries is not what stands in the log");
  const fields = parsed(textOf(leaf)) ?? {};
  if (words !== null && fields.ids?.words !== (await tagOf(salt, words))) refuse("the words are not those that were recorded");
  return { signed, words, fields, log: key.name, index: String(receipt.index), size: String(head.size) };
}

// The page -----------------------------------------------------------------------------------------

const place = (id) => document.getElementById(id);

// Return a sentence of the page in its language, with the places in braces filled.
function say(name, values = {}) {
  const text = place("words").content.querySelector(`[data-say="${name}"]`).textContent;
  return text.replace(/\{([a-z]+)\}/g, (whole, key) => values[key] ?? whole);
}

function show(tone, title, details, words) {
  const result = place("result");
  result.className = tone;
  result.replaceChildren();
  const heading = document.createElement("h2");
  heading.textContent = say(title);
  const said = document.createElement("p");
  said.append(...details);
  result.append(heading, said);
  if (words === undefined) return;
  const label = document.createElement("h3");
  label.textContent = say(words === null ? "wordless" : "recorded");
  const shown = document.createElement(words === null ? "p" : "pre");
  shown.dir = "auto";
  if (words === null) shown.textContent = say("erased");
  else shown.append(...words.split(/(?<=\n)(?! )/).map(line));
  result.append(label, shown);
}

// One line of the words, with what stands before its colon in bold.
function line(text) {
  const whole = document.createElement("span");
  const name = document.createElement("b");
  const end = text.indexOf(": ") + 1;
  name.textContent = text.slice(0, end);
  whole.append(name, text.slice(end));
  return whole;
}

async function given() {
  const file = place("file").files[0];
  if (file) return new Uint8Array(await file.arrayBuffer());
  // A browser may give back pasted lines with other ends, and without the last one.
  const pasted = place("text").value.replace(/\r\n?/g, "\n").trim();
  return bytesOf(`${pasted}\n`);
}

// What exactly is wrong is said in English, as the command says it, so that it can be looked up.
function reason(error) {
  const words = document.createElement("span");
  words.lang = "en";
  words.dir = "ltr";
  words.textContent = `${error.message}.`;
  return words;
}

async function run() {
  if (!globalThis.crypto?.subtle) {
    show("half", "no-tools", [say("use-disk"), " ", say("use-other")]);
    return;
  }
  try {
    const found = await check(await given(), place("key").value);
    const where = say("where", { index: found.index, log: found.log, at: found.fields.at ?? "–" });
    if (found.signed) show("good", "holds", [where, " ", say("signed", { size: found.size })], found.words);
    else show("half", "half", [say("unsigned"), " ", say("use-other")], found.words);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    show("bad", "bad", [say("wrong"), " ", reason(error)]);
  }
}

place("form").addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
