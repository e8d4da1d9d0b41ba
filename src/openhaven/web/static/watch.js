// The page of the watch: reads a picture on this device and puts only its hash into the form.
import { LIMITS, Refused, pdqOfFile } from "./pdq.js";

const form = document.querySelector("form[data-watch]");
const chooser = document.querySelector("[data-picture]");
const input = chooser.querySelector("input[type=file]");
const send = form.querySelector("button[type=submit]");
const drawn = document.querySelector("[data-drawn]");
let turn = 0;

// Until this runs, the page says that it needs it.
document.querySelector("[data-without]").hidden = true;
chooser.hidden = false;
send.disabled = true;
input.addEventListener("change", () => read(input.files[0]));
// A browser may keep what was chosen when one comes back to the page.
if (input.files.length) read(input.files[0]);

// Show one of the sentences that stand in the page, in its language.
function say(code) {
  for (const one of chooser.querySelectorAll("[data-say]")) one.hidden = one.dataset.say !== code;
}

async function read(file) {
  const mine = (turn += 1);
  form.elements.pdq.value = "";
  send.disabled = true;
  drawn.replaceChildren();
  say("working");
  try {
    const found = await pdqOfFile(file, LIMITS);
    if (mine === turn) take(found);
  } catch (error) {
    if (mine === turn) say(error instanceof Refused ? error.code : "unreadable");
  }
}

function take({ hash, quality, exact }) {
  if (quality < 50) { say("plain"); return; }
  form.elements.pdq.value = hash;
  form.elements.quality.value = quality;
  send.disabled = false;
  draw(hash);
  say(exact ? "ready" : "reduced");
}

// The hash as 16 x 16 squares, so that one sees how little of the picture it is.
function draw(hash) {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  picture.setAttribute("viewBox", "0 0 16 16");
  picture.setAttribute("class", "hash");
  picture.setAttribute("aria-hidden", "true");
  [...hash].forEach((digit, place) => {
    for (let bit = 0; bit < 4; bit += 1) {
      if (!(parseInt(digit, 16) & (8 >> bit))) continue;
      const square = document.createElementNS(space, "rect");
      const at = place * 4 + bit;
      for (const [name, value] of Object.entries({
        x: at % 16, y: Math.floor(at / 16), width: 1, height: 1, class: "on",
      })) square.setAttribute(name, value);
      picture.append(square);
    }
  });
  const text = document.createElement("code");
  text.textContent = hash;
  drawn.replaceChildren(picture, text);
}
