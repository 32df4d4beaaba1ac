// What a column is shown as: lines of lowest and highest values, a waterfall, a picture.
"use strict";

class Lines {
  constructor(panel, card) {
    this.panel = panel;
    this.card = card;
    this.plot = null;
    this.view = "lines";
    this.sheet = null; // what the other views are drawn on
    this.off = new Set(); // channels that are not to be seen
    this.forget();
  }

  toggle(channel) {
    if (!this.off.delete(channel)) this.off.add(channel);
    this.ends = null;
    if (this.plot !== null) this.plot.setSeries(channel + 1, { show: !this.off.has(channel) });
    return !this.off.has(channel);
  }

  forget() {
    this.rows = 0; // in a bucket
    this.first = 0; // the number of the bucket that is at 0
    this.times = [];
    this.low = Array.from({ length: this.panel.channels }, () => []);
    this.high = Array.from({ length: this.panel.channels }, () => []);
  }

  take(section, seconds) {
    const n = this.panel.channels;
    if (section.rows !== this.rows || section.number > this.first + this.times.length || section.number < this.first) {
      this.forget();
      this.rows = section.rows;
      this.first = section.number;
    }
    let at = section.number - this.first;
    for (let k = 0; k < section.buckets; k++, at++) {
      this.times[at] = section.times ? section.times[k] : this.panel.t0 + (section.number + k) * section.rows * this.panel.dt;
      for (let c = 0; c < n; c++) {
        const low = section.low[k * n + c], high = section.high[k * n + c];
        this.low[c][at] = Number.isFinite(low) ? low : null;
        this.high[c][at] = Number.isFinite(high) ? high : null;
      }
    }
    const most = Math.ceil(seconds / (section.rows * this.panel.every)) + 4;
    if (this.times.length > 1.25 * most + 16) { // not one by one: that would move everything each time
      const gone = this.times.length - most;
      this.first += gone;
      for (const column of [this.times, ...this.low, ...this.high]) column.splice(0, gone);
    }
  }

  // Lowest and highest of each bucket one after the other: a line with few points, which uPlot draws.
  data() {
    if (this.rows === 1) return [this.times, ...this.high];
    const n = this.times.length, last = (this.rows - 1) * this.panel.every; // from the first row of a bucket to its last
    const x = new Array(2 * n), ys = this.low.map(() => new Array(2 * n));
    for (let k = 0; k < n; k++) {
      x[2 * k] = this.times[k];
      x[2 * k + 1] = Math.max(this.times[k], Math.min(this.times[k] + last, k + 1 < n ? this.times[k + 1] : this.now));
    }
    for (let c = 0; c < ys.length; c++) {
      const y = ys[c], low = this.low[c], high = this.high[c];
      for (let k = 0; k < n; k++) {
        // From the end that is nearer to where the last one ended: a straight line stays one.
        const up = k === 0 || high[k - 1] === null || low[k] >= y[2 * k - 1] || Math.abs(low[k] - y[2 * k - 1]) <= Math.abs(high[k] - y[2 * k - 1]);
        y[2 * k] = up ? low[k] : high[k];
        y[2 * k + 1] = up ? high[k] : low[k];
      }
    }
    return [x, ...ys];
  }

  // The ends of what is in sight, which is all that uPlot needs to lay out its axes.
  extent() {
    const from = this.now - this.seconds;
    let k = this.times.length;
    while (k > 0 && this.times[k - 1] >= from) k--;
    let low = Infinity, high = -Infinity;
    for (let c = 0; c < this.low.length; c++) {
      if (this.off.has(c)) continue;
      const lows = this.low[c], highs = this.high[c];
      for (let i = k; i < lows.length; i++) {
        if (lows[i] === null) continue;
        if (lows[i] < low) low = lows[i];
        if (highs[i] > high) high = highs[i];
      }
    }
    const ends = low > high ? [null, null] : [low, high];
    return [[from, this.now], ...this.low.map(() => ends)];
  }

