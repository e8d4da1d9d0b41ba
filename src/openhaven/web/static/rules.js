// The editor of rules. Without this file it is a plain text area with a button that checks.
"use strict";

const PAUSE = 700;

// Numbers beside the lines; those in `marks` (line to tone) stand out and say so.
class Gutter {
  constructor(field) {
    this.field = field;
    this.marks = new Map();
    this.shown = 0;
    this.box = document.createElement("div");
    this.box.className = "gutter";
    this.box.setAttribute("aria-hidden", "true");
    field.before(this.box);
    field.setAttribute("wrap", "off");
    field.addEventListener("scroll", () => this.follow());
    new ResizeObserver(() => this.fit()).observe(field);
    this.draw();
  }

  // The gutter is as high as the field, and scrolls with it.
  fit() {
    this.box.style.height = `${this.field.offsetHeight}px`;
    this.follow();
  }

  follow() { this.box.scrollTop = this.field.scrollTop; }

  // One more line lets the gutter scroll as far as a field with a bar at its foot.
  draw() {
    const lines = this.field.value.split("\n").length;
    if (lines !== this.shown) {
      this.shown = lines;
      this.box.replaceChildren(...Array.from({ length: lines + 2 }, (_, at) => {
        const line = document.createElement("span");
        line.textContent = at < lines ? String(at + 1) : "\u00a0";
        return line;
      }));
      this.tint();
    }
    this.follow();
  }

  mark(marks) {
    this.marks = marks;
    this.tint();
  }

  tint() {
    for (const [at, line] of [...this.box.children].entries()) line.className = this.marks.get(at + 1) || "";
  }
}

function element(name, words, kind) {
  const made = document.createElement(name);
  if (words) made.textContent = words;
  if (kind) made.className = kind;
  return made;
}

function count(n, one, many) { return `${n} ${n === 1 ? one : many}`; }

// Put the cursor at a place and scroll there, a few lines below the top.
function goTo(field, line, column) {
  const lines = field.value.split("\n");
  let at = 0;
  for (let n = 0; n < Math.min(line - 1, lines.length - 1); n++) at += lines[n].length + 1;
  at += Math.min(column - 1, (lines[line - 1] || "").length);
  field.focus();
  field.setSelectionRange(at, at);
  const height = parseFloat(getComputedStyle(field).lineHeight);
  field.scrollTop = Math.max(0, (line - 5) * height);
}

class Editor {
  constructor(form) {
    this.form = form;
    this.field = form.querySelector("textarea");
    this.file = form.dataset.file;
    this.state = form.querySelector("[data-state]");
    this.marks = document.querySelector("[data-marks]");
    this.verdict = document.querySelector("[data-verdict]");
    this.gutter = new Gutter(this.field);
    this.saved = this.field.defaultValue;
    this.asking = false;
    this.again = false;
    this.timer = 0;
    this.listen();
    this.ask();
  }

  listen() {
    this.field.addEventListener("input", () => this.changed());
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.form.addEventListener("submit", () => { this.sending = true; });
    addEventListener("hashchange", () => this.toHash());
    addEventListener("beforeunload", (event) => {
      if (!this.sending && this.field.value !== this.saved) event.preventDefault();
    });
    this.toHash();
  }

  toHash() {
    const place = /^#line-(\d{1,7})$/.exec(location.hash);
    if (place) goTo(this.field, Number(place[1]), 1);
  }

