// The outline of the chosen mask, to be changed by its corners: drag one, double-click an edge for a new one, right
// click or Delete takes one away. A slider simplifies it.
window.sampipe = window.sampipe || {};

sampipe.Corners = class {
  static REACH = 10; // pixels of the screen

  constructor(view, work, server, notice) {
    Object.assign(this, { view, work, server, notice });
    this.rings = []; // of the mask: outlines and holes, each [[x, y], ...]
    this.tolerance = 2;
    view.corners = this;
    const { canvas } = view;
    canvas.addEventListener("pointerdown", (event) => this._down(event), true);
    canvas.addEventListener("dblclick", (event) => this._split(event));
    canvas.addEventListener("keydown", (event) => this._key(event), true);
  }

  get active() { return this.view.tool === "corners" && Boolean(this.work.mask); }

  // Called whenever something changed: the outline follows the mask. Whoever waits for it has the rings of now.
  follow() {
    const { mask } = this.work, looks = this.active ? `${mask.id} ${mask.rle.counts} ${this.tolerance}` : "";
    if (looks !== this._looks) this._traced = this._trace(mask, looks);
    return this._traced;
  }

  async _trace(mask, looks) {
    this._looks = looks;
    this.held = null;
    if (!looks) { this.rings = []; return this.view.draw(); }
    const reply = await this.server.outline({ rle: mask.rle, tolerance: this.tolerance });
    if (looks !== this._looks) return;
    if (reply.error) return this.notice(reply.error, "error");
    this.rings = reply.rings;
    this.view.draw();
  }

  // The mask becomes what the outline encloses; with the slider, the simplified one.
  async keep() {
    const { rings } = this, { mask } = this.work;
    await this.work.outline(mask.id, rings);
    if (this.work.mask?.id === mask.id) this._looks = `${mask.id} ${this.work.mask.rle.counts} ${this.tolerance}`; // not traced anew
    this.view.draw();
  }

  simplify(tolerance) { this.tolerance = tolerance; return this.follow(); }

  _near(at) {
    const reach = (sampipe.Corners.REACH * this.view.image.width) / this.view.canvas.clientWidth;
    let best = null;
    this.rings.forEach((ring, r) => ring.forEach(([x, y], c) => {
      const far = Math.hypot(x - at[0], y - at[1]);
      if (far < reach && (!best || far < best.far)) best = { r, c, far };
    }));
    return best;
  }

  _down(event) {
    if (!this.active) return;
    event.stopImmediatePropagation(); // no click for the model
    const near = this._near(this.view._at(event)), { canvas } = this.view;
    this.held = near;
    if (!near) return this.view.draw();
    if (event.button === 2) return this._take();
    sampipe.capturePointer(canvas, event);
    let moved = false;
    const move = (now) => {
      moved = true;
      this.rings[near.r][near.c] = this.view._at(now).map((value) => Math.round(2 * value) / 2);
      this.view.draw();
    };
    const up = () => {
      canvas.removeEventListener("pointermove", move);
      canvas.removeEventListener("pointerup", up);
      canvas.removeEventListener("pointercancel", up);
      if (moved) this.keep();
    };
    canvas.addEventListener("pointermove", move);
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
    this.view.draw();
  }

  _take() {
    const ring = this.rings[this.held.r];
    if (ring.length <= 3) return this.notice("An outline has at least three corners.", "info");
    ring.splice(this.held.c, 1);
    this.held = null;
    return this.keep();
  }

  // A new corner on the nearest edge.
  _split(event) {
    if (!this.active) return;
    const [px, py] = this.view._at(event);
    let best = null;
    this.rings.forEach((ring, r) => ring.forEach(([x0, y0], c) => {
      const [x1, y1] = ring[(c + 1) % ring.length], long = (x1 - x0) ** 2 + (y1 - y0) ** 2 || 1;
      const share = Math.min(Math.max(((px - x0) * (x1 - x0) + (py - y0) * (y1 - y0)) / long, 0), 1);
      const far = Math.hypot(x0 + share * (x1 - x0) - px, y0 + share * (y1 - y0) - py);
      if (!best || far < best.far) best = { r, c, far };
    }));
    if (!best) return;
    this.rings[best.r].splice(best.c + 1, 0, [px, py]);
    this.held = { r: best.r, c: best.c + 1 };
    this.keep();
  }

  _key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (!this.active || !this.held) return;
    const corner = this.rings[this.held.r]?.[this.held.c];
    if (!corner) return;
    if (moves[event.key]) { corner[0] += moves[event.key][0]; corner[1] += moves[event.key][1]; this.keep(); }
    else if (event.key === "Delete" || event.key === "Backspace") this._take();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  draw(context) {
    if (!this.active) return;
    const unit = this.view._unit();
    for (const [r, ring] of this.rings.entries()) {
      context.beginPath();
      ring.forEach((corner) => context.lineTo(...this.view._toCanvas(corner)));
      context.closePath();
      for (const [color, width] of [["rgba(0,0,0,.7)", 3], ["#fff", 1.4]]) { context.strokeStyle = color; context.lineWidth = width * unit; context.stroke(); }
      ring.forEach((corner, c) => {
        const [x, y] = this.view._toCanvas(corner), held = this.held?.r === r && this.held?.c === c, side = (held ? 6 : 4) * unit;
        context.fillStyle = held ? "#f59e0b" : "#fff";
        context.strokeStyle = "#111";
        context.lineWidth = unit;
        context.fillRect(x - side, y - side, 2 * side, 2 * side);
        context.strokeRect(x - side, y - side, 2 * side, 2 * side);
      });
    }
  }
};
