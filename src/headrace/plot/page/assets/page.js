// The page: one socket to the server, a card for each column, and what can be turned and counted.
"use strict";

const $ = (id) => document.getElementById(id);
const SECONDS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];
const LOW = 1, SINGLE = 2, TIMES = 4, PICTURE = 8;

let socket = null;
let seconds = 10;
let panels = new Map(); // id -> {panel, card, shown, value}
let version = -1;
let now = 0;
let held = false;
let newest = 0; // the frame that is to be drawn
let changed = false;
let style = null;
let wait = 500;
let drawn = []; // when frames were drawn, for a rate
const turned = new Map(); // path -> when it was turned here

history.replaceState(null, "", "/"); // the token is in a cookie now, and need not be in the history

// --- frames ----------------------------------------------------------------------------------------

function read(buffer) {
  const view = new DataView(buffer);
  const told = { version: view.getUint32(4, true), number: view.getUint32(8, true), now: view.getFloat64(16, true), sections: [] };
  let at = 24;
  for (let k = view.getUint32(12, true); k > 0; k--) {
    const flags = view.getUint16(at + 2, true), buckets = view.getUint32(at + 4, true), channels = view.getUint32(at + 8, true);
    const size = view.getUint32(at + 12, true);
    const section = { panel: view.getUint16(at, true), buckets, number: view.getFloat64(at + 16, true), rows: view.getFloat64(at + 24, true) };
    at += 32;
    if (flags & PICTURE) {
      Object.assign(section, { wide: buckets, high_: channels, pixels: new Uint8Array(buffer, at, size) });
    } else {
      let from = at;
      if (flags & TIMES) {
        section.times = new Float64Array(buffer, from, buckets);
        from += 8 * buckets;
      }
      const kind = flags & SINGLE ? Float32Array : Float64Array, n = buckets * channels;
      if (flags & LOW) {
        section.low = new kind(buffer, from, n);
        from += n * kind.BYTES_PER_ELEMENT;
      }
      section.high = new kind(buffer, from, n);
    }
    told.sections.push(section);
    at += size + ((8 - (size % 8)) % 8);
  }
  return told;
}

function take(frame) {
  if (frame.version !== version) return; // of before: its panels are gone
  for (const section of frame.sections) {
    const there = panels.get(section.panel);
    if (there) there.shown.take(section, seconds);
  }
  now = frame.now;
  newest = frame.number;
  changed = true;
}

function draw() {
  requestAnimationFrame(draw);
  if (!changed) return;
  changed = false;
  if (!held) {
    for (const { card, shown, value, away } of panels.values()) {
      if (away.now) continue; // not in sight
      shown.draw(now, seconds, style);
      const told = shown.told();
      if (value.textContent !== told) value.textContent = told;
    }
  }
  say({ what: "drawn", frame: newest });
  const at = performance.now();
  drawn.push(at);
  while (drawn[0] < at - 2000) drawn.shift();
}

// --- panels ----------------------------------------------------------------------------------------

const sight = new IntersectionObserver((seen) => {
  for (const each of seen) {
    const there = panels.get(Number(each.target.dataset.id));
    if (there) there.away.now = !each.isIntersecting;
  }
  changed = true;
}, { rootMargin: "200px" });

