// The parameter explorer: a slider, the curves with the place marked, a table of values, samples.
// Curves and values of all places are here, so that moving the slider asks nobody; only samples are made in Python.
const line = "http://www.w3.org/2000/svg";

function render({ model, el }) {
  const slider = document.createElement("input");
  slider.type = "range";
  slider.min = 0;
  slider.max = model.get("places").length - 1;
  slider.style.width = "460px";
  slider.style.marginLeft = "190px";
  slider.setAttribute("aria-label", model.get("clock"));

  const chart = document.createElement("div");
  chart.innerHTML = model.get("chart");
  const drawing = chart.querySelector("svg");
  const mark = document.createElementNS(line, "line");
  mark.setAttribute("y1", 0);
  mark.setAttribute("y2", drawing.viewBox.baseVal.height - 18);
  mark.setAttribute("stroke", "#1b1f24");
  drawing.append(mark);

  const table = document.createElement("table");
  table.style.font = "12px ui-monospace, monospace";
  const head = table.insertRow();
  head.insertCell().textContent = model.get("clock");
  const place = head.insertCell();
  const cells = model.get("names").map((name) => {
    const row = table.insertRow();
    row.insertCell().textContent = name;
    return row.insertCell();
  });
  for (const row of table.rows) for (const cell of row.cells) cell.style.padding = "1px 10px 1px 0";

  const samples = document.createElement("div");

  function show() {
    const k = model.get("index");
    slider.value = k;
    place.textContent = model.get("places")[k];
    const x = model.get("at")[k];
    mark.setAttribute("x1", x);
    mark.setAttribute("x2", x);
    cells.forEach((cell, n) => (cell.textContent = model.get("table")[n][k]));
  }
  function preview() {
    samples.innerHTML = model.get("preview");
  }
  slider.addEventListener("input", () => {
    model.set("index", Number(slider.value));
    model.save_changes();
  });
  model.on("change:index", show);
  model.on("change:preview", preview);
  el.append(chart, slider, table, samples);
  show();
  preview();
  return () => {
    model.off("change:index", show);
    model.off("change:preview", preview);
  };
}

export default { render };
