// The ground that nodes stand on: it draws them and their wires, and turns drags, taps and wheels into changes.
window.sampipe = window.sampipe || {};

sampipe.GraphBoard = class {
  static LEAST = 0.3; static MOST = 2;

  constructor(canvas) {
    this.canvas = canvas;
    this.model = canvas.model;
    this.wire = null; // the one that is selected
    this.loose = null; // the one that is being drawn: { from } or { to }
    this.view = { x: 0, y: 0, scale: 1 };
    canvas.root.innerHTML = `<div class="sp-graph-bar"></div><div class="sp-graph-main"><div class="sp-palette"></div>
      <div class="sp-ground" tabindex="0" role="application" aria-label="Canvas. Slash adds a node, Tab goes from node to node, Enter on a port begins or ends a wire.">
      <div class="sp-world"><svg class="sp-wires" aria-hidden="true"></svg></div>
      <p class="sp-empty sp-note">Double-click here, or press /, to add a node. Drag from port to port to wire them.</p>
      </div></div>`;
    this.ground = canvas.root.querySelector(".sp-ground");
    this.world = canvas.root.querySelector(".sp-world");
    this.lines = canvas.root.querySelector(".sp-wires");
    this.nodes = new Map();
    this._listen();
    new ResizeObserver(() => this.drawWires()).observe(this.ground);
  }

  // -- drawing ---------------------------------------------------------------------------------------------------

  names() {
    const { inputs, nodes } = this.model.graph;
    return [...Object.keys(inputs).map((name) => `$${name}`), ...Object.keys(nodes)];
  }

  render() {
    const { graph } = this.model, names = this.names();
    for (const [name, card] of this.nodes) if (!names.includes(name)) { card.element.remove(); this.nodes.delete(name); }
    for (const name of names) {
      let card = this.nodes.get(name);
      if (card) card.update();
      else {
        card = new sampipe.NodeCard(this.canvas, name);
        this.nodes.set(name, card);
        this.world.append(card.element);
      }
    }
    const missing = names.filter((name) => !graph.layout[name]);
    if (missing.length === names.length) this.arrange(false);
    else missing.forEach((name) => { graph.layout[name] = this.freePlace(); });
    this.place();
    this.renderStates();
    this.ground.classList.toggle("is-empty", !names.length);
  }

  place() {
    for (const [name, card] of this.nodes) {
      const [x, y] = this.model.graph.layout[name] || [0, 0];
      card.element.style.transform = `translate(${x}px, ${y}px)`;
    }
    this.drawWires();
  }

  // Puts all nodes in columns; as a change that can be undone only when somebody asked for it.
  arrange(asked = true) {
    const heights = Object.fromEntries([...this.nodes].map(([name, card]) => [name, card.element.offsetHeight]));
    const places = this.model.arranged(heights);
    if (asked) this.model.move(places);
    else Object.assign(this.model.graph.layout, places);
    if (asked) this.fit();
  }

  renderStates() { for (const name of this.nodes.keys()) this.nodes.get(name).renderState(); this.drawWires(); }
  renderState(name) { this.nodes.get(name)?.renderState(); this.renderStale(); this.drawWires(); }
  renderStale() { for (const card of this.nodes.values()) card.renderStale(); }
  inputsChanged() { for (const card of this.nodes.values()) card.renderInput(); this.renderStale(); }

  drawWires() {
    const { wire, loose } = this;
    const paths = this.model.wires().map((one) => {
      const [from, to] = [this._dot(one.from), this._dot(one.to)];
      if (!from || !to) return "";
      const chosen = wire && wire.to.node === one.to.node && wire.to.port === one.to.port;
      const curve = this._curve(from, to), type = this.model.typeOf(one.from);
      return `<g class="sp-wire${chosen ? " is-selected" : ""}" data-type="${type}" data-to="${one.to.node}.${one.to.port}">
        <path class="sp-wire-touch" d="${curve}"/><path d="${curve}"/></g>`;
    });
    if (loose?.at) {
      const [from, to] = loose.from ? [this._dot(loose.from), loose.at] : [loose.at, this._dot(loose.to)];
      if (from && to) paths.push(`<g class="sp-wire is-loose"><path d="${this._curve(from, to)}"/></g>`);
    }
    this.lines.innerHTML = paths.join("");
  }

  _dot(end) {
    const [node, port, side] = typeof end === "string"
      ? (end.startsWith("$") ? [end, end.slice(1), "out"] : [...end.split("."), "out"])
      : [end.node, end.port, "in"];
    const dot = this.nodes.get(node)?.element.querySelector(`[data-side="${side}"][data-port="${port}"] i`);
    if (!dot) return null;
    const box = dot.getBoundingClientRect();
    return this.toWorld(box.left + box.width / 2, box.top + box.height / 2);
  }

  _curve([x0, y0], [x1, y1]) {
    const bend = Math.max(40, Math.min(160, Math.abs(x1 - x0) / 2));
    return `M${x0},${y0} C${x0 + bend},${y0} ${x1 - bend},${y1} ${x1},${y1}`;
  }

  // -- places ----------------------------------------------------------------------------------------------------

  toWorld(x, y) {
    const box = this.ground.getBoundingClientRect();
    return [(x - box.left - this.view.x) / this.view.scale, (y - box.top - this.view.y) / this.view.scale];
  }

  // Free ground to the right of everything.
  freePlace() {
    const boxes = [...this.nodes].filter(([name]) => this.model.graph.layout[name]).map(([name, card]) =>
      [...this.model.graph.layout[name], card.element.offsetWidth]);
    if (!boxes.length) return this.toWorld(...this._middle([-120, -120])).map(Math.round);
    const right = boxes.reduce((one, other) => (other[0] + other[2] > one[0] + one[2] ? other : one));
    return [Math.round(right[0] + right[2] + 60), Math.round(right[1])];
  }

  _middle([dx, dy]) {
    const box = this.ground.getBoundingClientRect();
    return [box.left + box.width / 2 + dx, box.top + box.height / 2 + dy];
  }

  zoom(factor, at = this._middle([0, 0])) {
    const [x, y] = this.toWorld(...at), box = this.ground.getBoundingClientRect();
    const scale = Math.min(Math.max(this.view.scale * factor, sampipe.GraphBoard.LEAST), sampipe.GraphBoard.MOST);
    this.view = { scale, x: at[0] - box.left - x * scale, y: at[1] - box.top - y * scale };
    this._look();
  }

  _look() {
    const { x, y, scale } = this.view;
    this.world.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    this.ground.style.backgroundPosition = `${x}px ${y}px`;
    this.ground.style.backgroundSize = `${22 * scale}px ${22 * scale}px`;
    this.canvas.bar?.zoomed(scale);
  }

  // Shows all nodes, at most at their natural size.
  fit() {
    const box = this.ground.getBoundingClientRect();
    if (!box.width) return;
    if (!this.nodes.size) { this.view = { x: 0, y: 0, scale: 1 }; return this._look(); }
    const places = [...this.nodes].map(([name, { element }]) => {
      const [x, y] = this.model.graph.layout[name];
      return [x, y, x + element.offsetWidth, y + element.offsetHeight];
    });
    const [x0, y0] = [0, 1].map((at) => Math.min(...places.map((one) => one[at])));
    const [x1, y1] = [2, 3].map((at) => Math.max(...places.map((one) => one[at])));
    const wanted = Math.min(1, (box.width - 60) / (x1 - x0), (box.height - 60) / (y1 - y0));
    const readable = matchMedia("(max-width: 800px)").matches ? 1 : 1.5 * sampipe.GraphBoard.LEAST; // fingers need more
    const scale = Math.max(wanted, readable); // what does not fit begins at the left
    const [x, y] = [[box.width, x0, x1], [box.height, y0, y1]].map(([room, from, to]) => Math.max(20 - from * scale, (room - (from + to) * scale) / 2));
    this.view = { scale, x, y };
    this._look();
    this.drawWires();
  }

  // Moves the view so that a node is on it.
  reveal(name) {
    const box = this.ground.getBoundingClientRect(), node = this.nodes.get(name)?.element.getBoundingClientRect();
    if (!node) return;
    if (node.left < box.left || node.right > box.right || node.top < box.top || node.top + 80 > box.bottom) this.fit();
  }

  // -- gestures --------------------------------------------------------------------------------------------------

  _listen() {
    const { ground } = this;
    ground.addEventListener("pointerdown", (event) => this._down(event));
    ground.addEventListener("dblclick", (event) => {
      if (this._isGround(event.target)) this.canvas.menu.open({ at: [event.clientX, event.clientY] });
    });
    ground.addEventListener("wheel", (event) => {
      if (event.target.closest("textarea, .sp-params")) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), [event.clientX, event.clientY]);
    }, { passive: false });
    ground.addEventListener("keydown", (event) => this.canvas.key(event));
    ground.addEventListener("click", (event) => {
      const port = event.target.closest(".sp-port");
      if (port && event.detail === 0) this._tap(port); // by key: a pointer's tap was seen already
    });
    this.touches = new Map();
  }

  _isGround(target) { return target === this.ground || target === this.world || target.closest(".sp-wires, .sp-empty"); }

  _down(event) {
    if (event.button > 1) return;
    const port = event.target.closest(".sp-port"), line = event.target.closest(".sp-wire"), node = event.target.closest(".sp-node");
    if (port) return this._drawWire(event, port);
    if (line?.dataset.to) { this.canvas.select([]); return this._selectWire(line.dataset.to); }
    if (node && event.target.closest("input, select, textarea, button, summary, a, label, .sp-node-image")) return;
    if (node) return this._moveNodes(event, node.dataset.node);
    if (event.pointerType === "touch") this.touches.set(event.pointerId, [event.clientX, event.clientY]);
    if (this.loose) this.letGo();
    if (!event.shiftKey) this.canvas.select([]);
    this._pan(event);
  }

  // Calls move(dx, dy, event) until the pointer is lifted, then end(event, moved).
  _drag(event, move, end = () => {}) {
    const { clientX, clientY, pointerId } = event;
    let moved = false;
    const onMove = (now) => {
      if (now.pointerId !== pointerId) return;
      moved ||= Math.hypot(now.clientX - clientX, now.clientY - clientY) > 4;
      if (moved) move(now.clientX - clientX, now.clientY - clientY, now);
    };
    const onEnd = (now) => {
      if (now.pointerId !== pointerId) return;
      window.removeEventListener("pointermove", onMove);
      window.removeEventListener("pointerup", onEnd);
      window.removeEventListener("pointercancel", onEnd);
      end(now, moved);
    };
    window.addEventListener("pointermove", onMove);
    window.addEventListener("pointerup", onEnd);
    window.addEventListener("pointercancel", onEnd);
  }

  _pan(event) {
    const from = { ...this.view };
    this._drag(event, (dx, dy, now) => {
      if (this.touches.size > 1) return this._pinch(now);
      this.view = { ...this.view, x: from.x + dx, y: from.y + dy };
      this._look();
    }, (now) => this.touches.delete(now.pointerId));
  }

  _pinch(now) {
    const other = [...this.touches].find(([id]) => id !== now.pointerId)?.[1], before = this.touches.get(now.pointerId);
    if (!other || !before) return;
    const here = [now.clientX, now.clientY], apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
    this.touches.set(now.pointerId, here);
    this.zoom(apart(here, other) / Math.max(apart(before, other), 1), [(here[0] + other[0]) / 2, (here[1] + other[1]) / 2]);
  }

  _moveNodes(event, name) {
    const { canvas } = this;
    if (event.shiftKey) {
      canvas.selected.has(name) ? canvas.selected.delete(name) : canvas.selected.add(name);
      canvas.select([...canvas.selected]);
    } else if (!canvas.selected.has(name)) canvas.select([name]);
    const before = Object.fromEntries([...canvas.selected].map((one) => [one, this.model.graph.layout[one] || [0, 0]]));
    let places = before;
    this._drag(event, (dx, dy) => {
      places = Object.fromEntries(Object.entries(before).map(([one, [x, y]]) =>
        [one, [Math.round(x + dx / this.view.scale), Math.round(y + dy / this.view.scale)]]));
      for (const [one, [x, y]] of Object.entries(places)) this.nodes.get(one).element.style.transform = `translate(${x}px, ${y}px)`;
      this.drawWires();
    }, (_, moved) => { if (moved) this.model.move(places); });
  }

  // -- wires -----------------------------------------------------------------------------------------------------

  _selectWire(text) {
    const [node, port] = text.split(".");
    this.wire = { to: { node, port } };
    this.ground.focus();
    this.drawWires();
    this.canvas.bar.render();
  }

  _endOf(port) {
    const { node, port: name, side } = port.dataset;
    return side === "in" ? { to: { node, port: name } } : { from: node.startsWith("$") ? node : `${node}.${name}` };
  }

  _drawWire(event, port) {
    event.preventDefault();
    port.focus();
    const end = this._endOf(port), wired = end.to && this.model.graph.nodes[end.to.node].inputs[end.to.port];
    let taken = false;
    this._drag(event, (dx, dy, now) => {
      if (!taken) {
        taken = true;
        if (wired) { this.model.disconnect(end.to); this.loose = { from: wired }; } else this.loose = end; // a wire is taken off
        this._dim();
      }
      this.loose.at = this.toWorld(now.clientX, now.clientY);
      this.drawWires();
    }, (now, moved) => {
      if (!moved) return this._tap(port);
      const under = document.elementFromPoint(now.clientX, now.clientY), loose = this.loose;
      if (!loose) return;
      const other = under?.closest?.(".sp-port"), node = under?.closest?.(".sp-node");
      if (other) this._join(loose, this._endOf(other));
      else if (node) this._joinNode(loose, node.dataset.node);
      else if (under && this.ground.contains(under) && !wired) return this.canvas.menu.open({ at: [now.clientX, now.clientY], wire: loose });
      this.letGo();
    });
  }

  // A tap begins a wire or ends it.
  _tap(port) {
    const end = this._endOf(port);
    if (this.loose) { this._join(this.loose, end); return this.letGo(); }
    this.loose = end;
    this._dim();
    port.classList.add("is-armed");
    this.canvas.say("Now the port it leads to; Escape lets go.");
  }

  _join(one, other) {
    const from = one.from || other.from, to = one.to || other.to;
    if (!from || !to || (one.from && other.from) || (one.to && other.to)) return;
    if (this.model.mayConnect(to, from)) return this.model.connect(to, from);
    const fit = this.model.isFit(this.model.typeOf(from), this.model.portOf(to, "in").type);
    this.canvas.say(fit ? `${from} comes after ${to.node}: a wire back would be a circle.`
      : `${from} gives ${this.model.typeOf(from)}; ${to.node}.${to.port} takes ${this.model.portOf(to, "in").type}.`, true);
  }

  _joinNode(loose, name) {
    const entry = this.model.entry(name);
    if (!entry) return;
    if (loose.from) {
      const port = this.model.portFor(entry.inputs, "in", loose);
      if (port) this._join(loose, { to: { node: name, port: port.name } });
    } else {
      const port = this.model.portFor(entry.outputs, "out", loose);
      if (port) this._join(loose, { from: `${name}.${port.name}` });
    }
  }

  letGo() {
    this.loose = null;
    this.ground.classList.remove("is-wiring");
    this.ground.querySelectorAll(".sp-port").forEach((one) => one.classList.remove("is-fitting", "is-armed"));
    this.drawWires();
  }

  // While a wire is loose, ports that it cannot lead to are dim.
  _dim() {
    this.ground.classList.add("is-wiring");
    this.ground.querySelectorAll(".sp-port").forEach((port) => {
      const other = this._endOf(port), from = this.loose.from || other.from, to = this.loose.to || other.to;
      const opposite = Boolean(this.loose.from) !== Boolean(other.from);
      port.classList.toggle("is-fitting", Boolean(opposite && from && to && this.model.mayConnect(to, from)));
    });
  }
};
