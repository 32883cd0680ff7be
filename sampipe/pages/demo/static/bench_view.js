// What the bench looks like: tools above the image, candidates below, objects and downloads beside it.
window.sampipe = window.sampipe || {};

sampipe.BenchView = class extends sampipe.StageView {
  static ACTIONS = [["undo", "Undo", "Z"], ["redo", "Redo", "Y"], ["finish", "New object", "N", "next"], ["clear", "Clear", "", "clear"]];
  static DOWNLOADS = [
    ["overlay", "Overlay", "the image with its masks, PNG"], ["labels", "Labels", "16-bit label image, PNG"],
    ["coco", "COCO", "COCO annotations, JSON"], ["yolo", "YOLO", "YOLO segmentation labels, TXT in a ZIP"],
    ["cutout", "Cut-out", "the objects on transparency, PNG"],
  ];

  constructor(element, bench) {
    super(element.querySelector(".sp-bench"), bench);
    this.root.innerHTML = this._html();
    this.stage = this.find(".sp-stage");
    this.takeFiles("sp-");
    this.listenToTools();
    this.on("[data-action]", "click", (one) => bench[one.dataset.action]());
    this.on("[data-kind]", "click", (one) => bench.download(one.dataset.kind));
    this.on("[data-sample]", "click", (one) => bench.open({ sample: one.dataset.sample }));
    document.addEventListener("paste", (event) => {
      const file = [...(event.clipboardData?.files || [])].find((one) => one.type.startsWith("image/"));
      if (file && this.root.isConnected) bench.openFile(file);
    });
  }

  get stageCanvas() { return this.bench.canvas; }

  _html() {
    const { ACTIONS, DOWNLOADS } = sampipe.BenchView, { samples } = this.bench.settings, tools = sampipe.StageView.tools(["point", "background", "box", "brush"]);
    const actions = ACTIONS.map(([name, text, key, icon]) =>
      `<button type="button" data-action="${name}" title="${text}${key && ` (${key})`}" aria-label="${text}">${sampipe.icon(icon || name)}${icon ? `<span>${text}</span>` : ""}</button>`).join("");
    const shown = samples.map(({ name, url }) =>
      `<button type="button" data-sample="${name}"><img src="${url}" alt=""><span>${name}</span></button>`).join("");
    return `
      <div class="sp-open">
        <p class="sp-drop">Drop or paste an image here, or <button type="button" class="sp-browse">choose a file</button>
        <button type="button" class="sp-keep" hidden>Back to the image</button></p>
        <input type="file" accept="image/*" hidden aria-label="Image file">
        <p class="sp-note">or take one of these</p>
        <div class="sp-samples">${shown}</div>
      </div>
      <div class="sp-work">
        <div class="sp-left">
          <div class="sp-tools"><div class="sp-group" role="group" aria-label="Tools">${tools}</div>
          <div class="sp-group" role="group" aria-label="Actions">${actions}</div>
          ${sampipe.StageView.ZOOM}
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
          <div class="sp-downloads">${sampipe.StageView.downloads("kind", DOWNLOADS)}</div>
          <p class="sp-hover sp-note"></p>
        </aside>
      </div>
      <p class="sp-trouble" role="alert"></p>`;
  }

  ownKeys() {
    const { bench } = this, one = bench.active;
    const candidates = one ? bench.bySize(one).map((index, at) => [at + 1, () => bench.set(one.id, { chosen: index })]) : [];
    return { ...(one && { escape: () => bench.refine(one.id), delete: () => bench.remove(one.id) }), ...Object.fromEntries(candidates) };
  }

  showImage(image) {
    this.root.classList.add("has-image");
    this.bench.canvas.canvas.dataset.key = image.key;
    this.use("point");
  }

  say(text, wrong = false) {
    const status = this.find(this.root.classList.contains("has-image") ? ".sp-status" : ".sp-trouble");
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
    this.showRows(objects);
    this._candidates();
  }

  row(id) {
    const { bench } = this, row = document.createElement("li"), on = (what, act) => row.querySelector(what).addEventListener("click", act);
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

  fill(row, object) {
    const { bench } = this, number = object.number + 1, iou = bench.chosen(object)?.iou, [name, score] = row.querySelectorAll("input, .sp-iou");
    const hasScore = typeof object.score === "number", active = object.id === bench.state.active;
    const told = { name: `Name of object ${number}`, hide: `Hide object ${number}`, refine: `Refine object ${number}`, remove: `Delete object ${number}` };
    const [hide, refine, remove] = row.querySelectorAll("button");
    row.dataset.object = number;
    row.classList.toggle("is-active", active);
    row.querySelector("i").style.background = bench.color(object);
    row.querySelector("b").textContent = number;
    this.name(name, object.name);
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
    if (candidates.length < 2) return sampipe.refill(strip, [], bench.canvas.canvas);
    const chosen = object.chosen ?? sampipe.bestCandidate(candidates);
    const names = candidates.length === 3 ? ["whole", "part", "subpart"] : [];
    sampipe.refill(strip, bench.bySize(object).map((index, at) => {
      const { rle, iou } = candidates[index];
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", index === chosen);
      button.dataset.candidate = at + 1;
      button.append(this._thumbnail(rle, bench.color(object)));
      button.insertAdjacentHTML("beforeend", `<span>${at + 1} ${names[at] || ""} · IoU ${iou.toFixed(2)}</span>`);
      button.addEventListener("click", () => bench.set(object.id, { chosen: index }));
      return button;
    }), bench.canvas.canvas);
  }

  _thumbnail(rle, color) {
    const { image, canvas } = this.bench, scale = Math.min(1, 240 / Math.max(image.width, image.height));
    const small = document.createElement("canvas");
    small.width = Math.max(1, Math.round(image.width * scale));
    small.height = Math.max(1, Math.round(image.height * scale));
    const context = small.getContext("2d");
    context.drawImage(canvas.bitmap, 0, 0, small.width, small.height);
    context.drawImage(sampipe.paintedMask(sampipe.maskPixels(rle, small.width, small.height), small.width, small.height, color, 0.6), 0, 0);
    return small;
  }
};
