// The labelling page: what is on the screen, and which key and button does what.
window.sampipe = window.sampipe || {};

sampipe.KEYS = [
  ["A, D", "previous and next image"], ["F", "image complete, go to the next open one"],
  ["S P G X B E V", "choose, point, not this, box, brush, eraser, corners"], ["[ ]", "brush size"],
  ["Enter", "finish or accept the mask"], ["Esc", "let go of the mask and the cross hair"], ["Delete", "delete (reject) the mask"],
  ["J, K", "next and previous mask"], ["C", "next of the model's answers"], ["1 … 9", "label"], ["L", "type a label"],
  ["Ctrl+Z, Ctrl+Shift+Z", "undo, redo"], ["+ - 0", "zoom; Ctrl and the wheel, too"], ["H", "hide the masks"],
  ["R", "review the doubtful"], ["arrows", "move a cross hair over the image; Enter clicks there"],
];

sampipe.AnnotatePage = class {
  constructor(element, server, colors) {
    this.root = element.querySelector(".sa");
    this.server = sampipe.answered(server);
    this.colors = colors;
    this.label = "";
    this.hidden = false;
    this.review = null; // the queue while one is gone through
    this.view = new sampipe.LabelView(this.$(".sa-image"), {
      point: (x, y, label) => { this.endPreview(); this.clicked(x, y, label); },
      hover: (x, y) => this.hovered(x, y), leave: () => this.endPreview(),
      box: (box) => this.tool !== "select" && this.work.box(box, { label: this.label }),
      stroke: (area, tool) => this.work.stroke(area, tool, { label: this.label }).then(() => this.view.clearStrokes()),
    });
    this.work = new sampipe.ImageWork(this.server, {
      changed: () => this.show(), notice: (text, kind) => this.notice(text, kind), saving: (count) => this.saving(count),
      labels: (labels) => { this.labels = labels; },
    });
    this.corners = new sampipe.Corners(this.view, this.work, this.server, (text, kind) => this.notice(text, kind));
    this.listen();
    this.begin();
  }

  $(selector) { return this.root.querySelector(selector); }
  $$(selector) { return [...this.root.querySelectorAll(selector)]; }

  async begin() {
    const start = await this.call("start", {});
    if (!start) return;
    Object.assign(this, { images: start.images, labels: start.labels, fixed: start.fixed, source: start.source });
    const list = this.$(".sa-images");
    list.replaceChildren(...this.images.map((image) => this.element("option", { value: image.key })));
    const sources = this.$(".sa-propose select");
    this.sources = new Map(start.sources.map((one) => [one.name, one.missing]));
    sources.replaceChildren(...start.sources.map((one) => this.element("option", {
      value: one.name, textContent: sampipe.sourceName(one) })));
    sources.value = start.source || "everything";
    this.$(".sa-help dl").replaceChildren(...sampipe.KEYS.flatMap(([keys, what]) => [
      this.element("dt", { textContent: keys }), this.element("dd", { textContent: what })]));
    this.choose("point");
    this.showSource();
    await this.open(start.last);
    this.queueSoon();
    setInterval(() => this.poll(), 2000);
    this.root.dataset.ready = "yes";
  }

  // -- going about ------------------------------------------------------------------------

  get index() { return this.images.findIndex((image) => image.key === this.current); }
  get image() { return this.images[this.index]; }

  async open(key) {
    const turn = (this._turn = (this._turn || 0) + 1);
    this.over("Loading …", true);
    await this.work.settled();
    if (turn !== this._turn) return;
    const reply = await this.call("open", { image: key });
    if (turn !== this._turn) return;
    this.current = key;
    this.$(".sa-images").value = key;
    if (!reply || reply.problem) {
      this.view.clear();
      this.work.load({ image: key, masks: [], complete: false });
      this.over(reply ? reply.problem : "The image could not be loaded.", false);
      this.broken = true;
      return this.show();
    }
    this.broken = false;
    this.labels = reply.labels;
    await this.view.setImage(reply);
    if (turn !== this._turn) return;
    this.work.load(reply);
    this.over("");
    if (this.source && !reply.masks.length && !reply.complete && !(reply.proposed_by || []).includes(this.source))
      await this.propose(this.source);
  }

  go(step) {
    const to = this.index + step;
    if (to >= 0 && to < this.images.length) return this.open(this.images[to].key);
    this.notice(step > 0 ? "This is the last image." : "This is the first image.", "info");
  }

  async done() {
    if (this.broken) return this.go(1);
    const complete = !this.work.complete;
    await this.work.finish(complete);
    if (!complete) return;
    await this.work.settled();
    const from = this.index, count = this.images.length;
    for (let step = 1; step < count; step++) {
      const image = this.images[(from + step) % count];
      if (!image.complete && !image.problem) return this.open(image.key);
    }
    this.notice("Every image is complete.", "info");
  }

  // -- masks ------------------------------------------------------------------------------

  clicked(x, y, label) {
    if (this.broken) return;
    if (this.tool === "select") return this.work.select(this.view.maskAt(x, y));
    this.work.point(x, y, label, { label: this.label });
  }

  // What a click would give there, shown while no mask is chosen; one question at a time.
  async hovered(x, y) {
    if (this.broken || this.work.mask || !["point", "box"].includes(this.tool)) return this.endPreview();
    this._hover = [x, y];
    if (this._asking) return;
    this._asking = true;
    while (this._hover) {
      const at = this._hover, image = this.current;
      this._hover = null;
      const work = { base: null, points: [[...at, 1]], box: null, candidate: null, strokes: [], ask: true };
      const reply = await this.call("segment", { image, work }, true);
      if (this._ended || image !== this.current || this.work.mask) { this._ended = false; break; }
      if (!reply?.area) continue;
      const { width, height } = this.view.canvas;
      this.view.preview = sampipe.paintedMask(sampipe.maskPixels(reply.rle, width, height), width, height, "#64748b", 0.3);
      this.view.draw();
    }
    this._asking = false;
  }

  endPreview() {
    this._hover = null;
    this._ended = this._asking;
    if (this.view.preview) { this.view.preview = null; this.view.draw(); }
  }

  async enter() {
    const mask = this.work.mask;
    if (!mask) return;
    if (!mask.accepted) await this.work.accept([mask.id]);
    if (this.review) return this.nextDoubtful();
    this.work.select(null);
  }

  async remove(id) {
    await this.work.remove([id]);
    if (this.review) this.nextDoubtful();
  }

  step(by) {
    const masks = this.work.masks;
    if (!masks.length) return;
    const at = masks.findIndex((mask) => mask.id === this.work.selected);
    this.work.select(masks[at < 0 ? (by > 0 ? 0 : masks.length - 1) : (at + by + masks.length) % masks.length].id);
  }

  setLabel(label) {
    label = label.trim();
    if (label && this.fixed && !this.labels.includes(label))
      return this.notice(`“${label}” is not in the list of labels: ${this.labels.join(", ")}.`, "error"), this.show();
    this.label = label;
    const mask = this.work.mask;
    if (mask && mask.label !== label) this.work.label(mask.id, label);
    else this.show();
  }

  async propose(source) {
    const image = this.current;
    let looking = true;
    this.over(`${source}: looking …`, true, async () => { // again, as it may not have begun yet
      while (looking && (await this.call("stop", { image }))) await new Promise((go) => setTimeout(go, 200));
    });
    await this.work.settled();
    const reply = await this.call("propose", { image, source });
    looking = false;
    this.over("");
    if (!reply) return;
    if (reply.stopped) return this.notice("Stopped; nothing was changed.", "info");
    this.work.take(reply, { quiet: true });
    this.notice(reply.found ? `${source}: ${reply.found} masks wait for you.` : `${source} found nothing new here.`, "info");
    this.queueSoon();
  }

  async background(what, request) {
    const reply = await this.call(what, request);
    if (reply) { this.job = reply.job; this.showJob(); }
  }

  // -- review -----------------------------------------------------------------------------

  async startReview() {
    if (this.review) { this.review = null; this.view.zoomTo(1); return this.show(); }
    await this.work.settled();
    const reply = await this.call("queue", {});
    if (!reply) return;
    if (!reply.queue.length) return this.notice("Nothing waits for a review.", "info");
    this.review = reply.queue;
    document.activeElement?.blur(); // Enter accepts now, whatever button was pressed last
    await this.nextDoubtful();
  }

  async nextDoubtful() {
    while (this.review && this.review.length) {
      const next = this.review.shift();
      if (next.image !== this.current) await this.open(next.image);
      const mask = this.work.masks.find((one) => one.id === next.id);
      if (!mask || mask.accepted) continue; // somebody was here already
      this.work.select(mask.id);
      const [x, y, width, height] = mask.bbox;
      this.view.zoomOn([x, y, x + width, y + height]);
      return;
    }
    this.review = null;
    this.view.zoomTo(1);
    this.notice("The review is done.", "info");
    this.queueSoon();
    this.show();
  }

  async acceptBelow() {
    await this.work.settled();
    const doubt = this.$(".sa-review input").valueAsNumber;
    const reply = await this.call("accept_below", { doubt });
    if (!reply) return;
    this.notice(`${reply.accepted} masks accepted.`, "info");
    await this.poll();
    this.queueSoon();
  }

  queueSoon() {
    clearTimeout(this._queue);
    this._queue = setTimeout(async () => {
      const reply = await this.call("queue", {}, true);
      if (!reply) return;
      this.summary = { ...reply.summary, waiting: reply.queue.length };
      this.showSummary();
    }, 250);
  }

  async poll() {
    if (!this.current || this.broken || this._polling || document.hidden) return;
    this._polling = true;
    const reply = await this.call("news", { image: this.current, revision: this.work.revision }, true);
    this._polling = false;
    if (!reply) return;
    const was = this.job && this.job.running;
    this.job = reply.job;
    this.showJob();
    if (reply.trouble) this.notice(reply.trouble, "error");
    if (!this.work.busy) this.work.take(reply, { quiet: Boolean(was) });
    if (was || (reply.job && reply.job.running)) this.queueSoon();
    if (was && !reply.job.running) this.refreshSources();
  }

  async refreshSources() {
    const start = await this.call("start", {}, true);
    if (!start) return;
    this.images = start.images;
    this.sources = new Map(start.sources.map((one) => [one.name, one.missing]));
    for (const option of this.$(".sa-propose select").options)
      option.textContent = sampipe.sourceName({ name: option.value, missing: this.sources.get(option.value) });
    this.showSource();
    this.show();
  }

  // A call of the server; null after an error, which a person has then read.
  async call(name, request, quiet = false) {
    try {
      const reply = await this.server[name](request);
      if (!reply.error) return reply;
      this.notice(reply.error, "error");
    } catch (error) {
      if (!quiet) this.notice(error.message, "error");
    }
    return null;
  }
};

sampipe.sourceName = ({ name, missing }) => (missing && name !== "text" ? `${name} (not here)` : name);

// Calls that fail when the server does: Gradio's own only write to the console.
sampipe.answered = (server) => new Proxy({}, {
  get: (_, name) => async (request) => {
    const reply = await server[name](request).catch(() => null);
    if (!reply || typeof reply !== "object" || "detail" in reply)
      throw new Error("The server does not answer. Is sampipe still running?");
    return reply;
  },
});

sampipe.annotate = (element, server, colors) => {
  sampipe.page = new sampipe.AnnotatePage(element, server, colors);
};