  make(style) {
    const axis = { stroke: style.soft, grid: { stroke: style.grid, width: 1 }, ticks: { show: false }, font: style.font };
    const series = this.panel.labels.map((label, k) => ({
      label, show: !this.off.has(k), stroke: style.colours[k % style.colours.length], width: 1.25, points: { show: false },
      paths: (...given) => (this.dense ? null : straight(...given)),
    }));
    const straight = uPlot.paths.linear();
    this.strokes = new Strokes(style.colours);
    this.plot = new uPlot({
      width: this.card.clientWidth - 20,
      height: this.height(),
      cursor: { sync: { key: "all" }, drag: { x: false, y: false }, points: { show: false } },
      legend: { show: false },
      padding: [8, 10, 0, 0],
      scales: { x: { time: false, range: () => [this.now - this.seconds, this.now] }, y: { range: (u, low, high) => this.reach(low, high) } },
      axes: [
        { ...axis, size: 24, space: 90, values: (u, at) => at.map(moment) },
        { ...axis, size: 60, space: 22, values: (u, at) => at.map(short) },
      ],
      series: [{}, ...series],
    }, [[], ...series.map(() => [])], this.card);
    this.plot.over.prepend(this.strokes.canvas);
  }

  // Where there are few, there is room.
  height() {
    return document.querySelectorAll(".card").length <= 2 ? 300 : this.panel.channels > 1 ? 180 : 140;
  }

  // Grows at once and shrinks late, so that the scale does not breathe.
  reach(low, high) {
    if (low === null || high === null) return this.ends || [-1, 1];
    if (low === high) { const room = Math.abs(low) * 0.1 || 1; low -= room; high += room; }
    const [a, b] = this.ends || [low, high], tall = b - a;
    if (!this.ends || low < a || high > b || high - low < 0.45 * tall) {
      const room = 0.08 * (high - low);
      this.ends = uPlot.rangeNum(low - room, high + room, { min: { pad: 0 }, max: { pad: 0 } });
    }
    return this.ends;
  }

  // How it can be shown, the first of which it is at first.
  views() {
    const n = this.panel.channels;
    return n < 2 ? ["lines"] : n <= 3 ? ["lines", "trace", "bars"] : ["lines", "bars"];
  }

  show(view) {
    this.view = view;
    this.restyle();
    if (this.sheet) this.sheet.remove();
    this.sheet = null;
  }

  draw(now, seconds, style) {
    [this.now, this.seconds] = [now, seconds];
    const width = this.card.clientWidth - 20;
    if (this.view && this.view !== "lines") {
      if (!this.sheet) {
        this.sheet = document.createElement("canvas");
        this.card.append(this.sheet);
      }
      const pen = sheet(this.sheet, width, this.view === "trace" ? 300 : this.height());
      if (this.view === "trace") trace(pen, this, style);
      else bars(pen, this, style);
      return;
    }
    if (this.plot === null) this.make(style);
    if (Math.abs(width - this.plot.width) > 1) this.plot.setSize({ width, height: this.plot.height });
    const points = seconds / (this.rows * this.panel.every);
    this.dense = points > (width - 70) / 3; // a point for each three pixels, and more
    this.plot.setData(this.dense ? this.extent() : this.data());
    if (this.dense) this.strokes.draw(this.plot, this);
    else this.strokes.clear();
  }

  restyle() {
    if (this.plot !== null) this.plot.destroy();
    this.plot = null;
  }

  told() {
    const at = this.times.length - 1;
    if (at < 0 || this.panel.channels > 4) return "";
    return this.high.map((column) => (column[at] === null ? "nan" : short(column[at]))).join("  ");
  }
}

class Picture {
  constructor(panel, card) {
    this.canvas = document.createElement("canvas");
    this.canvas.className = "picture";
    card.append(this.canvas);
  }

  forget() {}

  take(section) {
    this.section = section;
  }

  draw() {
    const told = this.section;
    if (!told) return;
    this.section = null;
    const pixels = new Uint8ClampedArray(4 * told.wide * told.high_);
    for (let i = 0, k = 0; i < pixels.length; i += 4) {
      pixels[i] = told.pixels[k++];
      pixels[i + 1] = told.pixels[k++];
      pixels[i + 2] = told.pixels[k++];
      pixels[i + 3] = 255;
    }
    this.canvas.width = told.wide;
    this.canvas.height = told.high_;
    this.canvas.style.width = `${Math.max(told.wide, Math.min(480, 3 * told.wide))}px`;
    this.canvas.getContext("2d").putImageData(new ImageData(pixels, told.wide, told.high_), 0, 0);
  }

  told() { return ""; }
}

const KINDS = { lines: Lines, waterfall: Waterfall, image: Picture };

// A number in few characters.
function short(value) {
  if (value === null || value === undefined) return "";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-3)) return value.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e");
  return String(Number(value.toPrecision(5)));
}
