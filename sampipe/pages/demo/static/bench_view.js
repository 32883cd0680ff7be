// What the bench looks like: tools above the picture, candidates below, objects and downloads beside it.
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

sampipe.BenchView = class {
  static TOOLS = [
    ["point", "Object", "P", "Click what you want; drag for a box, right click for background"],
    ["background", "Background", "B", "Click what does not belong to it"],
    ["box", "Box", "X", "Drag a box around it"],
    ["brush", "Brush", "R", "Paint roughly over it"],
  ];
  static ACTIONS = [["undo", "Undo", "Z"], ["redo", "Redo", "Y"], ["finish", "New object", "N", "next"], ["clear", "Clear", "", "clear"]];
  static DOWNLOADS = [
    ["overlay", "Overlay", "the picture with its masks, PNG"], ["labels", "Labels", "16-bit label image, PNG"],
    ["coco", "COCO", "COCO annotations, JSON"], ["yolo", "YOLO", "YOLO segmentation labels, TXT in a ZIP"],
    ["cutout", "Cut-out", "the objects on transparency, PNG"],
  ];

  constructor(element, bench) {
    this.bench = bench;
    this.root = element.querySelector(".sp-bench");
    this.root.innerHTML = this._html();
    this.stage = this.find(".sp-stage");
    this.root.querySelectorAll("button[data-tool]").forEach((button) => button.addEventListener("click", () => this.use(button.dataset.tool)));
    this.root.querySelectorAll("[data-action]").forEach((button) => button.addEventListener("click", () => bench[button.dataset.action]()));
    this.root.querySelectorAll("[data-kind]").forEach((button) => button.addEventListener("click", () => bench.download(button.dataset.kind)));
    this.root.querySelectorAll("[data-sample]").forEach((button) => button.addEventListener("click", () => bench.open({ sample: button.dataset.sample })));
    this.find("input[type=file]").addEventListener("change", (event) => { bench.openFile(event.target.files[0]); event.target.value = ""; });
    this.find(".sp-other").addEventListener("click", () => { this.root.classList.remove("has-picture"); this.find(".sp-keep").hidden = false; this.find(".sp-browse").focus(); });
    this.find(".sp-keep").addEventListener("click", () => this.showPicture(bench.picture));
    this.root.querySelectorAll("[data-zoom]").forEach((button) => button.addEventListener("click", () => { bench.canvas.zoomTo(bench.canvas.zoom * Number(button.dataset.zoom)); }));
    this.find(".sp-browse").addEventListener("click", () => this.browse());
    this.root.addEventListener("dragover", (event) => { event.preventDefault(); this.root.classList.add("is-over"); });
    this.root.addEventListener("dragleave", () => this.root.classList.remove("is-over"));
    this.root.addEventListener("drop", (event) => {
      event.preventDefault();
      this.root.classList.remove("is-over");
      bench.openFile(event.dataTransfer.files[0]);
    });
    document.addEventListener("paste", (event) => {
      const file = [...(event.clipboardData?.files || [])].find((one) => one.type.startsWith("image/"));
      if (file && this.root.isConnected) bench.openFile(file);
    });
  }

  browse() { this.find("input[type=file]").click(); }
  find(selector) { return this.root.querySelector(selector); }

  _html() {
    const { TOOLS, ACTIONS, DOWNLOADS } = sampipe.BenchView, { samples } = this.bench.settings;
    const tools = TOOLS.map(([name, text, key, help]) =>
      `<button type="button" data-tool="${name}" aria-pressed="false" title="${help} (${key})">${sampipe.icon(name)}<span>${text}</span></button>`).join("");
    const actions = ACTIONS.map(([name, text, key, icon]) =>
      `<button type="button" data-action="${name}" title="${text}${key && ` (${key})`}" aria-label="${text}">${sampipe.icon(icon || name)}${icon ? `<span>${text}</span>` : ""}</button>`).join("");
    const downloads = DOWNLOADS.map(([kind, text, help]) => `<button type="button" data-kind="${kind}" title="${help}">${text}</button>`).join("");
    const pictures = samples.map(({ name, url }) =>
      `<button type="button" data-sample="${name}"><img src="${url}" alt=""><span>${name}</span></button>`).join("");
    return `
      <div class="sp-open">
        <p class="sp-drop">Drop or paste an image here, or <button type="button" class="sp-browse">choose a file</button>
        <button type="button" class="sp-keep" hidden>Back to the image</button></p>
        <input type="file" accept="image/*" hidden aria-label="Image file">
        <p class="sp-note">or take one of these</p>
        <div class="sp-samples">${pictures}</div>
      </div>
      <div class="sp-work">
        <div class="sp-left">
          <div class="sp-tools"><div class="sp-group" role="group" aria-label="Tools">${tools}</div>
          <div class="sp-group" role="group" aria-label="Actions">${actions}</div>
          <div class="sp-group" role="group" aria-label="Zoom"><button type="button" data-zoom="0.8" title="Zoom out (-)" aria-label="Zoom out">−</button><button type="button" data-zoom="1.25" title="Zoom in (+; Ctrl and the wheel)" aria-label="Zoom in">+</button></div>
          <button type="button" class="sp-other">Other image</button></div>
          <p class="sp-status" role="status" aria-live="polite"></p>
          <div class="sp-candidates" role="group" aria-label="Candidates"></div>
          <div class="sp-stage"></div>
        </div>
        <aside class="sp-side">
          <h3>Objects <span class="sp-count"></span></h3>
          <ol class="sp-objects"></ol>
          <p class="sp-none sp-note">None yet.</p>
          <h3>Download</h3>
          <div class="sp-downloads">${downloads}</div>
          <p class="sp-hover sp-note"></p>
        </aside>
      </div>
      <p class="sp-trouble" role="alert"></p>`;
  }

  use(tool) {
    this.bench.canvas.tool = tool;
    this.root.querySelectorAll("button[data-tool]").forEach((one) => one.setAttribute("aria-pressed", one.dataset.tool === tool));
  }

  shortcut(event) {
    const key = event.key.toLowerCase(), { bench } = this;
    if (event.ctrlKey || event.metaKey) {
      if (key !== "z" && key !== "y") return;
      event.preventDefault();
      return key === "y" || event.shiftKey ? bench.redo() : bench.undo();
    }
    const tools = Object.fromEntries(sampipe.BenchView.TOOLS.map(([name, , letter]) => [letter.toLowerCase(), name]));
    if (tools[key]) this.use(tools[key]);
    else if (key === "z") bench.undo();
    else if (key === "+" || key === "=" || key === "-") bench.canvas.zoomTo(bench.canvas.zoom * (key === "-" ? 0.8 : 1.25));
    else if (key === "y") bench.redo();
    else if (key === "n") bench.finish();
    else if (key === "escape" && bench.active) bench.refine(bench.active.id); // lets go of it
    else if (key === "delete" && bench.active) bench.remove(bench.active.id);
    else if (/[1-9]/.test(key) && bench.active && bench.candidates(bench.active)[key - 1]) bench.set(bench.active.id, { chosen: key - 1 });
    else return;
    event.preventDefault();
  }

  showPicture(picture) {
    this.root.classList.add("has-picture");
    this.bench.canvas.canvas.dataset.key = picture.key;
    this.use("point");
  }

  say(text, wrong = false) {
    const status = this.find(this.root.classList.contains("has-picture") ? ".sp-status" : ".sp-trouble");
    this.find(".sp-trouble").textContent = "";
    status.textContent = text;
    status.classList.toggle("sp-error", wrong);
  }

  // Shown after a moment only, so that quick answers do not flicker.
  busy(text, later = false) {
    clearTimeout(this._soon);
    const show = () => { if (text) this.root.dataset.busy = text; else delete this.root.dataset.busy; };
    if (later) this._soon = setTimeout(show, 250); else show();
  }

  render() {
    const { bench } = this, { objects } = bench.state;
    this.find('[data-action="undo"]').disabled = !bench.past.length;
    this.find('[data-action="redo"]').disabled = !bench.future.length;
    this.find('[data-action="finish"]').disabled = !bench.active;
    this.find('[data-action="clear"]').disabled = !objects.length;
    this.find(".sp-count").textContent = objects.length ? `(${objects.length})` : "";
    this.find(".sp-none").hidden = objects.length > 0;
    this.root.querySelectorAll("[data-kind]").forEach((button) => { button.disabled = !objects.length; });
    this._rows(objects);
    this._candidates();
  }

  // Rows stay while their objects do, so that a change takes neither the focus nor a press that has begun.
  _rows(objects) {
    const list = this.find(".sp-objects"), rows = new Map([...list.children].map((row) => [Number(row.dataset.id), row]));
    const focused = list.contains(document.activeElement);
    for (const [id, row] of rows) if (!objects.some((one) => one.id === id)) row.remove();
    objects.forEach((one, at) => {
      const row = rows.get(one.id) || this._row(one.id);
      this._fill(row, one);
      if (list.children[at] !== row) list.insertBefore(row, list.children[at] || null);
    });
    if (focused && !list.contains(document.activeElement)) this.bench.canvas.canvas.focus({ preventScroll: true });
  }

  _row(id) {
    const { bench } = this, row = document.createElement("li"), on = (what, act) => row.querySelector(what).addEventListener("click", act);
    row.dataset.id = id;
    row.innerHTML = `<i></i><b></b><input type="text" placeholder="name" maxlength="80"><span class="sp-iou"></span>
      <button type="button" data-do="hide" title="Hide or show"></button>
      <button type="button" data-do="refine" title="Refine with more clicks">${sampipe.icon("refine")}</button>
      <button type="button" data-do="remove" title="Delete">${sampipe.icon("clear")}</button>`;
    const name = row.querySelector("input");
    name.addEventListener("change", () => bench.set(id, { name: name.value.trim() }));
    on('[data-do="hide"]', () => bench.set(id, { hidden: !bench.state.objects.find((one) => one.id === id).hidden }));
    on('[data-do="refine"]', () => bench.refine(id));
    on('[data-do="remove"]', () => bench.remove(id));
    return row;
  }

  _fill(row, object) {
    const { bench } = this, number = object.number + 1, iou = bench.chosen(object)?.iou, [name, score] = row.querySelectorAll("input, .sp-iou");
    const hasScore = typeof object.score === "number", active = object.id === bench.state.active;
    const told = { name: `Name of object ${number}`, hide: `Hide object ${number}`, refine: `Refine object ${number}`, remove: `Delete object ${number}` };
    const [hide, refine, remove] = row.querySelectorAll("button");
    row.dataset.object = number;
    row.classList.toggle("is-active", active);
    row.querySelector("i").style.background = bench.color(object);
    row.querySelector("b").textContent = number;
    if (name !== document.activeElement || name.value.trim() === object.name) name.value = object.name;
    score.title = hasScore ? "score of what found it" : "predicted IoU";
    score.textContent = !bench.chosen(object) ? "…" : hasScore ? object.score.toFixed(2) : iou === null || iou === undefined ? "" : iou.toFixed(2);
    hide.innerHTML = sampipe.icon(object.hidden ? "hide" : "show");
    hide.setAttribute("aria-pressed", object.hidden);
    refine.setAttribute("aria-pressed", active);
    [[name, told.name], [hide, told.hide], [refine, told.refine], [remove, told.remove]].forEach(([one, text]) => one.setAttribute("aria-label", text));
  }

  _candidates() {
    const { bench } = this, object = bench.active, candidates = object ? bench.candidates(object) : [];
    const strip = this.find(".sp-candidates");
    if (candidates.length < 2) return strip.replaceChildren();
    const chosen = object.chosen ?? sampipe.bestCandidate(candidates);
    const bySize = candidates.map((one, index) => index).sort((one, other) => candidates[other].area - candidates[one].area);
    const names = ["whole", "part", "subpart"];
    strip.replaceChildren(...candidates.map(({ rle, iou }, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", index === chosen);
      button.dataset.candidate = index + 1;
      button.append(this._thumbnail(rle, bench.color(object)));
      button.insertAdjacentHTML("beforeend", `<span>${index + 1} ${candidates.length === 3 ? names[bySize.indexOf(index)] : ""} · IoU ${iou.toFixed(2)}</span>`);
      button.addEventListener("click", () => bench.set(object.id, { chosen: index }));
      return button;
    }));
  }

  _thumbnail(rle, color) {
    const { picture, canvas } = this.bench, scale = Math.min(1, 240 / Math.max(picture.width, picture.height));
    const small = document.createElement("canvas");
    small.width = Math.max(1, Math.round(picture.width * scale));
    small.height = Math.max(1, Math.round(picture.height * scale));
    const context = small.getContext("2d");
    context.drawImage(canvas.image, 0, 0, small.width, small.height);
    context.drawImage(sampipe.paintedMask(sampipe.maskPixels(rle, small.width, small.height), small.width, small.height, color, 0.6), 0, 0);
    return small;
  }
};
