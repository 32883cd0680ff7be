// A clip: objects that are clicked on any frame, or found by a detector, are followed to the others. A click on a later
// frame mends its object there, and following goes on from that frame. Everything a person did is a state, as on the
// bench; what the server answered to a mark is kept beside the states, by the mark's version.
window.sampipe = window.sampipe || {};

sampipe.ClipBench = class {
  constructor(element, server, upload, settings) {
    Object.assign(this, { server, upload, settings }); // settings: {colors, samples, most_bytes, most_frames}
    this.window = crypto.randomUUID?.() || String(Math.random()).slice(2);
    this.answers = new Map();
    this.counter = 0;
    this.reset();
    this.view = new sampipe.ClipView(element.querySelector(".sp-clip"), this);
    sampipe.clip = this;
    this.restore();
  }

  reset() {
    this.past = [];
    this.future = [];
    this.at = 0;
    this.fresh = false; // whether the next click begins an object, even on one that is there
    this.running = false;
    this.images = new Map();
    this.answers.clear();
    // objects: [{id, name}]; marks and found: by frame, by object; dirty: the first frame that is to be followed anew
    this.state = { objects: [], marks: {}, found: {}, dirty: null, selected: null, detector: "", frame: 0 };
  }

  // What was done outlives a reload, as long as the server still holds the clip.
  keep() {
    this.keptAt = performance.now();
    sampipe.keep("sampipe-clip", { key: this.clip.key, name: this.clip.name, state: this.state, answers: [...this.answers], counter: this.counter, at: this.at });
  }

  async restore() {
    const kept = sampipe.kept("sampipe-clip");
    if (!kept) return;
    const clip = await this.server.has_clip({ clip: kept.key });
    if (clip.error) {
      sessionStorage.removeItem("sampipe-clip");
      return this.view.say(`The clip ${kept.name} is no longer held, and what was done on it is gone: the demo was started anew, or other clips took its place.`, true);
    }
    await this.opened(clip);
    this.answers = new Map(kept.answers);
    this.counter = kept.counter;
    this.state = kept.state;
    await this.show(kept.at);
  }

  async call(name, data = {}) {
    try {
      const answer = await this.server[name]({ window: this.window, ...data });
      if (answer.error) { this.view.say(answer.error, true); return null; }
      return answer;
    } catch (error) {
      console.error(error);
      this.view.say("The server did not answer; is `sampipe demo` still running?", true);
      return null;
    }
  }

  // Hears what a long run does until it ends; gives the last answer, or null after showing what went wrong.
  async watch(heard) {
    for (let after = 0; ;) {
      const news = await this.call("news", { after });
      if (!news) return null;
      after += news.events.length;
      news.events.forEach(heard);
      if (news.done) return news;
      this.view.progress(news.share, news.waiting);
    }
  }

  cancel() { return this.call("cancel"); }

  // -- clips -----------------------------------------------------------------------------------------------------

  async openFile(file) {
    if (!file) return;
    const most = this.settings.most_bytes;
    if (file.size > most) return this.view.say(`${file.name} has ${Math.round(file.size / 2 ** 20)} MB; clips here have at most ${most / 2 ** 20} MB.`, true);
    this.view.progress(null, 0, "uploading");
    try { await this.open({ path: (await this.upload(file)).path }, file.name); }
    catch (error) { console.error(error); this.view.say(`${file.name} could not be uploaded.`, true); }
  }

  async open(source) {
    this.view.progress(null, 0);
    const news = (await this.call("open_clip", { ...source, frames: this.view.mostFrames })) && (await this.watch(() => {}));
    if (news?.clip) await this.opened(news.clip);
    else if (news) this.view.say("Stopped; no clip was opened.");
  }

  async opened(clip) {
    this.clip = clip;
    this.reset();
    await this.view.showClip(clip);
    await this.show(0);
    this.view.say(`${clip.name}: ${clip.count} frame${clip.count === 1 ? "" : "s"} of ${clip.width} × ${clip.height}. Click an object, then follow it.`);
  }

  image(frame) {
    if (!this.images.has(frame)) {
      const image = new Image();
      image.src = `${this.clip.folder}${frame}.jpg`;
      this.images.set(frame, image.decode().then(() => image));
    }
    return this.images.get(frame);
  }

  async show(frame) {
    this.at = Math.min(Math.max(frame, 0), this.clip.count - 1);
    const { at, clip } = this, image = await this.image(at);
    if (this.at !== at || this.clip !== clip) return; // somebody went on meanwhile
    this.view.canvas.bitmap = image;
    this.render();
  }

  async play() {
    this.playing = !this.playing;
    this.view.render();
    const began = performance.now(), from = this.at === this.clip.count - 1 ? 0 : this.at;
    while (this.playing) {
      const frame = from + Math.floor(((performance.now() - began) / 1000) * this.clip.fps);
      await this.show(frame);
      if (frame >= this.clip.count - 1) this.playing = false;
      else await new Promise(requestAnimationFrame);
    }
    this.render();
  }

  step(by) { this.playing = this.trailing = false; return this.show(this.at + by); }

  // -- states ----------------------------------------------------------------------------------------------------

  commit(state) {
    this.view.say("");
    this.past.push(this.state);
    this.future = [];
    this.state = { ...this.state, ...state, frame: this.at };
    this.render();
  }

  undo() { this._go(this.past, this.future); }
  redo() { this._go(this.future, this.past); }
  _go(from, to) {
    if (!from.length || this.running) return;
    this.view.say("");
    const { frame } = from === this.past ? this.state : from.at(-1); // where it was done
    to.push(this.state);
    this.state = from.pop();
    this.show(frame);
  }

  finish() { this.fresh = true; this.select(null); }
  select(id) { this.commit({ selected: this.state.selected === id ? null : id }); }
  rename(id, name) { this.commit({ objects: this.state.objects.map((one) => (one.id === id ? { ...one, name } : one)) }); }
  remove(id) {
    if (this.running) return this.view.say("Wait for the end of the run, or cancel it.", true);
    const without = (frames) => Object.fromEntries(Object.entries(frames).map(([frame, { [id]: gone, ...left }]) => [frame, left]));
    const { objects, marks, found, selected } = this.state;
    this.commit({ objects: objects.filter((one) => one.id !== id), marks: without(marks), found: without(found), selected: selected === id ? null : selected });
  }

  get nextId() { return Math.max(0, ...this.state.objects.map((one) => one.id)) + 1; }
  color(id) { return this.settings.colors[(id - 1) % this.settings.colors.length]; }
  marks(id, frame = this.at) { return this.state.marks[frame]?.[id]; }
  mask(id, frame = this.at) {
    const marks = this.marks(id, frame);
    return (marks && (this.answers.get(marks.version) || marks.mask)) || this.state.found[frame]?.[id]?.rle || null;
  }
  get markedFrames() { return Object.keys(this.state.marks).filter((frame) => Object.keys(this.state.marks[frame]).length).map(Number); }

  // -- marks -----------------------------------------------------------------------------------------------------

  addPoint(x, y, label) {
    const { selected, objects } = this.state;
    if (!label && (selected === null || !this.mask(selected))) return this.view.say("Select an object that is here; then click what does not belong to it.", true);
    const under = label && selected === null && !this.fresh && objects.find(({ id }) => this.mask(id) && sampipe.maskHas(this.mask(id), x, y));
    if (under) {
      this.select(under.id);
      return this.view.say(`Object ${under.id} is selected: clicks on any frame mend it. N begins a new object.`);
    }
    return this.mark((marks) => ({ ...marks, points: [...marks.points, [x, y, label]] }));
  }

  // The selected object, or a new one, is marked on this frame.
  async mark(edit) {
    if (this.running) return this.view.say("Wait for the end of the run, or cancel it.", true);
    this.playing = false;
    const { at, clip, state } = this, id = state.selected ?? this.nextId, version = ++this.counter;
    const marks = edit(this.marks(id) || { points: [], box: null, mask: this.mask(id) });
    this.answers.set(version, this.mask(id));
    this.fresh = false;
    this.commit({
      objects: state.objects.some((one) => one.id === id) ? state.objects : [...state.objects, { id, name: "" }],
      marks: { ...state.marks, [at]: { ...state.marks[at], [id]: { ...marks, version } } },
      dirty: Math.min(at, state.dirty ?? at), selected: id,
    });
    const answer = await this.call("segment", { clip: clip.key, frame: at, prompts: this.prompts(marks) });
    if (this.clip !== clip) return;
    if (answer) this.answers.set(version, answer.rle);
    else if (this.marks(id, at)?.version === version && this.past.length) this.state = this.past.pop(); // a mark without an answer goes
    this.render();
  }

  prompts({ points, box, mask }) { return { points, box, mask: mask || null }; }

  // -- following -------------------------------------------------------------------------------------------------

  // Where following begins: the first frame with a change, or the beginning if another detector is asked.
  get start() {
    const { detector } = this.view, { dirty } = this.state;
    return detector && detector !== this.state.detector ? 0 : dirty ?? Math.min(...this.markedFrames, this.clip.count - 1);
  }

  async follow() {
    const { start, clip } = this, { detector, every } = this.view, { objects, marks } = this.state;
    const asked = this.markedFrames.flatMap((frame) => Object.entries(marks[frame]).map(([id, one]) => ({ frame, id: Number(id), marks: this.prompts(one) })));
    const others = objects.filter(({ id }) => !this.marks(id, start) && this.mask(id, start))
      .map(({ id }) => ({ frame: start, id, marks: { mask: this.mask(id, start) } }));
    const before = this.state, began = performance.now();
    this.playing = false;
    this.running = this.trailing = true;
    this.view.progress(null, 0);
    this.render();
    let last = null, news = null;
    try {
      if (await this.call("follow", { clip: clip.key, start, detector, every, marks: [...asked, ...others] })) {
        news = await this.watch((event) => { last = event.frame; this.take(event, others); });
      }
    } finally { this.running = false; }
    if (this.clip !== clip) return;
    if (last !== null) {
      this.past.push(before);
      this.future = [];
      this.state = { ...this.state, detector, frame: start };
    }
    this.render();
    if (!news) return;
    const count = this.state.objects.filter(({ id }) => this.frames(id)).length, seconds = (performance.now() - began) / 1000;
    const said = `${count} object${count === 1 ? "" : "s"}, followed from frame ${start + 1} to ${(last ?? start) + 1} in ${seconds.toFixed(1)} s.`;
    const lost = last === null ? "" : this.lost(start, last);
    this.view.say(news.stopped ? (last === null ? "Stopped; nothing was changed." : `Stopped; what was done is kept: ${said}${lost}`) : said + lost);
  }

  // Which objects were there between two frames and are not on the second.
  lost(start, last) {
    const gone = this.state.objects.filter(({ id }) => !this.mask(id, last)).map(({ id }) => {
      for (let frame = last; frame >= start; frame--) if (this.mask(id, frame)) return `object ${id} after frame ${frame + 1}`;
      return "";
    }).filter(Boolean);
    return gone.length ? ` Not found any more: ${gone.join(", ")}; click it where it is.` : "";
  }

  // A frame as it was followed; what nobody marked where the run began keeps the mask that it had there.
  take({ frame, objects }, others) {
    const found = Object.fromEntries(objects.map(({ id, rle, score }) => [id, { rle, score }]));
    others.filter((one) => one.frame === frame).forEach(({ id, marks }) => { found[id] = { ...found[id], rle: marks.mask }; });
    const known = new Set(this.state.objects.map((one) => one.id));
    const added = objects.filter((one) => !known.has(one.id)).map(({ id, label }) => ({ id, name: label }));
    const dirty = frame + 1 < this.clip.count ? frame + 1 : null; // where it would go on
    this.state = { ...this.state, objects: [...this.state.objects, ...added], found: { ...this.state.found, [frame]: found }, dirty };
    if (performance.now() - this.keptAt > 2000) this.keep();
    if (this.trailing) this.show(frame);
  }

  frames(id) {
    let count = 0;
    for (let frame = 0; frame < this.clip.count; frame++) if (this.mask(id, frame)) count++;
    return count;
  }

  async download(kind) {
    const found = {};
    for (let frame = 0; frame < this.clip.count; frame++) {
      const here = this.state.objects.filter(({ id }) => this.mask(id, frame))
        .map(({ id, name }) => ({ id, rle: this.mask(id, frame), label: name, score: this.state.found[frame]?.[id]?.score ?? null }));
      if (here.length) found[frame] = here;
    }
    this.view.progress(null, 0, "making the file");
    const file = await this.call("download", { clip: this.clip.key, kind, found });
    if (!file) return;
    sampipe.saveFile(file.name, sampipe.bytes(file.content), file.type);
    this.view.say(`${file.name} was made.`);
  }

  render() {
    const { objects, selected } = this.state, { canvas } = this.view;
    const marks = selected === null ? null : this.marks(selected);
    canvas.layers = objects.filter(({ id }) => this.mask(id)).map(({ id }) => ({
      rle: this.mask(id), color: this.color(id), number: String(id), strong: selected === null || id === selected,
    }));
    canvas.marks = { points: marks?.points || [], box: marks?.box || null };
    canvas.draw();
    this.view.render();
    if (!this.running && !this.playing) this.keep();
  }
};
