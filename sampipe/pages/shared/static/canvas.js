// An image that takes points, boxes and strokes, and shows masks. It knows nothing of what they are for.
//
//   const canvas = new sampipe.ImageCanvas(host, {
//     point(x, y, label) {}, box([x0, y0, x1, y1]) {}, stroke(rle) {}, hover(x, y) {}, leave() {}, key(event) {} });
//   canvas.setImage({ url, width, height });         // width and height are those of the original image
//   canvas.tool = "point" | "background" | "box" | "brush" | "eraser";
//   canvas.layers = [{ rle, color, number, strong }];  // masks
//   canvas.marks = { points: [[x, y, label]], box: [x0, y0, x1, y1] | null };
//   canvas.draw();
//
// All coordinates are pixels of the original image. Ctrl and the wheel zoom. In the point tool a drag is a box, the right button a
// background point; arrow keys move a cross hair, Enter clicks there.
window.sampipe = window.sampipe || {};

sampipe.ImageCanvas = class {
  static MOST_PIXELS = 1400; // longest side of what is drawn; the screen shows no more

  static MOST_ZOOM = 12;

  static DOUBLE = 400; // milliseconds between the clicks of a double click

  constructor(host, listeners) {
    this.host = host;
    this.on = listeners;
    this.layers = [];
    this.marks = { points: [], box: null };
    this.preview = null; // a canvas of the same size: what hovering shows
    this.brushRadius = 12; // in pixels of the screen
    this.canvas = document.createElement("canvas");
    this.canvas.className = "sp-canvas";
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", "Image. Arrow keys move the cross hair, Enter marks the object there, B the background.");
    host.append(this.canvas);
    this._tool = "point";
    this._zoom = 1;
    this._painted = new Map();
    this._drag = null;
    this._cross = null;
    this._listen();
    new ResizeObserver(() => this._fit()).observe(host);
    host.addEventListener("wheel", (event) => this._wheel(event), { passive: false });
  }

  get tool() { return this._tool; }
  set tool(name) {
    this._tool = name;
    // fingers scroll the page over the image unless they draw on it
    this.canvas.style.touchAction = name === "point" || name === "background" ? "pan-y pinch-zoom" : "none";
    this.canvas.dataset.tool = name;
  }

  get zoom() { return this._zoom; }

  // Zoom about a point of the image (its middle if left out), which stays where it is on the screen.
  zoomTo(zoom, at) {
    if (!this.image) return;
    const before = this.canvas.getBoundingClientRect();
    const [x, y] = at || this._shownMiddle();
    const fromLeft = before.left + (x / this.image.width) * before.width;
    const fromTop = before.top + (y / this.image.height) * before.height;
    this._zoom = Math.min(Math.max(zoom, 1), sampipe.ImageCanvas.MOST_ZOOM);
    this._fit();
    const after = this.canvas.getBoundingClientRect();
    this.host.scrollLeft += after.left + (x / this.image.width) * after.width - fromLeft;
    this.host.scrollTop += after.top + (y / this.image.height) * after.height - fromTop;
  }

  // Show a part of the image, with some of what is around it.
  zoomOn([x0, y0, x1, y1]) {
    const share = Math.max((x1 - x0) / this.image.width, (y1 - y0) / this.image.height);
    const middle = [(x0 + x1) / 2, (y0 + y1) / 2];
    this.zoomTo(Math.min(Math.max(0.45 / share, 1), 6), middle);
    const box = this.canvas.getBoundingClientRect(), host = this.host.getBoundingClientRect();
    this.host.scrollLeft += box.left + (middle[0] / this.image.width) * box.width - host.left - host.width / 2;
    this.host.scrollTop += box.top + (middle[1] / this.image.height) * box.height - host.top - host.height / 2;
  }

  _shownMiddle() {
    const box = this.canvas.getBoundingClientRect(), host = this.host.getBoundingClientRect();
    const x = ((host.left + host.width / 2 - box.left) / box.width) * this.image.width;
    const y = ((host.top + host.height / 2 - box.top) / box.height) * this.image.height;
    return [x, y];
  }

  _wheel(event) {
    if (!this.image || !(event.ctrlKey || event.metaKey)) return; // without, the wheel scrolls as everywhere
    event.preventDefault();
    this.zoomTo(this._zoom * Math.exp(-event.deltaY / 300), this._at(event));
  }

  async setImage(image) {
    const bitmap = new Image();
    bitmap.src = image.url;
    await bitmap.decode();
    const longest = Math.max(image.width, image.height);
    const scale = Math.min(1, sampipe.ImageCanvas.MOST_PIXELS / longest);
    this.image = image;
    this.bitmap = bitmap;
    this._zoom = 1;
    this.canvas.width = Math.max(1, Math.round(image.width * scale));
    this.canvas.height = Math.max(1, Math.round(image.height * scale));
    this.layers = [];
    this.marks = { points: [], box: null };
    this.preview = null;
    this._painted.clear();
    this._strokes = null;
    this._cross = null;
    this._fit();
    this.draw();
  }

  clearStrokes() { this._strokes = null; this.draw(); }

  draw() {
    if (!this.bitmap || this._asked) return;
    this._asked = true;
    requestAnimationFrame(() => { this._asked = false; this._drawNow(); });
  }

  _drawNow() {
    const { width, height } = this.canvas, context = this.canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    context.drawImage(this.bitmap, 0, 0, width, height);
    for (const layer of this.layers) {
      context.globalAlpha = layer.strong === false ? 0.75 : 1;
      context.drawImage(this._layer(layer.rle, layer.color), 0, 0);
    }
    context.globalAlpha = 1;
    if (this.preview) context.drawImage(this.preview, 0, 0);
    if (this._strokes) { context.globalAlpha = 0.5; context.drawImage(this._strokes, 0, 0); context.globalAlpha = 1; }
    for (const layer of this.layers) if (layer.number) this._number(context, layer);
    this._marks(context);
  }

  _layer(rle, color) {
    const key = `${color} ${rle.counts}`;
    let painted = this._painted.get(key);
    if (!painted) {
      const { width, height } = this.canvas;
      painted = sampipe.paintedMask(sampipe.maskPixels(rle, width, height), width, height, color);
      this._painted.set(key, painted);
      if (this._painted.size > 150) this._painted.delete(this._painted.keys().next().value);
    }
    return painted;
  }

  _number(context, layer) {
    const unit = this._unit(), [x, y] = this._toCanvas(sampipe.maskMiddle(layer.rle));
    context.font = `600 ${13 * unit}px system-ui, sans-serif`;
    const wide = context.measureText(layer.number).width + 10 * unit, high = 19 * unit;
    const mark = this.marks.points.map((point) => this._toCanvas(point)).find(([px, py]) => Math.abs(px - x) < wide / 2 + 9 * unit && Math.abs(py - y) < high / 2 + 9 * unit);
    const below = mark ? mark[1] + high / 2 + 11 * unit : y; // a click is not covered, nor does it cover the number
    const left = Math.min(Math.max(x - wide / 2, 0), this.canvas.width - wide);
    const top = Math.min(Math.max(below - high / 2, 0), this.canvas.height - high);
    context.fillStyle = "rgba(15, 20, 30, .82)";
    context.beginPath();
    context.roundRect(left, top, wide, high, 5 * unit);
    context.fill();
    context.fillStyle = "#fff";
    context.textBaseline = "middle";
    context.fillText(layer.number, left + 5 * unit, top + high / 2 + unit);
  }

  _marks(context) {
    const unit = this._unit();
    const box = this._drag?.box ? this._drag.box : this.marks.box;
    if (box) {
      const [x0, y0] = this._toCanvas(box), [x1, y1] = this._toCanvas(box.slice(2));
      for (const [color, width] of [["rgba(0,0,0,.6)", 4], ["#fff", 2]]) {
        context.strokeStyle = color;
        context.lineWidth = width * unit;
        context.strokeRect(x0, y0, x1 - x0, y1 - y0);
      }
    }
    for (const [px, py, label] of this.marks.points) this._dot(context, this._toCanvas([px, py]), label, unit);
    if (this._cross) {
      const [x, y] = this._toCanvas(this._cross);
      for (const [color, width] of [["rgba(0,0,0,.7)", 4], ["#fff", 1.5]]) {
        context.strokeStyle = color;
        context.lineWidth = width * unit;
        context.beginPath();
        context.moveTo(x - 12 * unit, y); context.lineTo(x + 12 * unit, y);
        context.moveTo(x, y - 12 * unit); context.lineTo(x, y + 12 * unit);
        context.stroke();
      }
    }
  }

  // Foreground is a disc with a plus, background one with a minus: readable without their colors.
  _dot(context, [x, y], label, unit) {
    context.beginPath();
    context.arc(x, y, 8 * unit, 0, 7);
    context.fillStyle = label ? "#1668d6" : "#c2261c";
    context.fill();
    context.lineWidth = 2 * unit;
    context.strokeStyle = "#fff";
    context.stroke();
    context.beginPath();
    context.moveTo(x - 4 * unit, y); context.lineTo(x + 4 * unit, y);
    if (label) { context.moveTo(x, y - 4 * unit); context.lineTo(x, y + 4 * unit); }
    context.stroke();
  }

  _fit() {
    if (!this.image) return;
    const wide = this.host.clientWidth, high = Math.max(220, window.innerHeight * (wide < 560 ? 0.5 : 0.7));
    if (!wide) return; // hidden by a tab; it will be fitted when shown
    const scale = Math.min(wide / this.image.width, high / this.image.height, 4) * this._zoom;
    this.host.style.maxHeight = `${high + 2}px`;
    this.canvas.style.width = `${Math.floor(this.image.width * scale)}px`;
    this.canvas.style.height = `${Math.floor(this.image.height * scale)}px`;
    this.draw();
  }

  _unit() { return this.canvas.width / (this.canvas.clientWidth || this.canvas.width); }
  _toCanvas([x, y]) { return [(x * this.canvas.width) / this.image.width, (y * this.canvas.height) / this.image.height]; }

  _at(event) {
    const box = this.canvas.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * this.image.width;
    const y = ((event.clientY - box.top) / box.height) * this.image.height;
    return [Math.min(Math.max(x, 0), this.image.width - 1), Math.min(Math.max(y, 0), this.image.height - 1)];
  }

  _listen() {
    const canvas = this.canvas;
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("pointerdown", (event) => this._down(event));
    canvas.addEventListener("pointermove", (event) => this._move(event));
    canvas.addEventListener("pointerup", (event) => this._up(event));
    canvas.addEventListener("pointercancel", () => { this._drag = null; this.draw(); });
    canvas.addEventListener("pointerleave", () => this.on.leave?.());
    canvas.addEventListener("keydown", (event) => this._key(event));
    canvas.addEventListener("blur", () => { this._cross = null; this.draw(); });
  }

  _down(event) {
    if (!this.image || event.button === 1) return;
    const at = this._at(event);
    this._cross = null;
    this._drag = { start: at, x: event.clientX, y: event.clientY, background: event.button === 2 || this._tool === "background" };
    if (event.pointerType !== "touch" || this.canvas.style.touchAction === "none") sampipe.capturePointer(this.canvas, event);
    if (this._painting()) this._stroke(at, at);
  }

  _move(event) {
    if (!this.image) return;
    const at = this._at(event), drag = this._drag;
    if (!drag) return void (event.pointerType !== "touch" && this.on.hover?.(...at));
    if (this._painting()) { this._stroke(drag.last || drag.start, at); drag.last = at; return; }
    const far = Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > 6;
    if ((far || drag.box) && !drag.background && event.pointerType !== "touch" || (this._tool === "box" && far)) {
      const [x, y] = drag.start;
      drag.box = [Math.min(x, at[0]), Math.min(y, at[1]), Math.max(x, at[0]), Math.max(y, at[1])];
      this.draw();
    }
  }

  _up(event) {
    const drag = this._drag;
    this._drag = null;
    if (!drag) return;
    if (this._painting()) return this.on.stroke?.(this._strokeRuns(), this._tool);
    if (drag.box) {
      const [x0, y0, x1, y1] = drag.box;
      if (x1 - x0 >= 2 && y1 - y0 >= 2) this.on.box?.(drag.box);
    } else if (this._tool !== "box" && !this._again(event)) this.on.point?.(...drag.start, drag.background ? 0 : 1);
    this.draw();
  }

  // The second click of a double click says nothing new.
  _again({ clientX, clientY, button, timeStamp }) {
    const before = this._clicked;
    this._clicked = { clientX, clientY, button, timeStamp };
    return Boolean(before && before.button === button && timeStamp - before.timeStamp < sampipe.ImageCanvas.DOUBLE
      && Math.hypot(clientX - before.clientX, clientY - before.clientY) < 5);
  }

  _painting() { return this._tool === "brush" || this._tool === "eraser"; }

  _stroke(from, to) {
    if (!this._strokes) {
      this._strokes = document.createElement("canvas");
      this._strokes.width = this.canvas.width;
      this._strokes.height = this.canvas.height;
    }
    const context = this._strokes.getContext("2d");
    context.strokeStyle = this._tool === "eraser" ? "#c2261c" : "#1668d6";
    context.lineWidth = 2 * this.brushRadius * this._unit();
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(...this._toCanvas(from));
    context.lineTo(...this._toCanvas(to.map((value, i) => value + (value === from[i] ? 0.01 : 0))));
    context.stroke();
    this.draw();
  }

  _strokeRuns() {
    const { width, height } = this._strokes;
    const rgba = this._strokes.getContext("2d").getImageData(0, 0, width, height).data;
    const pixels = new Uint8Array(width * height);
    for (let at = 0; at < pixels.length; at++) pixels[at] = rgba[4 * at + 3] > 127 ? 1 : 0;
    return sampipe.maskRuns(pixels, width, height);
  }

  _key(event) {
    const step = (event.shiftKey ? 40 : 8) * (this.image ? this.image.width / (this.canvas.clientWidth || 1) : 1);
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (!this.image) return;
    if (moves[event.key]) {
      const [x, y] = this._cross || [this.image.width / 2, this.image.height / 2];
      this._cross = [
        Math.min(Math.max(x + moves[event.key][0], 0), this.image.width - 1),
        Math.min(Math.max(y + moves[event.key][1], 0), this.image.height - 1),
      ];
      event.preventDefault();
      this.on.hover?.(...this._cross);
      this.draw();
    } else if (this._cross && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      this.on.point?.(...this._cross, this._tool === "background" ? 0 : 1);
    } else if (this._cross && event.key.toLowerCase() === "b") {
      this.on.point?.(...this._cross, 0);
    } else this.on.key?.(event);
  }
};

// Other children for a place; the focus stays where it was among them, or goes to what is named if there are none.
sampipe.refill = function (place, children, otherwise) {
  const focused = [...place.children].indexOf(document.activeElement);
  place.replaceChildren(...children);
  if (focused >= 0) (children[Math.min(focused, children.length - 1)] || otherwise).focus({ preventScroll: true });
};

// A pointer that is gone already cannot be captured; the drag then ends with its last move.
sampipe.capturePointer = function (canvas, event) {
  try { canvas.setPointerCapture(event.pointerId); } catch (error) { if (error.name !== "NotFoundError") throw error; }
};
