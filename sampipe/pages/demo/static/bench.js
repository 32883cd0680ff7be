// The bench: an image, prompts on it, the masks that they give, and what to do with them.
// Everything a person did is a state; undo goes to an earlier one. Answers of the server belong to a version of an
// object and are kept beside the states, so an answer that comes late lands where it belongs.
window.sampipe = window.sampipe || {};

sampipe.Bench = class {
  constructor(element, server, upload, settings) {
    this.server = server;
    this.upload = upload;
    this.settings = settings; // {live, colors, samples, decoder}
    this.answers = new Map();
    this.counter = 0;
    this.milliseconds = []; // from a click to its mask, for `sampipe demo --measure`
    this.view = new sampipe.BenchView(element, this);
    this.canvas = new sampipe.ImageCanvas(this.view.stage, {
      point: (x, y, label) => this.addPoint(x, y, label),
      box: (box) => this.change((prompts) => ({ ...prompts, box })),
      stroke: (brush) => this.change((prompts) => ({ ...prompts, brush: sampipe.maskUnion(prompts.brush, brush) })),
      hover: (x, y) => this.hover.at(x, y),
      leave: () => this.hover.stop(),
      key: (event) => this.view.shortcut(event),
    });
    this.hover = new sampipe.Hover(this);
    this.reset();
    sampipe.bench = this;
    this.restore();
  }

  reset() {
    this.past = [];
    this.future = [];
    this.state = { objects: [], active: null };
    this.fresh = false; // whether the next click begins an object, even on one that is there
    this.answers.clear();
  }

  // What was done outlives a reload, as long as the server still holds the image.
  keep() {
    const answers = this.state.objects.map(({ version }) => [version, this.answers.get(version)]).filter(([, one]) => one);
    sampipe.keep("sampipe-bench", { key: this.image.key, name: this.image.name, state: this.state, answers, counter: this.counter });
  }

  async restore() {
    const kept = sampipe.kept("sampipe-bench");
    if (!kept) return;
    if ((await this.server.has_image({ key: kept.key })).error) {
      sessionStorage.removeItem("sampipe-bench");
      return this.view.say(`${kept.name} is no longer held, and what was marked on it is gone: the demo was started anew, or other images took its place.`, true);
    }
    await this.open({ key: kept.key });
    this.answers = new Map(kept.answers.filter(([, one]) => !one.pending));
    this.counter = kept.counter;
    this.state = { ...kept.state, objects: kept.state.objects.filter((one) => this.answers.has(one.version)) };
    this.render();
  }

  // -- the server ------------------------------------------------------------------------------------------------

  // What the server answers, or null after showing why not. While it takes its time, the page says so.
  async call(name, data) {
    let done = false;
    const asked = setInterval(async () => {
      const { waiting } = await this.server.waiting({});
      if (!done) this.view.busy(waiting > 1 ? `working; ${waiting - 1} before this one` : "working");
    }, 700);
    this.view.busy("working", true);
    try {
      const answer = await this.server[name](data);
      if (answer.error) { this.view.say(answer.error, true); return null; }
      return answer;
    } catch (error) {
      this.view.say("The server did not answer; is `sampipe demo` still running?", true);
      console.error(error);
      return null;
    } finally {
      done = true;
      clearInterval(asked);
      this.view.busy(null);
    }
  }

  // -- images --------------------------------------------------------------------------------------------------

  async openFile(file) {
    if (!file) return;
    if (file.size > this.settings.most_bytes) {
      return this.view.say(`${file.name} has ${Math.round(file.size / 2 ** 20)} MB; images here have at most ${this.settings.most_bytes / 2 ** 20} MB.`, true);
    }
    this.view.busy("uploading");
    let path;
    try { ({ path } = await this.upload(file)); }
    catch (error) { console.error(error); return this.view.say(`${file.name} could not be uploaded.`, true); }
    finally { this.view.busy(null); }
    await this.open({ path });
  }

  async open(source) {
    const image = await this.call("open_image", source);
    if (!image) return;
    this.image = image;
    this.reset();
    await this.canvas.setImage(image);
    this.view.showImage(image);
    this.hover.newImage(image);
    this.render();
    this.view.say(this.settings.live
      ? `${image.name}, ${image.width} × ${image.height}. Click an object, or drag a box around it.`
      : `${image.name}, ${image.width} × ${image.height}.`);
  }

  // -- states ----------------------------------------------------------------------------------------------------

  commit(state) {
    this.view.say("");
    this.past.push(this.state);
    this.future = [];
    this.state = state;
    this.render();
  }

  undo() { this.view.say(""); if (this.past.length) { this.future.push(this.state); this.state = this.past.pop(); this.render(); } }
  redo() { this.view.say(""); if (this.future.length) { this.past.push(this.state); this.state = this.future.pop(); this.render(); } }
  clear() { if (this.state.objects.length) this.commit({ objects: [], active: null }); }
  finish() {
    this.fresh = true;
    if (this.state.active !== null) this.commit({ ...this.state, active: null });
  }
  refine(id) {
    this.fresh = false;
    this.commit({ ...this.state, active: this.state.active === id ? null : id });
  }
  remove(id) {
    const objects = this.state.objects.filter((one) => one.id !== id);
    this.commit({ objects, active: this.state.active === id ? null : this.state.active });
  }
  set(id, fields) {
    this.commit({ ...this.state, objects: this.state.objects.map((one) => (one.id === id ? { ...one, ...fields, origin: null } : one)) });
  }

  get active() { return this.state.objects.find((one) => one.id === this.state.active) || null; }
  color(object) { return this.settings.colors[object.number % this.settings.colors.length]; }
  get nextNumber() { return Math.max(-1, ...this.state.objects.map((one) => one.number)) + 1; }
  get nextColor() { return this.color({ number: this.nextNumber }); }
  candidates(object) { return this.answers.get(object.version)?.candidates || []; }
  // Which candidate comes first, second, third on the page: the largest first.
  bySize(object) {
    const candidates = this.candidates(object);
    return candidates.map((_, index) => index).sort((one, other) => candidates[other].area - candidates[one].area);
  }
  chosen(object) {
    const candidates = this.candidates(object);
    return candidates[object.chosen ?? sampipe.bestCandidate(candidates)] || null;
  }

  // -- prompts ---------------------------------------------------------------------------------------------------

  addPoint(x, y, label) {
    if (!label && !this.active) return this.view.say("Click the object first; then what does not belong to it.", true);
    const under = label && !this.active && !this.fresh && this.objectAt(x, y);
    if (under) {
      this.refine(under.id);
      return this.view.say(`Object ${under.number + 1} is selected: clicks refine it. N begins a new object.`);
    }
    return this.change((prompts) => ({ ...prompts, points: [...prompts.points, [x, y, label]] }));
  }

  // The smallest object that is shown there.
  objectAt(x, y) {
    const area = (one) => sampipe.runLengths(this.chosen(one).rle.counts).reduce((sum, run, at) => sum + (at % 2 ? run : 0), 0);
    return this.state.objects.filter((one) => !one.hidden && this.chosen(one) && sampipe.maskHas(this.chosen(one).rle, x, y))
      .sort((one, other) => area(one) - area(other))[0];
  }

  // A new version of the active object, or a new object, with other prompts.
  change(edit) {
    const version = ++this.counter;
    this.askedAt = performance.now();
    const { objects } = this.state, active = this.active;
    const prompts = edit(active ? active.prompts : { points: [], box: null, brush: null });
    if (active && active.chosen !== null) prompts.mask = this.chosen(active).rle; // the candidate that was taken is where it goes on
    this.fresh = false;
    if (active) {
      const changed = { ...active, prompts, version, chosen: null, origin: null };
      this.answers.set(version, { ...this.answers.get(active.version), pending: true });
      this.commit({ ...this.state, objects: objects.map((one) => (one.id === active.id ? changed : one)) });
    } else {
      const number = this.nextNumber;
      const added = { id: version, version, number, name: "", prompts, hidden: false, chosen: null, score: null };
      this.commit({ objects: [...objects, added], active: version });
    }
    this.hover.stop();
    if (this.settings.live) return this.ask(version, prompts);
  }

  async ask(version, prompts) {
    const answer = await this.call("segment", { key: this.image.key, prompts });
    if (!answer) {
      this.answers.delete(version); // a prompt without an answer goes, if it is still the last thing done
      if (this.active?.version === version) { this.state = this.past.pop(); this.render(); }
      return;
    }
    this.answers.set(version, answer);
    this.canvas.clearStrokes();
    this.render();
    requestAnimationFrame(() => this.milliseconds.push(performance.now() - this.askedAt)); // the mask is on the screen
    if (this.active?.version === version) this.view.say(answer.candidates.length > 1 ? "One click may mean several things: choose below." : "");
  }

  // Masks that something else found: [{rle, iou, score, label, prompts}]. They are added; those that the same
  // tool found before and nobody has touched since make room.
  add(found, origin = "graph") {
    if (found.key !== this.image?.key) return;
    const kept = this.state.objects.filter((one) => one.origin !== origin);
    let number = Math.max(-1, ...kept.map((one) => one.number));
    const added = found.objects.map((one) => {
      const version = ++this.counter;
      this.answers.set(version, { candidates: [{ rle: one.rle, iou: one.iou }] });
      return { id: version, version, number: ++number, name: one.label, prompts: one.prompts, hidden: false, chosen: null, score: one.score, origin };
    });
    const { active } = this.state; // whoever refines an object meanwhile goes on with it
    this.commit({ objects: [...kept, ...added], active: kept.some((one) => one.id === active) ? active : null });
    this.view.say(kept.length ? `${added.length} added to the ${kept.length} that were there.` : "");
  }

  // -- what goes out ---------------------------------------------------------------------------------------------

  // For the handlers of other controls: which image, and what was marked on it.
  request() {
    const prompts = this.state.objects.map(({ prompts: { mask, ...marks }, name }) => ({ ...marks, label: name }));
    return { key: this.image?.key ?? null, prompts };
  }

  async download(kind) {
    const objects = this.state.objects.filter((one) => !one.hidden && this.chosen(one)).map((one) => {
      const { rle, iou } = this.chosen(one);
      return { rle, iou, label: one.name, score: one.score };
    });
    if (!objects.length) return this.view.say("There is no mask to download yet.", true);
    const file = await this.call("download", { key: this.image.key, objects, kind });
    if (!file) return;
    sampipe.saveFile(file.name, sampipe.bytes(file.content), file.type);
    this.view.say(`${file.name} was made.`);
  }

  render() {
    const active = this.active;
    this.canvas.layers = this.state.objects.filter((one) => !one.hidden && this.chosen(one)).map((one) => ({
      rle: this.chosen(one).rle, color: this.color(one), number: String(one.number + 1),
      strong: !active || one === active,
    }));
    this.canvas.marks = active ? { points: active.prompts.points, box: active.prompts.box }
      : this.settings.live ? { points: [], box: null }
      : { points: this.state.objects.flatMap((one) => one.prompts.points), box: this.state.objects.at(-1)?.prompts.box };
    this.canvas.draw();
    this.view.render();
    if (this.image) this.keep();
    document.dispatchEvent(new Event("sp-bench")); // the canvas of a graph shows the image and its marks too
  }
};

// A file goes where the browser puts downloads.
sampipe.saveFile = function (name, content, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
};

// Bytes that came as base64.
sampipe.bytes = (content) => Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));

// Which candidate the model believes in most.
sampipe.bestCandidate = function (candidates) {
  let found = 0;
  candidates.forEach((one, index) => { if ((one.iou ?? -1) > (candidates[found].iou ?? -1)) found = index; });
  return found;
};
