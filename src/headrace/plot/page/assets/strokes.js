// Many points on few pixels: each column of pixels is filled from the lowest to the highest value, by hand. A canvas takes
// ten times as long for the same as a path of strokes where no graphics card helps.
"use strict";

const THICK = 1.4; // pixels of a flat line

class Strokes {
  constructor(colours) {
    this.canvas = document.createElement("canvas");
    this.canvas.className = "strokes";
    this.image = null;
    this.empty = true;
    this.colours = colours.map((each) => parseInt(each.slice(5, 7) + each.slice(3, 5) + each.slice(1, 3), 16)); // 0xbbggrr
  }

  clear() {
    if (this.empty) return;
    this.empty = true;
    this.canvas.width = this.canvas.width;
  }

  draw(plot, lines) {
    const wide = Math.round(plot.bbox.width), high = Math.round(plot.bbox.height);
    if (wide < 2 || high < 2) return;
    if (this.image === null || this.canvas.width !== wide || this.canvas.height !== high) {
      [this.canvas.width, this.canvas.height] = [wide, high];
      this.pen = this.canvas.getContext("2d");
      this.image = this.pen.createImageData(wide, high);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    this.pixels.fill(0);
    this.empty = false;
    const { min, max } = plot.scales.y;
    const across = wide / lines.seconds, start = lines.now - lines.seconds, up = high / (max - min);
    const thick = THICK * devicePixelRatio, each = lines.rows * lines.panel.every;
    const { times } = lines, n = times.length;
    let from = n;
    while (from > 0 && times[from - 1] >= start - each) from--;
    for (let c = 0; c < lines.low.length; c++) {
      if (lines.off.has(c)) continue;
      const lows = lines.low[c], highs = lines.high[c], colour = this.colours[c % this.colours.length];
      for (let k = from; k < n; k++) {
        if (lows[k] === null) continue;
        let top = (max - highs[k]) * up, bottom = (max - lows[k]) * up;
        const left = Math.floor((times[k] - start) * across);
        const right = k + 1 < n && times[k + 1] - times[k] < 2 * each ? Math.floor((times[k + 1] - start) * across) : left + 1;
        const [own, sole] = [top, bottom];
        if (k > from && lows[k - 1] !== null) { // up or down to where the last one was
          top = Math.min(top, (max - lows[k - 1]) * up);
          bottom = Math.max(bottom, (max - highs[k - 1]) * up);
        }
        this.column(left, top, bottom, thick, colour);
        for (let x = left + 1; x < right; x++) this.column(x, own, sole, thick, colour);
      }
    }
    this.pen.putImageData(this.image, 0, 0);
  }

  // Fill one column of pixels; the two at its ends in part, so that a sloping line is smooth.
  column(x, top, bottom, thick, colour) {
    const wide = this.canvas.width, high = this.canvas.height;
    if (x < 0 || x >= wide) return;
    if (bottom - top < thick) {
      const middle = (top + bottom) / 2;
      [top, bottom] = [middle - thick / 2, middle + thick / 2];
    }
    top = Math.max(top, 0);
    bottom = Math.min(bottom, high);
    if (top >= bottom) return;
    const first = Math.floor(top), last = Math.min(high - 1, Math.ceil(bottom) - 1);
    const full = (0xff000000 | colour) >>> 0;
    for (let y = first + 1, at = (first + 1) * wide + x; y < last; y++, at += wide) this.pixels[at] = full;
    this.dot(first * wide + x, Math.min(bottom, first + 1) - top, colour);
    if (last > first) this.dot(last * wide + x, bottom - last, colour);
  }

  dot(at, part, colour) {
    const there = this.pixels[at];
    const alpha = Math.round(255 * Math.min(1, part));
    if (there >>> 24 < alpha) this.pixels[at] = ((alpha << 24) | colour) >>> 0;
  }
}