  changed() {
    this.gutter.draw();
    this.state.textContent = this.field.value === this.saved ? "" : "Not saved.";
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), PAUSE);
  }

  // A new line begins where the one before it did; Tab stays what moves on through the page.
  key(event) {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.isComposing) return;
    const before = this.field.value.slice(0, this.field.selectionStart);
    const indent = /(?:^|\n)( *)[^\n]*$/.exec(before)[1];
    if (!indent || !document.execCommand("insertText", false, `\n${indent}`)) return;
    event.preventDefault();
  }

  // Ask the server what it thinks of the text as it stands. One question at a time: who goes on
  // writing meanwhile is answered about the latest text, and the server never gets a queue.
  async ask() {
    if (this.asking) { this.again = true; return; }
    this.asking = true;
    this.again = false;
    try {
      const answer = await fetch(this.form.dataset.check, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRF-Token": this.form.elements.csrf.value },
        body: JSON.stringify({ files: { [this.file]: this.field.value } }),
      });
      const told = await answer.json();
      if (answer.ok) this.show(told);
      else this.say(`${told.title} ${told.next_step || ""}`.trim(), true);
    } catch {
      this.say("The check did not answer. Save, and check by hand.", true);
    }
    this.asking = false;
    if (this.again) this.ask();
  }

  show(told) {
    const here = new Map();
    const rows = told.errors.length ? told.errors : told.faults.map(
      (one) => ({ ...one, message: `${one.name}: ${one.fault}`, source: "" }));
    for (const one of told.warnings) if (one.file === this.file) here.set(one.line, "warn");
    for (const one of rows) if (one.file === this.file) here.set(one.line, "bad");
    this.gutter.mark(here);
    this.field.setAttribute("aria-invalid", String(rows.some((one) => one.file === this.file)));
    const parts = [this.heading(told, rows)];
    if (rows.length) parts.push(this.list(rows));
    if (told.warnings.length) {
      const what = count(told.warnings.length, "thing", "things");
      parts.push(element("p", `${what} that may not be meant:`), this.list(told.warnings));
    }
    if (!this.marks.contains(document.activeElement)) this.marks.replaceChildren(...parts);
    this.say(this.inShort(told, rows));
  }

  heading(told, rows) {
    const what = told.errors.length ? count(rows.length, "mistake", "mistakes")
      : rows.length ? `${count(rows.length, "example does", "examples do")} not hold`
        : "No mistakes";
    const line = element("p");
    line.append(element("strong", `${what}.`, rows.length ? "bad" : "good"));
    if (!rows.length) {
      line.append(` ${count(told.rules, "rule", "rules")}, ${count(told.clauses, "clause", "clauses")}; ` +
        (told.examples ? `all ${told.examples} examples hold.` : "there are no examples."));
    }
    return line;
  }

  inShort(told, rows) {
    if (!rows.length) return "No mistakes.";
    const first = rows[0];
    const what = told.errors.length ? count(rows.length, "mistake", "mistakes")
      : `${count(rows.length, "example does", "examples do")} not hold`;
    return `${what}. ${first.file}, line ${first.line}: ${first.message}`;
  }

  list(rows) {
    const list = element("ol", "", "marks");
    for (const one of rows.slice(0, 50)) {
      const item = element("li", "", "mark");
      const words = element("p");
      const link = element("a", `${one.file}, line ${one.line}, column ${one.column}`, "place");
      link.href = `${this.form.dataset.edit}?file=${encodeURIComponent(one.file)}#line-${one.line}`;
      if (one.file === this.file) {
        link.addEventListener("click", (event) => {
          event.preventDefault();
          goTo(this.field, one.line, one.column);
        });
      }
      words.append(link, ` ${one.message}`);
      item.append(words);
      if (one.source && one.source.trim()) item.append(caret(one));
      list.append(item);
    }
    return list;
  }

  // The same words again are not said again. What keeps the check from working is shown as well.
  say(words, trouble = false) {
    if (this.verdict.textContent !== words) this.verdict.textContent = words;
    if (trouble) this.marks.replaceChildren(element("p", words, "note warn"));
  }
}

// The line as it stands, with a caret under the column; long lines are cut around it.
function caret(one) {
  const from = Math.max(0, one.column - 49);
  const letters = [...one.source];
  const shown = letters.slice(from, from + 96).map((letter) => (letter === "\t" ? " " : letter)).join("");
  const made = element("pre", `${shown}\n${" ".repeat(one.column - 1 - from)}^`);
  made.setAttribute("aria-hidden", "true");
  return made;
}

document.querySelectorAll("form[data-editor]").forEach((form) => new Editor(form));
