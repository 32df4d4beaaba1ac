// Other ways to look at the same buckets: one channel against another, the newest row as bars, the newest spectrum.
"use strict";

// A canvas of a size in the page's pixels, cleared.
function sheet(canvas, width, height) {
  const dots = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * dots) || canvas.height !== Math.round(height * dots)) {
    canvas.width = Math.round(width * dots);
    canvas.height = Math.round(height * dots);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(dots, 0, 0, dots, 0, 0);
  pen.clearRect(0, 0, width, height);
  return Object.assign(pen, { wide: width, high: height });
}

// A frame with labels at its ends; returns how values become places.
function frame(pen, style, x, y, unit = "") {
  const [left, top, wide, high] = [60, 6, pen.wide - 70, pen.high - 32];
  const along = (v) => left + ((v - x[0]) / (x[1] - x[0] || 1)) * wide;
  const up = (v) => top + high - ((v - y[0]) / (y[1] - y[0] || 1)) * high;
  pen.lineWidth = 1;
  pen.fillStyle = style.soft;
  pen.font = style.font;
  pen.strokeStyle = style.grid;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const v of ticks(y[0], y[1], Math.max(2, high / 40))) {
    pen.strokeRect(left, Math.round(up(v)) + 0.5, wide, 0);
    pen.fillText(short(v), left - 6, up(v));
  }
  pen.textAlign = "center";
  pen.textBaseline = "top";
  if (unit !== null) for (const v of ticks(x[0], x[1], Math.max(2, wide / 90))) {
    pen.strokeRect(Math.round(along(v)) + 0.5, top, 0, high);
    pen.fillText(`${short(v)}${unit}`, along(v), top + high + 6);
  }
  return { along, up, left, top, wide, high };
}

// The middle of each bucket of a channel in sight.
function middles(lines, channel) {
  const from = lines.now - lines.seconds, found = [];
  for (let k = 0; k < lines.times.length; k++) {
    if (lines.times[k] < from) continue;
    const low = lines.low[channel][k];
    found.push(low === null ? null : (low + lines.high[channel][k]) / 2);
  }
  return found;
}

// The second channel against the first, older ones paler, on scales of one length.
function trace(pen, lines, style) {
  const xs = middles(lines, 0), ys = middles(lines, 1);
  const seen = xs.map((x, k) => [x, ys[k]]).filter(([x, y]) => x !== null && y !== null);
  if (!seen.length) return;
  const ends = [0, 1].map((c) => [Math.min(...seen.map((each) => each[c])), Math.max(...seen.map((each) => each[c]))]);
  const tall = (pen.high - 32) / (pen.wide - 70);
  const half = 0.55 * Math.max((ends[0][1] - ends[0][0]) , (ends[1][1] - ends[1][0]) / tall, 1e-12);
  const [cx, cy] = ends.map(([low, high]) => (low + high) / 2);
  const at = frame(pen, style, [cx - half, cx + half], [cy - half * tall, cy + half * tall]);
  pen.strokeStyle = style.colours[0];
  pen.lineWidth = 1.5;
  pen.lineJoin = "round";
  const parts = 8, n = seen.length;
  for (let p = 0; p < parts; p++) {
    pen.globalAlpha = (p + 1) / parts;
    pen.beginPath();
    for (let k = Math.floor((p * n) / parts); k < Math.min(n, Math.floor(((p + 1) * n) / parts) + 1); k++) pen.lineTo(at.along(seen[k][0]), at.up(seen[k][1]));
    pen.stroke();
  }
  pen.globalAlpha = 1;
  pen.fillStyle = style.colours[0];
  pen.beginPath();
  pen.arc(at.along(seen[n - 1][0]), at.up(seen[n - 1][1]), 4, 0, 2 * Math.PI);
  pen.fill();
}

// The newest value of each channel.
function bars(pen, lines, style) {
  const last = lines.times.length - 1, n = lines.high.length;
  if (last < 0) return;
  const values = lines.high.map((column) => column[last]);
  const there = values.filter((value) => value !== null);
  const low = Math.min(0, ...there), high = Math.max(0, ...there);
  const kept = lines.tall || [0, 0];
  lines.tall = [Math.min(low, 0.98 * kept[0]), Math.max(high, 0.98 * kept[1])]; // sinks slowly
  const room = 0.05 * (lines.tall[1] - lines.tall[0] || 1);
  const at = frame(pen, style, [0, n], [lines.tall[0] - (lines.tall[0] < 0 ? room : 0), lines.tall[1] + room], null);
  values.forEach((value, c) => {
    const x = at.along(c + 0.5), wide = 0.7 * (at.wide / n), name = lines.panel.labels[c];
    if (value !== null && !lines.off.has(c)) {
      pen.fillStyle = style.colours[c % style.colours.length];
      pen.fillRect(x - wide / 2, Math.min(at.up(value), at.up(0)), wide, Math.abs(at.up(value) - at.up(0)));
    }
    pen.fillStyle = style.soft;
    if (wide > 14) pen.fillText(name.startsWith(`${lines.panel.name}_`) ? name.slice(lines.panel.name.length + 1) : name, x, at.top + at.high + 6);
  });
}

// The newest row of a waterfall, as a line.
function spectrum(pen, fall, style) {
  if (!fall.latest) return;
  const top = fall.panel.top === null ? fall.panel.channels - 1 : fall.panel.top;
  const at = frame(pen, style, [0, top], [fall.low, fall.high], fall.panel.top === null ? "" : " Hz");
  pen.save();
  pen.beginPath();
  pen.rect(at.left, at.top, at.wide, at.high);
  pen.clip();
  pen.strokeStyle = style.colours[0];
  pen.lineWidth = 1.5;
  pen.beginPath();
  fall.latest.forEach((value, k) => {
    if (Number.isFinite(value)) pen.lineTo(at.along((k / (fall.latest.length - 1)) * top), at.up(value));
  });
  pen.stroke();
  pen.restore();
}
