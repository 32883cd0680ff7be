// What the bench and the clip look like in common: files that are dropped, tools and their keys, zoom, rows of objects.
window.sampipe = window.sampipe || {};

sampipe.ICONS = {
  point: '<circle cx="8" cy="8" r="6.2"/><path d="M5 8h6M8 5v6"/>',
  background: '<circle cx="8" cy="8" r="6.2"/><path d="M5 8h6"/>',
  box: '<rect x="2" y="3.5" width="12" height="9" stroke-dasharray="2.6 1.6"/>',
  brush: '<path d="M13.5 2.5 7 9M6.3 9.2c-2-.4-3.3.9-3.3 2.5 0 1-.5 1.5-1.3 1.8 3.2.9 6-.5 6-2.800z"/>',
  undo: '<path d="M6 3 2.5 6.5 6 10M2.5 6.500H10a3.5 3.5 0 0 1 0 7H6"/>',
  redo: '<path d="M10 3l3.5 3.500L10 10M13.5 6.500H6a3.5 3.5 0 0 0 0 7h4"/>',
  next: '<path d="M8 3v10M3 8h10"/>',
  clear: '<path d="M3 4.500h10M6 4.500V3h4v1.500M4.5 4.500l.6 9h5.800l.6-9"/>',
  show: '<path d="M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8z"/><circle cx="8" cy="8" r="2"/>',
  hide: '<path d="M2 2l12 12M6.5 4a6 6 0 0 1 8 4 9 9 0 0 1-1.7 2.300M4 5.500A9 9 0 0 0 1.5 8S4 12.5 8 12.500c.8 0 1.5-.2 2.2-.4"/>',
  refine: '<path d="M3 13l.7-3L11 2.7 13.3 5 6 12.300z"/>',
};
sampipe.icon = (name) => `<svg viewBox="0 0 16 16" aria-hidden="true">${sampipe.ICONS[name]}</svg>`;

// What was done outlives a reload of the window; where the browser cannot keep it, it asks before the window goes.
sampipe.unkept = new Set();
sampipe.keep = (name, value) => {
  try {
    sessionStorage.setItem(name, JSON.stringify(value));
    sampipe.unkept.delete(name);
  } catch { // more than a browser keeps
    sessionStorage.removeItem(name);
    sampipe.unkept.add(name);
  }
};
sampipe.kept = (name) => {
  try { return JSON.parse(sessionStorage.getItem(name)); } catch { return null; }
};
window.addEventListener("beforeunload", (event) => { if (sampipe.unkept.size) event.preventDefault(); });

sampipe.StageView = class {
  static TOOLS = [
    ["point", "Object", "P", "Click what you want; drag for a box, right click for background"],
    ["background", "Background", "B", "Click what does not belong to it"],
    ["box", "Box", "X", "Drag a box around it"],
    ["brush", "Brush", "R", "Paint roughly over it"],
  ];
  static ZOOM = `<div class="sp-group" role="group" aria-label="Zoom">
    <button type="button" data-zoom="0.8" title="Zoom out (-)" aria-label="Zoom out">−</button>
    <button type="button" data-zoom="1.25" title="Zoom in (+; Ctrl and the wheel)" aria-label="Zoom in">+</button></div>`;

  constructor(root, bench) {
    this.root = root;
    this.bench = bench;
  }

  find(selector) { return this.root.querySelector(selector); }
  on(selector, what, act) { this.root.querySelectorAll(selector).forEach((one) => one.addEventListener(what, () => act(one))); }

  static tools(names) {
    return sampipe.StageView.TOOLS.filter(([name]) => names.includes(name)).map(([name, text, key, help]) =>
      `<button type="button" data-tool="${name}" aria-pressed="false" title="${help} (${key})">${sampipe.icon(name)}<span>${text}</span></button>`).join("");
  }

  static downloads(attribute, kinds) {
    return kinds.map(([kind, text, help]) => `<button type="button" data-${attribute}="${kind}" title="${help}">${text}</button>`).join("");
  }

  // Files come from a dialog or are dropped. "Back" is there once something was open.
  takeFiles(prefix) {
    const { root, bench } = this, file = this.find("input[type=file]");
    this.prefix = prefix;
    file.addEventListener("change", () => { bench.openFile(file.files[0]); file.value = ""; });
    this.on(`.${prefix}browse`, "click", () => this.browse());
    this.on(`.${prefix}keep`, "click", () => root.classList.add("has-image"));
    root.addEventListener("dragover", (event) => { event.preventDefault(); root.classList.add("is-over"); });
    root.addEventListener("dragleave", () => root.classList.remove("is-over"));
    root.addEventListener("drop", (event) => { event.preventDefault(); root.classList.remove("is-over"); bench.openFile(event.dataTransfer.files[0]); });
  }

  browse() { this.find("input[type=file]").click(); }

  // Choose another one; the one that is there stays until then.
  other() {
    this.root.classList.remove("has-image");
    this.find(`.${this.prefix}keep`).hidden = false;
    this.find(`.${this.prefix}browse`).focus();
  }

  listenToTools() {
    this.on("button[data-tool]", "click", (one) => this.use(one.dataset.tool));
    this.on("[data-zoom]", "click", (one) => this.stageCanvas.zoomTo(this.stageCanvas.zoom * Number(one.dataset.zoom)));
    this.on(`.${this.prefix}other`, "click", () => this.other());
  }

  use(tool) {
    this.stageCanvas.tool = tool;
    this.root.querySelectorAll("button[data-tool]").forEach((one) => one.setAttribute("aria-pressed", one.dataset.tool === tool));
  }

  shortcut(event) {
    const key = event.key.toLowerCase(), { bench } = this;
    if (event.ctrlKey || event.metaKey) {
      if (key !== "z" && key !== "y") return;
      event.preventDefault();
      return key === "y" || event.shiftKey ? bench.redo() : bench.undo();
    }
    const tool = sampipe.StageView.TOOLS.find(([name, , letter]) => letter.toLowerCase() === key && this.find(`[data-tool="${name}"]`));
    const zoom = (factor) => () => this.stageCanvas.zoomTo(this.stageCanvas.zoom * factor);
    const keys = {
      "z": () => bench.undo(), "y": () => bench.redo(), "n": () => bench.finish(),
      "+": zoom(1.25), "=": zoom(1.25), "-": zoom(0.8), ...this.ownKeys(),
    };
    if (!tool && !keys[key]) return;
    event.preventDefault();
    if (tool) this.use(tool[0]); else keys[key]();
  }

  // Rows stay while their objects do, so that a change takes neither the focus nor a press that has begun.
  showRows(objects) {
    const list = this.find(".sp-objects"), rows = new Map([...list.children].map((row) => [Number(row.dataset.id), row]));
    const focused = list.contains(document.activeElement);
    for (const [id, row] of rows) if (!objects.some((one) => one.id === id)) row.remove();
    objects.forEach((one, at) => {
      const row = rows.get(one.id) || this.row(one.id);
      row.dataset.id = one.id;
      this.fill(row, one);
      if (list.children[at] !== row) list.insertBefore(row, list.children[at] || null);
    });
    if (focused && !list.contains(document.activeElement)) this.stageCanvas.canvas.focus({ preventScroll: true });
  }

  name(field, text) { if (field !== document.activeElement || field.value.trim() === text) field.value = text; }
};
