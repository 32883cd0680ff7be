// The shared image canvas with what labelling needs besides: many masks at little memory, and which mask
// lies under the pointer.
//
//   view.layers = [{ id, rle, color, style: "plain" | "selected" | "waiting" }];
window.sampipe = window.sampipe || {};
sampipe.ImageCanvas.MOST_PIXELS = 2048;

sampipe.LabelView = class extends sampipe.ImageCanvas {
  constructor(host, listeners) {
    super(host, listeners);
    this._windows = new Map(); // by run lengths: where the mask is and its pixels
    this._paintedWindows = new Map(); // the same, painted
  }

  async setImage(image) {
    this._windows.clear();
    this._paintedWindows.clear();
    await super.setImage(image);
  }

  clear() {
    this.image = this.bitmap = null;
    this.layers = [];
    this.canvas.style.width = this.canvas.style.height = "0";
  }

  // No cross hair any more: Enter is the page's again.
  letGo() {
    this._cross = null;
    this.draw();
  }

  // The smallest shown mask at a point of the image, its id; null for none.
  maskAt(x, y) {
    let best = null;
    for (const layer of this.layers) {
      const part = this._window(layer.rle);
      const [cx, cy] = this._toCanvas([x, y]).map(Math.floor);
      const inside = cx >= part.x && cy >= part.y && cx < part.x + part.width && cy < part.y + part.height;
      if (inside && part.pixels[(cy - part.y) * part.width + cx - part.x] && (!best || part.area < best.area))
        best = { id: layer.id, area: part.area };
    }
    return best && best.id;
  }

  _drawNow() {
    if (!this.bitmap) return;
    const context = this.canvas.getContext("2d");
    context.globalAlpha = 1;
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.drawImage(this.bitmap, 0, 0, this.canvas.width, this.canvas.height);
    for (const layer of this.layers) {
      const part = this._window(layer.rle);
      if (part.width) context.drawImage(this._paintedWindow(layer, part), part.x, part.y);
    }
    if (this.preview) context.drawImage(this.preview, 0, 0);
    if (this._strokes) { context.globalAlpha = 0.5; context.drawImage(this._strokes, 0, 0); context.globalAlpha = 1; }
    this._marks(context);
    this.corners?.draw(context);
  }

  _window(rle) {
    let part = this._windows.get(rle.counts);
    if (!part) this._windows.set(rle.counts, (part = sampipe.maskWindow(rle, this.canvas.width, this.canvas.height)));
    return part;
  }

  _paintedWindow(layer, part) {
    const line = Math.max(1, Math.round((this._unit() * (layer.style === "selected" ? 2.4 : 1.4))));
    const key = `${layer.color} ${layer.style} ${line} ${layer.rle.counts}`;
    let painted = this._paintedWindows.get(key);
    if (!painted) {
      painted = sampipe.paintedWindow(part, layer.color, layer.style, line);
      this._paintedWindows.set(key, painted);
      if (this._paintedWindows.size > 600) this._paintedWindows.delete(this._paintedWindows.keys().next().value);
    }
    return painted;
  }
};

// The part of an image outside which a mask is empty, at the size at which the image is drawn: {x, y, width,
// height, pixels, area}. One pixel of the mask is always seen, however much smaller the image is drawn.
sampipe.maskWindow = function (rle, width, height) {
  const [rows, columns] = rle.size;
  const runs = sampipe.runLengths(rle.counts);
  const ends = new Float64Array(runs.length);
  let x0 = columns, x1 = -1, y0 = rows, y1 = -1, total = 0;
  for (let run = 0; run < runs.length; run++) {
    const start = total;
    total = ends[run] = start + runs[run];
    if (run % 2 === 0 || !runs[run]) continue;
    const first = Math.floor(start / rows), last = Math.floor((total - 1) / rows);
    x0 = Math.min(x0, first);
    x1 = Math.max(x1, last);
    y0 = Math.min(y0, first === last ? start % rows : 0);
    y1 = Math.max(y1, first === last ? (total - 1) % rows : rows - 1);
  }
  if (x1 < 0) return { x: 0, y: 0, width: 0, height: 0, pixels: new Uint8Array(0), area: 0 };
  const left = Math.floor((x0 * width) / columns), right = Math.min(width, Math.ceil(((x1 + 1) * width) / columns));
  const top = Math.floor((y0 * height) / rows), bottom = Math.min(height, Math.ceil(((y1 + 1) * height) / rows));
  const wide = right - left, high = bottom - top;
  const pixels = new Uint8Array(wide * high);
  for (let x = 0; x < wide; x++) {
    const column = Math.min(Math.max(Math.floor(((left + x + 0.5) * columns) / width), x0), x1) * rows;
    let run = runAt(ends, column + y0);
    for (let y = 0; y < high; y++) {
      const at = column + Math.min(Math.max(Math.floor(((top + y + 0.5) * rows) / height), y0), y1);
      while (run < ends.length - 1 && at >= ends[run]) run++;
      pixels[y * wide + x] = run % 2;
    }
  }
  let area = 0;
  for (let run = 1; run < runs.length; run += 2) area += runs[run];
  return { x: left, y: top, width: wide, height: high, pixels, area };

  function runAt(ends, at) {
    let low = 0, high = ends.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle] > at) high = middle; else low = middle + 1;
    }
    return low;
  }
};

// Translucent inside and a line along the edge; a mask that waits for a person has a broken line and hardly a filling.
sampipe.paintedWindow = function (part, color, style, line) {
  const { width, height, pixels } = part;
  const layer = document.createElement("canvas");
  layer.width = width;
  layer.height = height;
  const context = layer.getContext("2d");
  const image = context.createImageData(width, height);
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  const fill = { plain: 0.4, selected: 0.5, waiting: 0.18 }[style];
  const outside = (x, y) => x < 0 || y < 0 || x >= width || y >= height || !pixels[y * width + x];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      if (!pixels[at]) continue;
      const edge = outside(x - line, y) || outside(x + line, y) || outside(x, y - line) || outside(x, y + line);
      const gap = style === "waiting" && ((x + y) / (5 * line)) % 2 < 0.8;
      const white = edge && style === "selected" && (outside(x - 1, y) || outside(x + 1, y) || outside(x, y - 1) || outside(x, y + 1));
      image.data[4 * at] = white ? 255 : red;
      image.data[4 * at + 1] = white ? 255 : green;
      image.data[4 * at + 2] = white ? 255 : blue;
      image.data[4 * at + 3] = 255 * (edge && !gap ? 1 : fill);
    }
  }
  context.putImageData(image, 0, 0);
  return layer;
};
