// A figure that follows a buffer: axes, lines, points, bars, a picture. Colours of text come from the page, so that it
// reads well on light and on dark. Each frame that was drawn is reported, and Python sends the next ones as they are.
const HEIGHT = 300;
const pad = { left: 66, right: 16, top: 26, bottom: 44 };

const numbers = (view) => new Float64Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));

function range(scale, lists, edge) {
  const log = scale.kind === "log";
  let low = Infinity;
  let high = -Infinity;
  for (const list of lists)
    for (const value of list)
      if (Number.isFinite(value) && (value > 0 || !log)) {
        if (value < low) low = value;
        if (value > high) high = value;
      }
  if (low > high) [low, high] = log ? [1, 10] : [0, 1];
  if (low === high) [low, high] = log ? [low / 2, high * 2] : [low - (Math.abs(low) / 2 || 0.5), high + (Math.abs(high) / 2 || 0.5)];
  if (log) {
    const room = (high / low) ** edge;
    [low, high] = [low / room, high * room];
  } else {
    const room = (high - low) * edge;
    [low, high] = [low - room, high + room];
  }
  return [scale.min ?? low, scale.max ?? high];
}

function ticks(scale, low, high, most) {
  if (scale.kind === "log" && low > 0 && high / low >= 10) {
    const first = Math.ceil(Math.log10(low) - 1e-9);
    const last = Math.floor(Math.log10(high) + 1e-9);
    const step = Math.max(1, Math.ceil((last - first + 1) / most));
    const made = [];
    for (let k = first; k <= last; k += step) made.push(10 ** k);
    return [made, 0];
  }
  if (!(high > low) || !Number.isFinite(high - low)) return [[], 1];
  const rough = (high - low) / most;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * unit).find((each) => each >= rough * 0.999);
  const made = [];
  for (let k = Math.ceil(low / step - 1e-9); k <= Math.floor(high / step + 1e-9); k++) made.push(k * step);
  return [made, step];
}

function written(value, step) {
  if (value === 0) return "0";
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const size = Math.abs(value);
  if ((size >= 1e6 && step / size > 1e-3) || (size < 1e-4 && decimals > 4)) return String(Number(value.toPrecision(3)));
  return value.toFixed(decimals);
}

const CLOCK = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

// Unix seconds at even steps of a clock, and how they are written, here.
function moments(low, high, most) {
  const rough = (high - low) / most;
  let [at, step] = rough < 1 ? ticks({}, low, high, most) : [[], CLOCK.find((s) => s >= rough) ?? 86400 * Math.ceil(rough / 86400)];
  if (rough >= 1) for (let k = Math.ceil(low / step); k <= Math.floor(high / step); k++) at.push(k * step);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const two = (n) => String(n).padStart(2, "0");
  const told = (v) => {
    const moment = Number(v.toFixed(decimals));
    const at = new Date(Math.floor(moment) * 1000);
    if (step >= 86400) return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
    const minutes = `${two(at.getHours())}:${two(at.getMinutes())}`;
    if (step >= 60) return minutes;
    return `${minutes}:${two(at.getSeconds())}${decimals ? (moment % 1).toFixed(decimals).slice(1) : ""}`;
  };
  return [at, told];
}

function placed(scale, low, high, from, to) {
  const [a, b] = scale.reverse ? [to, from] : [from, to];
  if (scale.kind === "log") {
    const over = Math.log(high / low);
    return (v) => (v > 0 ? a + ((b - a) * Math.log(v / low)) / over : NaN);
  }
  return (v) => a + ((b - a) * (v - low)) / (high - low);
}

