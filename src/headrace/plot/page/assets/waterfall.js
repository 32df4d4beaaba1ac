// A spectrum over time: one column of pixels for each bucket, frequency upwards, brightness for the value.
"use strict";

// Colours from dark to bright, each step as much brighter as the last: what is louder looks louder, also in grey.
const STOPS = [[12, 10, 32], [58, 20, 92], [122, 32, 106], [184, 54, 84], [232, 96, 50], [250, 160, 40], [250, 228, 120]];
const COLOURS = (() => {
  const table = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (STOPS.length - 1), k = Math.min(Math.floor(at), STOPS.length - 2), part = at - k;
    const [r, g, b] = [0, 1, 2].map((c) => Math.round(STOPS[k][c] + part * (STOPS[k + 1][c] - STOPS[k][c])));
    table[i] = (255 << 24) | (b << 16) | (g << 8) | r;
  }
  return table;
})();

class Waterfall {
  constructor(panel, card) {
    this.panel = panel;
    this.canvas = document.createElement("canvas");
    card.append(this.canvas);
    this.ring = document.createElement("canvas");
    this.forget();
  }

  views() { return ["waterfall", "newest"]; }

  show(view) { this.view = view; }

  forget() {
    this.size = 0; // rows in a bucket
    this.first = this.end = 0; // buckets that are there
    this.low = this.high = NaN; // what is black and what is bright
    this.latest = null;
  }

  begin(size, most) {
    this.forget();
    this.size = size;
    this.most = most;
    this.ring.width = most;
    this.ring.height = this.panel.channels;
    this.kept = new Float32Array(most * this.panel.channels).fill(NaN);
    this.times = new Float64Array(most);
  }

  take(section, seconds) {
    const bins = this.panel.channels;
    const every = section.rows * this.panel.every;
    if (section.rows !== this.size || this.most < section.buckets) {
      this.begin(section.rows, Math.max(section.buckets, Math.ceil(seconds / every) + 2));
    }
    const end = section.number + section.buckets;
    if (this.end < section.number || this.first === this.end) this.first = section.number;
    let low = Infinity, high = -Infinity;
    for (let k = 0; k < section.buckets; k++) {
      const at = (section.number + k) % this.most;
      const column = section.high.subarray(k * bins, (k + 1) * bins);
      this.kept.set(column, at * bins);
      this.times[at] = section.times ? section.times[k] : this.panel.t0 + (section.number + k) * section.rows * this.panel.dt;
      for (const value of column) if (Number.isFinite(value)) { if (value < low) low = value; if (value > high) high = value; }
    }
    this.end = end;
    this.first = Math.max(this.first, end - this.most);
    this.latest = section.high.subarray((section.buckets - 1) * bins);
    if (this.fit(low, high)) this.paint(this.first, end);
    else this.paint(section.number, end);
  }

  // Black and bright follow what there is: brighter at once, in steps, so that seldom all is painted again.
  fit(low, high) {
    if (low > high) return false;
    const deep = this.panel.unit === "dB" ? 25 : Infinity; // what lies deeper is noise of the arithmetic
    const reaches = Number.isNaN(this.high) || high > this.high || (deep === Infinity && low < this.low);
    if (!reaches) return false;
    const top = Number.isNaN(this.high) ? high : Math.max(high, this.high);
    const bottom = deep !== Infinity ? top - deep : Number.isNaN(this.low) ? low : Math.min(low, this.low);
    const room = 0.05 * (top - bottom || 1);
    [this.low, this.high] = [deep === Infinity ? bottom - room : bottom, top + room];
    return true;
  }

