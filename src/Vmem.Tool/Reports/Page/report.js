"use strict";
// Paints the maps. The cells are in the page, column by column from the lowest address: "." above the highest live address, else 0 (free) to f (in use).
(() => {
  const style = () => {
    const css = getComputedStyle(document.documentElement);
    const colour = (name) => css.getPropertyValue(name).trim().match(/[0-9a-f]{2}/gi).map((part) => parseInt(part, 16));
    return { beyond: colour("--beyond"), stops: [colour("--hole"), colour("--mid"), colour("--used")] };
  };

  const mix = (stops, part) => {
    const at = part * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    return stops[low].map((value, index) => value + (stops[low + 1][index] - value) * (at - low));
  };

  const paint = (canvas, { beyond, stops }) => {
    const { columns, rows, cells } = canvas.dataset;
    canvas.width = Number(columns);
    canvas.height = Number(rows);
    const context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, canvas.height);
    const palette = new Map([[".", beyond]]);
    for (let level = 0; level < 16; level++) {
      palette.set(level.toString(16), mix(stops, level / 15));
    }
    for (let column = 0; column < canvas.width; column++) {
      for (let row = 0; row < canvas.height; row++) {
        const pixel = 4 * ((canvas.height - 1 - row) * canvas.width + column);
        const [red, green, blue] = palette.get(cells[column * canvas.height + row]);
        image.data.set([red, green, blue, 255], pixel);
      }
    }
    context.putImageData(image, 0, 0);
  };

  const bytes = (value) => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    for (; value >= 1024 && unit < units.length - 1; unit++) {
      value /= 1024;
    }
    return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toPrecision(3)} ${units[unit]}`;
  };

  const seconds = (value) => value < 0.001 ? `${(value * 1e6).toPrecision(3)} µs` : value < 1 ? `${(value * 1000).toPrecision(3)} ms` : `${value.toPrecision(4)} s`;

  const read = (canvas, event) => {
    const { columns, rows, cells, across, step, bytesPerRow, isBytes } = canvas.dataset;
    const box = canvas.getBoundingClientRect();
    const column = Math.min(columns - 1, Math.max(0, Math.floor((event.clientX - box.left) / box.width * columns)));
    const row = Math.min(rows - 1, Math.max(0, Math.floor((box.bottom - event.clientY) / box.height * rows)));
    const cell = cells[column * rows + row];
    const use = cell === "." ? "above the highest live address" : `${Math.round(parseInt(cell, 16) / 15 * 100)} % in use`;
    const at = across === "time" ? `after ${seconds(column * step)}` : `event ${Math.round(column * step).toLocaleString("en")}`;
    return `${at}, address ${isBytes === "true" ? bytes(row * bytesPerRow) : (row * bytesPerRow).toLocaleString("en")}: ${use}`;
  };

  const canvases = [...document.querySelectorAll("canvas[data-cells]")];
  const paintAll = () => canvases.forEach((canvas) => paint(canvas, style()));
  paintAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paintAll);
  for (const canvas of canvases) {
    const readout = canvas.closest(".card").querySelector(".readout");
    const rest = readout.textContent;
    canvas.addEventListener("pointermove", (event) => { readout.textContent = read(canvas, event); });
    canvas.addEventListener("pointerleave", () => { readout.textContent = rest; });
  }
})();
