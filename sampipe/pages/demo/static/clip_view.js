// What the Video tab looks like: tools above the frame, a slider under it, objects and downloads beside it.
window.sampipe = window.sampipe || {};

sampipe.ClipView = class extends sampipe.StageView {
  static DOWNLOADS = [
    ["film", "Film", "the clip with its masks, MP4"], ["coco", "COCO", "COCO annotations with track ids, JSON"],
    ["labels", "Masks", "a 16-bit label image a frame, in which a number is an object's id, ZIP of PNG"],
    ["rows", "Rows", "a row a frame, Parquet"],
  ];

  constructor(root, bench) {
    super(root, bench);
    const samples = bench.settings.samples.map((name) => `<button type="button" data-clip-sample="${name}">${name}</button>`).join("");
    root.innerHTML = `
      <div class="sp-open">
        <p>Drop a clip here, or <button type="button" class="sp-clip-browse">choose a file</button>
        <button type="button" class="sp-clip-keep" hidden>Back to the clip</button></p>
        <input type="file" accept="video/*" hidden aria-label="Clip file">
        <p class="sp-note">or let a camera move over a sample</p>
        <div class="sp-clip-samples">${samples}</div>
        <label class="sp-note">at most <input type="number" class="sp-clip-most" min="1" max="${bench.settings.most_frames}" value="100"> frames</label>
        <div class="sp-clip-said" role="status"></div>
      </div>`;
    this.takeFiles("sp-clip-");
    this.on("[data-clip-sample]", "click", (one) => bench.open({ sample: one.dataset.clipSample }));
  }

  get stageCanvas() { return this.canvas; }
  get mostFrames() { return Math.min(Math.max(Math.round(Number(this.find(".sp-clip-most").value)) || 1, 1), this.bench.settings.most_frames); }
  get detector() { return this.find(".sp-clip-detector")?.value || ""; }
  get every() { return Math.min(Math.max(Math.round(Number(this.find(".sp-clip-every").value)) || 1, 1), this.bench.settings.most_frames); }

  // The first clip brings the rest of the page.
  _build() {
    const { bench } = this, tools = sampipe.StageView.tools(["point", "background", "box"]);
    this.root.insertAdjacentHTML("beforeend", `
      <div class="sp-work">
        <div class="sp-left">
          <div class="sp-tools"><div class="sp-group" role="group" aria-label="Tools">${tools}</div>
          <div class="sp-group" role="group" aria-label="Actions">
            <button type="button" data-do="undo" title="Undo (Z)" aria-label="Undo">${sampipe.icon("undo")}</button>
            <button type="button" data-do="redo" title="Redo (Y)" aria-label="Redo">${sampipe.icon("redo")}</button>
            <button type="button" data-do="finish" title="New object (N)">${sampipe.icon("next")}<span>New object</span></button></div>
          ${sampipe.StageView.ZOOM}
          <button type="button" class="sp-clip-other">Other clip</button></div>
          <div class="sp-clip-said" role="status" aria-live="polite"></div>
          <div class="sp-stage"></div>
          <div class="sp-transport">
            <button type="button" data-do="play" title="Play (space)"></button>
            <div class="sp-scrub"><input type="range" min="0" value="0" aria-label="Frame"><div class="sp-ticks"></div></div>
            <span class="sp-clip-at"></span>
          </div>
          <div class="sp-clip-run">
            <button type="button" class="sp-clip-follow"></button>
            <button type="button" data-do="cancel" hidden>Cancel</button>
            <label>Detector <select class="sp-clip-detector"><option value="">none: what is clicked</option></select></label>
            <label>every <input type="number" class="sp-clip-every" min="1" max="${bench.settings.most_frames}" value="5"> frames</label>
          </div>
        </div>
        <aside class="sp-side">
          <h3>Objects</h3>
          <ol class="sp-objects"></ol>
          <p class="sp-none sp-note">None yet: click one on any frame, or choose a detector.</p>
          <h3>Download</h3>
          <div class="sp-downloads">${sampipe.StageView.downloads("clip-kind", sampipe.ClipView.DOWNLOADS)}</div>
        </aside>
      </div>`);
    this.canvas = new sampipe.ImageCanvas(this.find(".sp-stage"), {
      point: (x, y, label) => bench.addPoint(x, y, label),
      box: (box) => bench.mark((marks) => ({ ...marks, box })),
      key: (event) => this.shortcut(event),
    });
    const slider = this.find("input[type=range]");
    this.listenToTools();
    this.on("[data-do]", "click", (one) => bench[one.dataset.do]());
    this.on("[data-clip-kind]", "click", (one) => bench.download(one.dataset.clipKind));
    this.on(".sp-clip-follow", "click", () => bench.follow());
    this.on(".sp-clip-detector", "change", () => this.render());
    slider.addEventListener("input", () => { bench.playing = bench.trailing = false; bench.show(Number(slider.value)); });
  }

  async showClip(clip) {
    if (!this.canvas) { this._build(); this._detectors(); }
    this.root.classList.add("has-image");
    this.find("input[type=range]").max = clip.count - 1;
    this.use("point");
    await this.canvas.setImage({ url: `${clip.folder}0.jpg`, width: clip.width, height: clip.height });
  }

  async _detectors() {
    const answer = await this.bench.call("detectors");
    for (const name of answer?.names || []) this.find(".sp-clip-detector").add(new Option(name, name));
  }

  ownKeys() {
    const { bench } = this, { selected } = bench.state;
    return {
      " ": () => bench.play(), ",": () => bench.step(-1), ".": () => bench.step(1),
      ...(selected !== null && { escape: () => bench.select(selected), delete: () => bench.remove(selected) }),
    };
  }

  get _said() { return [...this.root.querySelectorAll(".sp-clip-said")].at(this.root.classList.contains("has-image") ? -1 : 0); }

  say(text, wrong = false) {
    this.root.querySelectorAll(".sp-clip-said").forEach((one) => one.replaceChildren());
    this._said.textContent = text;
    this._said.classList.toggle("sp-error", wrong);
    this._read = wrong ? performance.now() + 3000 : 0; // until then nobody had time to read it
  }

  progress(share, waiting, doing = "") {
    if (this.bench.running && performance.now() < this._read) return;
    const said = typeof share === "number" ? `${Math.round(100 * share)} %` : doing || (waiting > 0 ? `waiting; ${waiting} before this one` : "starting");
    this._said.classList.remove("sp-error");
    this._said.innerHTML = `<div class="sp-progress" role="progressbar" aria-label="${said}"><i><b style="width:${100 * (share || 0)}%"></b></i> ${said}</div>`;
  }

  render() {
    const { bench } = this, { state, clip, at, running } = bench, { objects } = state;
    const slider = this.find("input[type=range]"), follow = this.find(".sp-clip-follow");
    if (!clip) return;
    slider.value = at;
    this.find(".sp-clip-at").textContent = `${at + 1} / ${clip.count}`;
    this.find('[data-do="play"]').innerHTML = bench.playing ? "❚❚" : "▶";
    this.find('[data-do="play"]').setAttribute("aria-label", bench.playing ? "Pause" : "Play");
    this.find('[data-do="undo"]').disabled = running || !bench.past.length;
    this.find('[data-do="redo"]').disabled = running || !bench.future.length;
    this.find('[data-do="finish"]').disabled = state.selected === null;
    this.find('[data-do="cancel"]').hidden = !running;
    const { detector } = this, changed = detector && detector !== state.detector;
    follow.disabled = running || !(changed || state.dirty !== null);
    follow.textContent = changed ? "Detect and follow" : state.dirty !== null ? `Follow from frame ${bench.start + 1}` : "Follow";
    this.find(".sp-none").hidden = objects.length > 0;
    this.root.querySelectorAll("[data-clip-kind]").forEach((one) => { one.disabled = running || !objects.length; });
    this.find(".sp-ticks").replaceChildren(...bench.markedFrames.map((frame) => {
      const tick = document.createElement("i");
      tick.style.left = `${(100 * frame) / Math.max(clip.count - 1, 1)}%`;
      tick.title = `marked on frame ${frame + 1}`;
      return tick;
    }));
    this.showRows(objects);
  }

  fill(row, object) {
    const selected = object.id === this.bench.state.selected;
    row.classList.toggle("is-active", selected);
    row.querySelector('[data-act="select"]').setAttribute("aria-pressed", selected);
    this.name(row.querySelector("input"), object.name);
    row.querySelector(".sp-iou").textContent = this.bench.frames(object.id);
  }

  row(id) {
    const { bench } = this, row = document.createElement("li");
    row.innerHTML = `<i style="background:${bench.color(id)}"></i><b>${id}</b>
      <input type="text" placeholder="name" maxlength="80" aria-label="Name of object ${id}"><span class="sp-iou" title="frames with a mask"></span>
      <button type="button" data-act="select" title="Select: clicks mend it" aria-label="Select object ${id}">${sampipe.icon("refine")}</button>
      <button type="button" data-act="remove" title="Delete" aria-label="Delete object ${id}">${sampipe.icon("clear")}</button>`;
    const name = row.querySelector("input");
    name.addEventListener("change", () => bench.rename(id, name.value.trim()));
    row.querySelector('[data-act="select"]').addEventListener("click", () => bench.select(id));
    row.querySelector('[data-act="remove"]').addEventListener("click", () => bench.remove(id));
    return row;
  }
};