function draw(canvas, spec, frame, ink) {
  const width = canvas.clientWidth || 560;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(HEIGHT * ratio);
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.font = "11px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace";
  pen.fillStyle = ink;
  pen.textBaseline = "middle";
  if (frame.error) {
    pen.textAlign = "left";
    frame.error.split("\n").forEach((line, k) => pen.fillText(line.trim(), 12, 24 + 18 * k, width - 24));
    return;
  }
  const across = spec.axes.find((axis) => !axis.vertical);
  const up = spec.axes.find((axis) => axis.vertical);
  const marks = frame.marks.map((mark) => ({ ...mark, lines: mark.lines.map((l) => ({ x: numbers(l.x), y: numbers(l.y) })) }));
  const lines = marks.flatMap((mark) => mark.lines);
  const bars = marks.some((mark) => mark.kind === "bars");
  const names = marks[0]?.names;
  const backwards = (xs) => xs.some((x, k) => k > 0 && x < xs[k - 1]);
  const tight = marks.every((mark) => mark.kind === "lines") && !lines.some((l) => backwards(l.x));

  let [x0, x1] = range(across, lines.map((l) => l.x), tight ? 0 : 0.05);
  if (names) [x0, x1] = [-0.5, Math.max(names.length, 1) - 0.5];
  else if (bars && lines[0].x.length > 1) {
    const xs = lines[0].x;
    const half = (xs[xs.length - 1] - xs[0]) / (xs.length - 1) / 2;
    [x0, x1] = [across.min ?? xs[0] - half, across.max ?? xs[xs.length - 1] + half];
  }
  let [y0, y1] = range(up, [...lines.map((l) => l.y), bars ? [0] : []], 0.05);
  if (bars && up.min === null && lines.every((l) => l.y.every((v) => !(v < 0)))) y0 = 0;
  const right = placed(across, x0, x1, pad.left, width - pad.right);
  const down = placed(up, y0, y1, HEIGHT - pad.bottom, pad.top);

  // the grid and its numbers
  pen.lineWidth = 1;
  pen.strokeStyle = ink;
  const rule = (ax, ay, bx, by) => {
    pen.globalAlpha = 0.13;
    pen.beginPath();
    pen.moveTo(ax, ay);
    pen.lineTo(bx, by);
    pen.stroke();
    pen.globalAlpha = 0.75;
  };
  pen.textAlign = "center";
  if (names) {
    const every = Math.max(1, Math.ceil(names.length / 12));
    names.forEach((name, k) => k % every || pen.fillText(name, right(k), HEIGHT - pad.bottom + 13, ((width - 82) / names.length) * every));
  } else {
    const most = width < 400 ? 4 : 6;
    const timed = across.format === "time" && x0 > 1e8;
    const [at, step] = timed ? moments(x0, x1, most) : ticks(across, x0, x1, most);
    for (const v of at) {
      rule(right(v), pad.top, right(v), HEIGHT - pad.bottom);
      pen.fillText(timed ? step(v) : written(v, step || v), right(v), HEIGHT - pad.bottom + 13);
    }
  }
  pen.textAlign = "right";
  const [at, step] = ticks(up, y0, y1, 6);
  for (const v of at) {
    rule(pad.left, down(v), width - pad.right, down(v));
    pen.fillText(written(v, step || v), pad.left - 6, down(v));
  }
  pen.globalAlpha = 0.2;
  pen.strokeRect(pad.left, pad.top, width - pad.left - pad.right, HEIGHT - pad.top - pad.bottom);

  // what it shows
  pen.globalAlpha = 1;
  pen.save();
  pen.beginPath();
  pen.rect(pad.left, pad.top - 1, width - pad.left - pad.right, HEIGHT - pad.top - pad.bottom + 2);
  pen.clip();
  pen.lineWidth = 1.5;
  pen.lineJoin = "round";
  let k = 0;
  for (const mark of marks)
    for (const { x, y } of mark.lines) {
      pen.strokeStyle = pen.fillStyle = spec.colours[k++ % spec.colours.length];
      if (mark.kind === "bars") {
        const step = x.length > 1 ? (x[x.length - 1] - x[0]) / (x.length - 1) : 1;
        const foot = down(Math.max(y0, 0));
        x.forEach((v, i) => {
          const [a, b] = [right(v - 0.4 * step), right(v + 0.4 * step)];
          pen.fillRect(Math.min(a, b), Math.min(down(y[i]), foot), Math.abs(b - a), Math.abs(foot - down(y[i])));
        });
      } else if (mark.kind === "scatter") {
        pen.globalAlpha = 0.7;
        x.forEach((v, i) => {
          pen.beginPath();
          pen.arc(right(v), down(y[i]), 2.2, 0, 7);
          pen.fill();
        });
        pen.globalAlpha = 1;
      } else {
        pen.beginPath();
        let gap = true;
        for (let i = 0; i < x.length; i++) {
          const [a, b] = [right(x[i]), down(y[i])];
          if (Number.isNaN(a) || Number.isNaN(b)) gap = true;
          else if (gap) {
            pen.moveTo(a, b);
            gap = false;
          } else pen.lineTo(a, b);
        }
        pen.stroke();
      }
    }
  pen.restore();

  // names of axes, and which line is which
  if (lines.length > 1 && lines.length <= spec.colours.length)
    lines.forEach((_, i) => {
      pen.fillStyle = spec.colours[i];
      pen.fillText(String(i), width - pad.right - 14 * (lines.length - 1 - i), 13);
    });
  pen.fillStyle = ink;
  pen.textAlign = "center";
  pen.font = pen.font.replace("11px", "12px");
  pen.fillText(across.label, (pad.left + width - pad.right) / 2, HEIGHT - 12);
  if (spec.title) pen.fillText(spec.title, (pad.left + width - pad.right) / 2, 13);
  pen.translate(14, (pad.top + HEIGHT - pad.bottom) / 2);
  pen.rotate(-Math.PI / 2);
  pen.fillText(up.label, 0, 0);
}

function render({ model, el }) {
  const spec = model.get("spec");
  const picture = spec.axes.length === 0;
  const shown = document.createElement(picture ? "img" : "canvas");
  shown.style.cssText = picture ? "max-width:100%;min-width:160px;display:block" : `width:100%;max-width:760px;height:${HEIGHT}px;display:block`;
  shown.setAttribute("role", "img");
  shown.setAttribute("aria-label", spec.title || spec.axes.map((axis) => axis.label).filter(Boolean).join(", ") || "picture");
  el.append(shown);
  let asked = 0;
  let url = "";
  let drawn = 0;

  function paint() {
    asked = 0;
    const frame = model.get("frame");
    if (picture) {
      const image = frame.marks[0]?.image;
      if (image?.byteLength) {
        const before = url;
        shown.src = url = URL.createObjectURL(new Blob([image]));
        if (before) URL.revokeObjectURL(before);
      }
    } else draw(shown, spec, frame, getComputedStyle(el).color);
    if (frame.n > drawn) model.send({ drawn: (drawn = frame.n) });
  }
  const ask = () => (asked ||= requestAnimationFrame(paint));
  const sized = new ResizeObserver(ask);
  sized.observe(el);
  model.on("change:frame", ask);
  ask();
  return () => {
    cancelAnimationFrame(asked);
    sized.disconnect();
    model.off("change:frame", ask);
    if (url) URL.revokeObjectURL(url);
  };
}

export default { render };