function lay(told) {
  version = told.version;
  choices(told.seconds);
  sight.disconnect();
  for (const { shown } of panels.values()) if (shown.restyle) shown.restyle();
  panels = new Map();
  const cards = [];
  for (const panel of told.panels) {
    const kind = KINDS[panel.kind];
    if (!kind) continue; // words: they are in a table
    const card = document.createElement("div");
    card.className = "card";
    card.dataset.id = panel.id;
    const name = document.createElement("div");
    name.className = "name";
    name.append(document.createTextNode(panel.unit ? `${panel.name} (${panel.unit})` : panel.name));
    const value = document.createElement("span");
    value.className = "value";
    name.append(value);
    card.append(name);
    cards.push(card);
    const shown = new kind(panel, card);
    if (panel.kind === "lines" && panel.channels > 1) panel.labels.forEach((label, k) => value.before(key(panel, label, k, shown)));
    panels.set(panel.id, { panel, card, shown, value, away: { now: false } });
    const views = shown.views ? shown.views() : [];
    if (views.length > 1) {
      const choice = document.createElement("select");
      choice.setAttribute("aria-label", `how ${panel.name} is shown`);
      choice.append(...views.map((each) => new Option(each, each)));
      choice.addEventListener("change", () => { shown.show(choice.value); changed = true; });
      name.append(choice);
    }
  }
  if (told.left_out) {
    const more = document.createElement("p");
    more.id = "empty";
    more.textContent = `${told.left_out} columns more have no place here.`;
    cards.push(more);
  }
  $("charts").replaceChildren(...cards);
  $("charts").classList.toggle("two", panels.size > 4);
  for (const { card } of panels.values()) sight.observe(card);
  look();
}

// What a line is called: a button that hides it.
function key(panel, label, k, shown) {
  const made = document.createElement("button"), mark = document.createElement("b");
  made.type = "button";
  made.className = "key";
  made.setAttribute("aria-pressed", "true");
  mark.style.background = `var(--c${k % 8})`;
  made.append(mark, label.startsWith(`${panel.name}_`) ? label.slice(panel.name.length + 1) : label);
  made.addEventListener("click", () => {
    made.setAttribute("aria-pressed", String(shown.toggle(k)));
    changed = true;
  });
  return made;
}

function look() {
  const first = panels.values().next().value;
  const wide = first ? first.card.clientWidth - 90 : 1000;
  for (const { shown } of panels.values()) shown.forget();
  say({ what: "view", seconds, pixels: Math.max(16, Math.min(8192, Math.round(wide))) });
}

function colours() {
  const of = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  style = {
    soft: of("--soft"), grid: of("--grid"), line: of("--line"), font: "11px system-ui, sans-serif",
    colours: [0, 1, 2, 3, 4, 5, 6, 7].map((k) => of(`--c${k}`)),
  };
  for (const { shown } of panels.values()) if (shown.restyle) shown.restyle();
  changed = true;
}

// --- controls --------------------------------------------------------------------------------------

const rows = new Map(); // path -> {slider, number, told}

function control(told) {
  const row = document.createElement("div"), label = document.createElement("label");
  row.className = "control";
  const number = document.createElement("input");
  number.id = `set ${told.path}`;
  label.htmlFor = number.id;
  label.textContent = told.path;
  label.title = told.path;
  row.append(label);
  if (told.switch) {
    number.type = "checkbox";
    number.addEventListener("change", () => set(told.path, number.checked));
    row.append(number);
    return { row, number, slider: null };
  }
  const slider = document.createElement("input");
  slider.type = "range";
  slider.setAttribute("aria-label", told.path);
  number.type = "number";
  slider.step = told.whole ? 1 : "any";
  number.step = "any";
  slider.min = told.low;
  slider.max = told.high;
  if (told.whole) slider.max = Math.ceil(told.high);
  slider.addEventListener("input", () => {
    const value = told.whole ? Math.round(slider.valueAsNumber) : Number(slider.valueAsNumber.toPrecision(4));
    number.value = value;
    set(told.path, value);
  });
  number.addEventListener("change", () => {
    const value = number.valueAsNumber;
    if (!Number.isFinite(value)) return;
    slider.min = Math.min(slider.min, value);
    slider.max = Math.max(slider.max, value);
    slider.value = value;
    set(told.path, value);
  });
  row.append(slider, number);
  return { row, number, slider };
}

const waiting = new Map(); // path -> value that is to be sent
let sending = 0;

