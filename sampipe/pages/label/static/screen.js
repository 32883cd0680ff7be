// The labelling page, continued: drawing its state, and listening to keys and buttons.
Object.assign(sampipe.AnnotatePage.prototype, {
  element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  },

  color(mask) {
    const at = this.work.masks.indexOf(mask);
    return this.colors[at % this.colors.length];
  },

  show() {
    if (!this.images) return;
    if (this._shown) return;
    this._shown = true;
    requestAnimationFrame(() => { this._shown = false; this._show(); });
  },

  _show() {
    const { masks, mask } = this.work;
    if (this.image && !this.broken) Object.assign(this.image, {
      accepted: masks.filter((one) => one.accepted).length, proposed: masks.filter((one) => !one.accepted).length,
      complete: this.work.complete });
    if (this.image) this.image.problem = this.broken;
    this.showImage(masks, mask);
    this.showImages();
    this.showMasks(masks, mask);
    this.showLabels(mask);
    this.showCandidates(mask);
    this.corners.follow();
    this.$(".sa-simplify").classList.toggle("sa-off", !this.corners.active);
    this.$("[data-do=undo]").disabled = !this.work.canUndo;
    this.$("[data-do=redo]").disabled = !this.work.canRedo;
    this.$("[data-do=hide]").setAttribute("aria-pressed", this.hidden);
    this.$("[data-do=done]").setAttribute("aria-pressed", Boolean(this.work.complete));
    this.$("[data-do=done]").textContent = this.work.complete ? "✓ Completed" : "✓ Complete, next";
    this.$("[data-do=review]").textContent = this.review ? `Leave the review (${this.review.length} more)` : "Look at the doubtful";
    const finish = this.$("[data-do=finish]");
    finish.hidden = !mask;
    finish.textContent = mask && !mask.accepted ? "✓ Accept" : "✓ Finish";
    this.$(".sa-hint").textContent = this.hint(mask);
  },

  hint(mask) {
    if (this.broken) return "";
    if (this.review) return "Accept or delete it; the next doubtful mask follows. A click or a stroke mends it.";
    if (this.tool === "select") return "Click a mask to choose it.";
    if (this.tool === "corners") return mask ? "Drag corners; double-click an edge for a new one; right click takes one away." : "Choose a mask first.";
    if (!mask && this.tool === "eraser") return "Choose a mask first.";
    if (!mask) return `Click an object, or drag a box around it${this.label ? `; it will be called “${this.label}”` : ""}.`;
    return mask.accepted ? "More clicks mend this mask." : "Accept it, delete it, or mend it with a click.";
  },

  showImage(masks, mask) {
    const shown = this.hidden ? [] : masks.filter((one) => one.rle && (!this.review || one === mask)); // one to judge
    const style = (one) => (one === mask ? "selected" : one.accepted ? "plain" : "waiting");
    shown.sort((a, b) => (a === mask) - (b === mask));
    this.view.layers = shown.map((one) => ({ id: one.id, rle: one.rle, color: this.color(one), style: style(one) }));
    this.view.marks = { points: mask && !this.hidden ? mask.points : [], box: (mask && mask.work && mask.work.box) || null };
    this.view.draw();
  },

  showImages() {
    const options = this.$(".sa-images").options;
    this.images.forEach((image, at) => {
      const sign = image.problem ? "✕" : image.complete ? "✓" : image.accepted ? "●" : image.proposed ? "?" : "○";
      const text = `${sign} ${at + 1}/${this.images.length} ${image.name}`;
      if (options[at].textContent !== text) options[at].textContent = text;
    });
    const worked = this.images.filter((image) => image.complete || image.accepted).length;
    this.$(".sa-bar i").style.width = `${(100 * worked) / this.images.length}%`;
  },

  showMasks(masks, mask) {
    const waiting = masks.filter((one) => !one.accepted).length;
    this.$(".sa-masks .sa-count").textContent = masks.length ? `${masks.length}` : "";
    this.$(".sa-masks .sa-all").hidden = !waiting;
    const list = this.$(".sa-masks ul"), top = list.scrollTop, held = this.heldButton(list);
    list.replaceChildren(...masks.map((one) => this.maskRow(one, one === mask)));
    if (held) (list.querySelector(held) || list.querySelector(".sa-name") || this.view.canvas).focus({ preventScroll: true });
    if (!masks.length) list.append(this.element("li", { className: "sa-none", textContent: "No mask yet." }));
    list.scrollTop = top;
    const row = list.querySelector("[aria-current=true]");
    if (row && mask.id !== this._scrolled) list.scrollTop = row.offsetTop - list.offsetTop - list.clientHeight / 3;
    this._scrolled = mask && mask.id;
  },

  // A selector of the button in the list that has the focus, which its row keeps.
  heldButton(list) {
    const button = document.activeElement, row = list.contains(button) && button.closest("li[data-mask]");
    return row ? `li[data-mask="${row.dataset.mask}"] button:nth-of-type(${[...row.querySelectorAll("button")].indexOf(button) + 1})` : "";
  },

  maskRow(mask, chosen) {
    const parts = [mask.source === "person" || mask.accepted ? "" : mask.source];
    if (!mask.accepted && mask.doubt !== undefined) parts.push(`doubt ${mask.doubt.toFixed(2)}`);
    else if (mask.predicted_iou !== null) parts.push(`IoU ${mask.predicted_iou.toFixed(2)}`);
    if (mask.seconds >= 0.5) parts.push(`${Math.round(mask.seconds)} s`);
    const name = this.element("button", { className: "sa-name", onclick: () => this.work.select(mask.id) },
      this.element("b", { textContent: mask.label || "no label" }),
      this.element("small", { textContent: parts.filter(Boolean).join(" · ") }));
    const swatch = this.element("i", { className: "sa-swatch" });
    swatch.style.background = this.color(mask);
    const row = this.element("li", {}, swatch, name);
    if (!mask.accepted) row.append(this.element("button", {
      className: "sa-icon", textContent: "✓", title: "Accept", onclick: () => this.work.accept([mask.id]) }));
    row.append(this.element("button", {
      className: "sa-icon", textContent: "✕", title: "Delete", onclick: () => this.remove(mask.id) }));
    for (const button of row.querySelectorAll(".sa-icon")) button.setAttribute("aria-label", `${button.title} ${mask.label || "mask"}`);
    row.setAttribute("aria-current", chosen);
    row.dataset.mask = mask.id;
    if (!mask.accepted) row.className = "sa-waits";
    return row;
  },

  showLabels(mask) {
    const field = this.$(".sa-labels input"), now = mask ? mask.label : this.label;
    if (document.activeElement !== field) field.value = now;
    this.$(".sa-labels datalist").replaceChildren(...this.labels.map((value) => this.element("option", { value })));
    const chips = this.labels.slice(0, 40).map((label, at) => this.element("button", {
      textContent: at < 9 ? `${at + 1} ${label}` : label, onclick: () => this.setLabel(label) }));
    chips.forEach((chip, at) => chip.setAttribute("aria-pressed", this.labels[at] === now));
    sampipe.refill(this.$(".sa-chips"), chips, this.view.canvas);
  },

  showCandidates(mask) {
    const offered = mask && mask.candidates.length > 1 ? mask.candidates : [];
    const order = offered.map((one, at) => ({ ...one, at })).sort((a, b) => a.area - b.area);
    sampipe.refill(this.$(".sa-candidates"), order.map(({ iou, at }, place) => {
      const button = this.element("button", { textContent: `${["small", "middle", "large"][place]} ${iou.toFixed(2)}`,
        title: "Another of the model's answers (C)", onclick: () => this.work.candidate(at) });
      button.setAttribute("aria-pressed", at === mask.chosen);
      return button;
    }), this.view.canvas);
  },

  showSummary() {
    const { images, with_masks, complete, accepted, seconds_per_mask, waiting } = this.summary;
    const time = seconds_per_mask ? `, ${seconds_per_mask.toFixed(1)} s a mask` : "";
    this.$(".sa-summary").textContent =
      `${accepted} ${accepted === 1 ? "mask" : "masks"} on ${with_masks} of ${images} images${time}; ${complete} complete.`;
    this.$(".sa-review .sa-count").textContent = waiting ? `${waiting} waiting` : "";
    for (const name of ["review", "accept-below"]) this.$(`[data-do=${name}]`).disabled = !waiting && !this.review;
  },

  // What is asked for proposals: a name of the list, the words behind "text".
  asked() {
    const name = this.$(".sa-propose select").value, words = this.$(".sa-words").value.trim();
    return name === "text" && words ? `text:${words}` : name;
  },

  showSource() {
    this.$(".sa-words").hidden = this.$(".sa-propose select").value !== "text";
    const missing = this.sources.get(this.asked()) || "";
    this.$(".sa-missing").textContent = missing;
    for (const name of ["propose", "rest"]) this.$(`[data-do=${name}]`).disabled = Boolean(missing);
  },

  showJob() {
    const job = this.job || {}, box = this.$(".sa-job");
    box.hidden = !job.title;
    if (!job.title) return;
    const bar = box.querySelector(".sp-progress");
    const percent = job.total ? Math.round((100 * job.done) / job.total) : 0;
    bar.hidden = box.querySelector("button").hidden = !job.running;
    bar.querySelector("b").style.width = `${percent}%`;
    bar.setAttribute("aria-valuenow", percent);
    const count = job.running && job.total && !job.text ? ` ${job.done} of ${job.total}` : "";
    box.querySelector("span").textContent = job.running ? `${job.title} ${job.text}${count}` : job.text;
    for (const name of ["rest", "learn"]) this.$(`[data-do=${name}]`).disabled = job.running;
    if (!job.running) this.showSource();
  },

  over(text, turning, cancel = null) {
    const over = this.$(".sa-over"), button = over.querySelector("button");
    button.hidden = !cancel;
    button.onclick = cancel;
    over.hidden = !text;
    over.querySelector("p").textContent = text;
    over.querySelector(".sa-spin").hidden = !turning;
    over.classList.toggle("sa-problem", Boolean(text) && !turning);
  },

  notice(text, kind = "info") {
    const notes = this.$(".sa-notes");
    for (const old of [...notes.children]) if (old.textContent === text) old.remove();
    const note = this.element("div", { className: `sa-note sa-${kind}`, textContent: text, onclick: () => note.remove() });
    notes.append(note);
    while (notes.children.length > 3) notes.firstChild.remove();
    setTimeout(() => note.remove(), kind === "info" ? 4000 : 12000);
  },

  saving(count) {
    const saved = this.$(".sa-saved");
    saved.textContent = count < 0 ? "Not saved yet: the server does not answer" : count ? "Saving …" : "Saved";
    saved.classList.toggle("sa-error", count < 0);
    if (!count) this.queueSoon();
  },

  choose(tool) {
    this.tool = this.view.tool = tool;
    for (const button of this.$$("[data-tool]")) button.setAttribute("aria-pressed", button.dataset.tool === tool);
    this.$(".sa-size").classList.toggle("sa-off", tool !== "brush" && tool !== "eraser");
    this.show();
  },

  brush(size) {
    const slider = this.$(".sa-size input");
    slider.value = size;
    this.view.brushRadius = Number(slider.value);
  },

  listen() {
    const doing = {
      previous: () => this.go(-1), next: () => this.go(1), done: () => this.done(),
      finish: () => this.enter(), undo: () => this.work.undo(), redo: () => this.work.redo(),
      "zoom-in": () => this.view.zoomTo(this.view.zoom * 1.5), "zoom-out": () => this.view.zoomTo(this.view.zoom / 1.5),
      "zoom-fit": () => this.view.zoomTo(1), hide: () => { this.hidden = !this.hidden; this.show(); },
      "accept-all": () => this.work.accept(this.work.masks.map((mask) => mask.id)),
      "drop-all": () => this.work.remove(this.work.masks.filter((mask) => !mask.accepted).map((mask) => mask.id)),
      review: () => this.startReview(), "accept-below": () => this.acceptBelow(),
      propose: () => this.propose(this.asked()), rest: () => this.background("rest", { source: this.asked() }),
      learn: () => this.background("learn", { minutes: this.$(".sa-propose input[type=number]").valueAsNumber }),
      stop: () => this.background("stop", {}), help: () => this.$(".sa-help").showModal(),
    };
    this.doing = doing;
    for (const button of this.$$("[data-do]")) button.onclick = () => doing[button.dataset.do]();
    for (const button of this.$$("[data-tool]")) button.onclick = () => this.choose(button.dataset.tool);
    this.$(".sa-images").onchange = (event) => this.open(event.target.value);
    this.$(".sa-propose select").onchange = this.$(".sa-words").oninput = () => this.showSource();
    this.$(".sa-size input").oninput = (event) => this.brush(event.target.value);
    const simplify = this.$(".sa-simplify input");
    simplify.oninput = () => this.corners.simplify(simplify.valueAsNumber);
    simplify.onchange = () => this.corners.active && this.corners.simplify(simplify.valueAsNumber).then(() => this.corners.keep());
    const label = this.$(".sa-labels input");
    label.onchange = () => this.setLabel(label.value);
    label.onkeydown = (event) => { if (event.key === "Enter" || event.key === "Escape") { event.preventDefault(); label.blur(); } };
    this.brush(14);
    document.addEventListener("keydown", (event) => this.key(event));
    window.addEventListener("beforeunload", (event) => { if (this.work.busy) event.preventDefault(); });
  },

  key(event) {
    const typing = event.target.closest?.("input:not([type=range]), select, textarea, dialog[open]");
    if (event.defaultPrevented || typing || event.altKey || !this.images || !this.root.isConnected) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const held = event.ctrlKey || event.metaKey;
    const action = held ? this.heldKey(key, event.shiftKey) : this.plainKey(key, event);
    if (!action) return;
    event.preventDefault();
    action();
  },

  heldKey(key, shift) {
    if (key === "z") return () => (shift ? this.work.redo() : this.work.undo());
    return key === "y" ? () => this.work.redo() : null;
  },

  plainKey(key, event) {
    const tools = { s: "select", p: "point", g: "background", x: "box", b: "brush", e: "eraser", v: "corners" };
    const pressing = event.target.closest?.("button, [role=button]") && (key === "Enter" || key === " ");
    if (pressing || (key === "b" && this.view._cross)) return null;
    if (tools[key]) return () => this.choose(tools[key]);
    if (/^[1-9]$/.test(key)) return this.labels[key - 1] === undefined ? null : () => this.setLabel(this.labels[key - 1]);
    const size = Number(this.$(".sa-size input").value);
    return {
      a: this.doing.previous, d: this.doing.next, PageUp: this.doing.previous, PageDown: this.doing.next,
      f: this.doing.done, r: this.doing.review, h: this.doing.hide, "?": this.doing.help,
      "+": this.doing["zoom-in"], "=": this.doing["zoom-in"], "-": this.doing["zoom-out"], 0: this.doing["zoom-fit"],
      "[": () => this.brush(size - 3), "]": () => this.brush(size + 3),
      j: () => this.step(1), k: () => this.step(-1), l: () => this.$(".sa-labels input").focus(),
      Enter: () => this.enter(), Delete: () => this.work.mask && this.remove(this.work.selected),
      Backspace: () => this.work.mask && this.remove(this.work.selected),
      Escape: () => { this.view.letGo(); this.work.select(null); },
      c: () => {
        const mask = this.work.mask;
        if (mask && mask.candidates.length > 1) this.work.candidate((mask.chosen + 1) % mask.candidates.length);
      },
    }[key];
  },
});