  paint(from, to) {
    const bins = this.panel.channels, scale = 255 / (this.high - this.low || 1);
    const pen = this.ring.getContext("2d");
    while (from < to) {
      const at = from % this.most, wide = Math.min(to - from, this.most - at);
      const image = pen.createImageData(wide, bins), pixels = new Uint32Array(image.data.buffer);
      for (let k = 0; k < wide; k++) {
        for (let bin = 0; bin < bins; bin++) {
          const value = this.kept[(at + k) * bins + bin];
          if (Number.isNaN(value)) continue; // nothing there
          pixels[(bins - 1 - bin) * wide + k] = COLOURS[Math.max(0, Math.min(255, Math.round((value - this.low) * scale)))];
        }
      }
      pen.putImageData(image, at, 0);
      from += wide;
    }
  }

  draw(now, seconds, style) {
    const width = this.canvas.parentElement.clientWidth - 20, height = 180;
    const pen = sheet(this.canvas, width, height);
    if (this.view === "newest") {
      spectrum(pen, this, style);
      return;
    }
    const left = 60, top = 6, wide = width - left - 10, high = height - top - 26;
    pen.save();
    pen.beginPath();
    pen.rect(left, top, wide, high);
    pen.clip();
    pen.imageSmoothingEnabled = false;
    const place = (t) => left + ((t - (now - seconds)) / seconds) * wide;
    if (this.end > this.first) {
      // Columns that follow each other evenly are drawn at once.
      const step = this.size * this.panel.every;
      for (let from = this.first; from < this.end;) {
        const at = from % this.most, most = Math.min(this.end - from, this.most - at);
        let n = 1;
        while (n < most && Math.abs(this.times[at + n] - this.times[at] - n * step) < step) n++;
        const x = place(this.times[at]), next = (from + n) % this.most;
        const even = x + (n * step / seconds) * wide;
        const to = from + n < this.end && Math.abs(place(this.times[next]) - even) < (1.5 * step / seconds) * wide ? place(this.times[next]) : even;
        pen.drawImage(this.ring, at, 0, n, this.ring.height, x, top, Math.max(1, to - x), high);
        from += n;
      }
    }
    pen.restore();
    pen.strokeStyle = style.line;
    pen.strokeRect(left + 0.5, top + 0.5, wide - 1, high - 1);
    pen.fillStyle = style.soft;
    pen.font = style.font;
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    const ends = this.panel.top === null ? this.panel.channels - 1 : this.panel.top;
    for (const part of [0, 0.5, 1]) {
      const told = `${Number((part * ends).toPrecision(4))}${part === 1 && this.panel.top !== null ? " Hz" : ""}`;
      pen.fillText(told, left - 6, Math.min(top + high - 6, Math.max(top + 6, top + high - part * high)));
    }
    pen.textAlign = "center";
    pen.textBaseline = "top";
    for (const t of ticks(now - seconds, now, Math.max(2, Math.floor(wide / 90)))) pen.fillText(moment(t), place(t), top + high + 6);
  }

  told() {
    if (!this.latest) return "";
    let best = 0;
    for (let k = 1; k < this.latest.length; k++) if (this.latest[k] > this.latest[best] || Number.isNaN(this.latest[best])) best = k;
    const where = this.panel.top === null ? `bin ${best}` : `${Number(((best / (this.panel.channels - 1)) * this.panel.top).toPrecision(4))} Hz`;
    return `loudest at ${where}`;
  }
}

// Round numbers between two ends.
function ticks(low, high, most) {
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) found.push(Number((k * step).toPrecision(12)));
  return found;
}

// Seconds since the start, as people say them.
function moment(t) {
  if (t < 0) return "";
  const rest = Number((t % 60).toFixed(3));
  if (t < 60) return `${rest} s`;
  const parts = [Math.floor(t / 3600), Math.floor(t / 60) % 60];
  const two = (n) => String(n).padStart(2, "0");
  const seconds = two(Math.floor(rest)) + (rest % 1 ? String(Number((rest % 1).toFixed(3))).slice(1) : "");
  return parts[0] ? `${parts[0]}:${two(parts[1])}:${seconds}` : `${parts[1]}:${seconds}`;
}