function set(path, value) {
  turned.set(path, performance.now());
  waiting.set(path, value);
  if (sending) return;
  sending = setTimeout(() => { // a slider says more than anyone needs
    sending = 0;
    for (const [name, newest] of waiting) say({ what: "set", path: name, value: newest });
    waiting.clear();
  }, 40);
}

let again = 0;

function offer(told) {
  clearTimeout(again);
  const names = told.controls.map((each) => each.path).join("\n");
  if ([...rows.keys()].join("\n") !== names) {
    rows.clear();
    const main = [], more = [];
    for (const each of told.controls) {
      const made = control(each);
      rows.set(each.path, made);
      (each.kind === "parameter" ? more : main).push(made.row);
    }
    $("knobs").replaceChildren(...main);
    $("parameters").lastElementChild.replaceChildren(...more);
    $("parameters").hidden = more.length === 0;
    $("controls").hidden = told.controls.length === 0;
  }
  for (const each of told.controls) {
    const { slider, number } = rows.get(each.path);
    if (performance.now() - (turned.get(each.path) || -1e9) < 1000 || document.activeElement === number) {
      again = setTimeout(() => offer(told), 1000); // not under the hand of who turns it
      continue;
    }
    if (slider === null) { number.checked = each.value; continue; }
    slider.min = Math.min(slider.min, each.value);
    slider.max = Math.max(slider.max, each.value);
    slider.value = each.value;
    number.value = Number(each.value.toPrecision(6));
  }
}

// --- counters --------------------------------------------------------------------------------------

function table(id, pairs) {
  const body = $(id), kept = [...body.rows];
  pairs.forEach(([name, value, bad], k) => {
    const row = kept[k] || body.insertRow();
    if (!row.cells.length) { row.insertCell(); row.insertCell(); }
    if (row.cells[0].textContent !== name) row.cells[0].textContent = name;
    const told = typeof value === "number" ? value.toLocaleString("en") : String(value);
    if (row.cells[1].textContent !== told) row.cells[1].textContent = told;
    row.cells[1].className = bad ? "bad" : "";
  });
  kept.slice(pairs.length).forEach((row) => row.remove());
}

function count(told) {
  const running = told.state === "running";
  state(told.state);
  $("start").disabled = running;
  $("stop").disabled = !running;
  $("record").disabled = false;
  $("record").classList.toggle("on", told.recording);
  $("record").lastElementChild.textContent = told.recording ? "Stop recording" : "Record";
  $("record").title = told.path || "";
  $("session").hidden = told.recording;
  $("mark").disabled = !told.recording;
  $("failure").hidden = !told.failure;
  if (told.failure && $("failure").textContent !== told.failure) $("failure").textContent = told.failure;

  const source = told.source;
  const pairs = [["rows", told.rows], ["blocks", told.blocks]];
  const always = ["produced", "delivered", "dropped", "late"]; // others where there is something to tell
  for (const name of Object.keys(source)) if (typeof source[name] === "number" && !name.includes("bytes") && (source[name] || always.includes(name))) {
    pairs.push([`source ${name}`, Number(source[name].toPrecision(9)), (name === "dropped" || name === "late") && source[name] > 0]);
  }
  for (const name of ["skipped", "errors", "restarts"]) if (told[name]) pairs.push([name, told[name], true]);
  if (told.path) pairs.push(["recording to", told.path.split(/[\\/]/).pop()]);
  table("source", pairs);

  const body = $("consumers").tBodies[0], kept = [...body.rows];
  const consumers = Object.entries(told.consumers).filter(([name, each]) => name !== "read" || each.delivered); // nobody reads
  consumers.forEach(([name, each], k) => {
    const row = kept[k] || body.insertRow();
    while (row.cells.length < 5) row.insertCell();
    [name, each.delivered, each.dropped, each.pending, each.late].forEach((value, c) => {
      const text = typeof value === "number" ? value.toLocaleString("en") : value;
      if (row.cells[c].textContent !== text) row.cells[c].textContent = text;
      row.cells[c].className = (c === 2 || c === 4) && value > 0 ? "bad" : c === 0 && each.state === "failed" ? "bad" : "";
    });
    row.title = `${name}: ${each.state}, policy ${each.policy}`;
  });
  kept.slice(consumers.length).forEach((row) => row.remove());

  const words = Object.entries(told.words);
  $("values").hidden = words.length === 0;
  const values = $("values").lastElementChild;
  values.replaceChildren(...words.map(([name, value]) => {
    const row = document.createElement("tr");
    row.insertCell().textContent = name;
    row.insertCell().textContent = value;
    return row;
  }));

  const all = told.viewers.reduce((sum, each) => ({ sent: sum.sent + each.sent, drawn: sum.drawn + each.drawn, dropped: sum.dropped + each.dropped }));
  table("page", [
    ["frames a second", (drawn.length / 2).toFixed(1)], ["frames sent", all.sent], ["frames drawn", all.drawn],
    ["frames dropped", all.dropped], ["browsers", told.viewers.length],
  ]);
}

function state(word) {
  if ($("state").textContent === word) return;
  $("state").textContent = word;
  $("state").className = `pill ${word}`;
  document.title = `${word} · headrace live`;
}

let fading = 0;
function tell(text) {
  $("told").textContent = text;
  $("told").hidden = false;
  clearTimeout(fading);
  fading = setTimeout(() => { $("told").hidden = true; }, 8000);
}

// --- the socket ------------------------------------------------------------------------------------

function say(message) {
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function open() {
  socket = new WebSocket(`ws://${location.host}/live`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    wait = 500;
    version = -1;
    look();
  };
  socket.onmessage = ({ data }) => {
    if (typeof data !== "string") { take(read(data)); return; }
    const told = JSON.parse(data);
    ({ layout: lay, controls: offer, status: count, refused: ({ why }) => tell(why) })[told.what](told);
  };
  socket.onclose = () => {
    state("disconnected");
    for (const id of ["start", "stop", "record", "mark"]) $(id).disabled = true;
    setTimeout(open, wait);
    wait = Math.min(2 * wait, 8000);
  };
}

// --- buttons ---------------------------------------------------------------------------------------

function choices(longest) {
  const offered = SECONDS.filter((each) => each <= longest);
  if (!offered.includes(longest)) offered.push(longest);
  if (offered.length === $("seconds").options.length) return;
  if (!offered.includes(seconds)) seconds = offered.filter((each) => each <= 10).pop() || offered[0];
  $("seconds").replaceChildren(...offered.map((each) => new Option(each < 60 ? `${each} s` : `${each / 60} min`, each, each === seconds, each === seconds)));
}
$("seconds").addEventListener("change", () => { seconds = Number($("seconds").value); look(); });
$("start").addEventListener("click", () => say({ what: "start" }));
$("stop").addEventListener("click", () => say({ what: "stop" }));
$("record").addEventListener("click", () => say($("record").classList.contains("on") ? { what: "stop recording" } : { what: "record", name: $("session").value || "session" }));
$("mark").addEventListener("click", () => say({ what: "mark", name: $("label").value || "mark" }));
$("label").addEventListener("keydown", (event) => { if (event.key === "Enter") $("mark").click(); });
$("hold").addEventListener("click", () => { held = !held; $("hold").classList.toggle("on", held); changed = true; });

const dark = matchMedia("(prefers-color-scheme: dark)");
function theme() {
  const chosen = localStorage.getItem("theme") || (dark.matches ? "dark" : "light");
  document.documentElement.dataset.theme = chosen;
  colours();
}
dark.addEventListener("change", theme);
$("theme").addEventListener("click", () => {
  localStorage.setItem("theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  theme();
});
let resizing = 0;
addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(look, 200); });

theme();
open();
requestAnimationFrame(draw);
