// One image's masks in this window: what a person does to them, undo and redo, and saving after every change.
// Knows the server and no element of the page.
window.sampipe = window.sampipe || {};

sampipe.ImageWork = class {
  static LONGEST_PAUSE = 60; // seconds without an action that still count as work on a mask

  // on: changed(), notice(text, kind), saving(count), labels(list)
  constructor(server, on) {
    this.server = server;
    this.on = on;
    this.masks = [];
    this.selected = null;
    this._actions = Promise.resolve(); // one after the other: a click builds on the answer to the click before it
    this._saves = [];
    this._saving = false;
    this._gone = new Map(); // masks that were deleted here and are still on disk: their revisions
  }

  load(reply) {
    this.image = reply.image;
    this.revision = reply.revision;
    this.complete = reply.complete;
    this.masks = (reply.masks || []).map((row) => this._fromServer(row));
    this.selected = null;
    this._undo = [];
    this._redo = [];
    this._gone.clear();
    this._last = performance.now();
    this.on.changed();
  }

  get mask() { return this.masks.find((mask) => mask.id === this.selected) || null; }
  get busy() { return this._saves.length > 0 || this._saving; }

  // Everything that was asked is answered and on disk.
  async settled() {
    await this._actions;
    while (this.busy) await new Promise((go) => setTimeout(go, 20));
  }

  select(id) {
    if (id === this.selected) return;
    const left = this.mask;
    if (left) { left.work = null; left.candidates = []; }
    this.selected = id;
    this.on.changed();
  }

  point(x, y, label, fresh) {
    return this._act(async () => {
      const mask = this._target(fresh);
      if (!label && !mask.rle) throw new Error("Click on the object first; then beside it.");
      await this._ask(mask, { points: [...this._workOf(mask).points, [x, y, label]], ask: true });
    });
  }

  box(box, fresh) {
    return this._act(async () => this._ask(this._target(fresh), { box, ask: true }));
  }

  stroke(area, tool, fresh) {
    return this._act(async () => {
      const mask = this._target(fresh);
      if (tool === "eraser" && !mask.rle) throw new Error("Choose a mask first; the eraser takes away from it.");
      await this._ask(mask, { strokes: [...this._workOf(mask).strokes, { tool, area }] });
    });
  }

  candidate(index) {
    return this._act(async () => {
      const mask = this.mask;
      if (mask && mask.candidates.length > index) await this._ask(mask, { candidate: index });
    });
  }

  // The mask becomes what the rings enclose.
  outline(id, rings) {
    return this._act(async () => {
      const reply = await this.server.fill({ image: this.image, rings });
      if (reply.error) throw new Error(reply.error);
      if (!reply.area) throw new Error("Nothing is left of this mask; delete it instead.");
      this._change(id, { rle: reply.rle, predicted_iou: null, stability_score: null, work: null, candidates: [] });
    });
  }

  label(id, label) { return this._act(async () => this._change(id, { label })); }
  accept(ids) {
    return this._act(async () => {
      const waiting = ids.map((id) => this._find(id)).filter((mask) => mask && !mask.accepted);
      const steps = waiting.map((mask) => {
        const before = this._snapshot(mask);
        if (ids.length === 1) this._spend(mask);
        mask.accepted = true;
        return { id: mask.id, before, after: this._snapshot(mask) };
      });
      if (steps.length) this._done(steps);
    });
  }
  remove(ids) {
    return this._act(async () => {
      const steps = ids.map((id) => this._find(id)).filter(Boolean)
        .map((mask) => ({ id: mask.id, before: this._snapshot(mask), after: null }));
      for (const { id } of steps) this._drop(id);
      if (steps.length) this._done(steps);
    });
  }
  finish(complete) {
    return this._act(async () => {
      this.complete = complete;
      this._save([{ complete }]);
    });
  }

  undo() { return this._act(async () => this._step(this._undo, this._redo, "before")); }
  redo() { return this._act(async () => this._step(this._redo, this._undo, "after")); }
  get canUndo() { return Boolean(this._undo && this._undo.length); }
  get canRedo() { return Boolean(this._redo && this._redo.length); }

  // Masks of the server: the answer to a save, proposals, or what another window did.
  take(reply, { quiet = false } = {}) {
    if (reply.image !== this.image || !reply.masks || reply.revision < this.revision) return; // an older one came late
    const there = new Map(reply.masks.map((row) => [row.id, row]));
    const unsaved = new Set(this._saves.flatMap((one) => one.changes.map((change) => change.put || change.remove)));
    let foreign = 0;
    for (const row of reply.masks) {
      const own = this._find(row.id);
      if (unsaved.has(row.id)) continue;
      if (!own) { this.masks.push(this._fromServer(row)); foreign++; }
      else if (own.revision !== row.revision) {
        if (own.rle.counts !== row.segmentation.counts || own.label !== row.label) { own.work = null; foreign++; }
        Object.assign(own, this._fromServer(row), { work: own.work, candidates: own.candidates, chosen: own.chosen });
      }
    }
    const before = this.masks.length;
    this.masks = this.masks.filter((mask) => there.has(mask.id) || unsaved.has(mask.id) || mask.revision === null);
    foreign += before - this.masks.length;
    this.revision = reply.revision;
    this.complete = reply.complete;
    this.on.labels(reply.labels);
    if (!this.mask) this.selected = null;
    for (const text of reply.notices || []) this.on.notice(text, "warning");
    if (foreign && !quiet && !(reply.notices || []).length)
      this.on.notice("Another window works on this image, too. Its masks are shown here now; yours are kept.", "warning");
    this.on.changed();
  }

  // -- inside ---------------------------------------------------------------------------

  _act(action) {
    const run = this._actions.then(action).catch((error) => this.on.notice(error.message, "error"));
    this._actions = run.then(() => this.on.changed());
    return this._actions;
  }

  _find(id) { return this.masks.find((mask) => mask.id === id); }

  _target(fresh) {
    if (this.mask) return this.mask;
    return {
      id: Math.floor(Math.random() * 2 ** 48) + 1, rle: null, label: fresh.label || "", accepted: true,
      source: "person", predicted_iou: null, stability_score: null, score: null, points: [], box: null,
      seconds: 0, revision: null, work: null, candidates: [], chosen: 0,
    };
  }

  _workOf(mask) {
    return mask.work || { base: mask.rle, points: mask.points, box: null, candidate: null, strokes: [], ask: false };
  }

  async _ask(mask, more) {
    const before = mask.rle ? this._snapshot(mask) : null;
    const work = { ...this._workOf(mask), ...more };
    const reply = await this.server.segment({ image: this.image, work });
    if (reply.error) throw new Error(reply.error);
    if (!reply.area) throw new Error("Nothing is left of this mask; delete it instead, or try another place.");
    Object.assign(mask, {
      work, rle: reply.rle, predicted_iou: reply.predicted_iou, stability_score: reply.stability_score,
      candidates: reply.candidates, chosen: reply.chosen, points: work.points, box: work.box || mask.box, accepted: true,
    });
    this._spend(mask);
    if (!before) this.masks.push(mask);
    this.selected = mask.id;
    this._done([{ id: mask.id, before, after: this._snapshot(mask) }]);
  }

  _change(id, fields) {
    const mask = this._find(id);
    if (!mask) return;
    const before = this._snapshot(mask);
    this._spend(mask);
    Object.assign(mask, fields, { accepted: true });
    this._done([{ id, before, after: this._snapshot(mask) }]);
  }

  _done(steps) {
    this._undo.push(steps);
    this._redo = [];
    this._save(steps.map((step) => (step.after ? { put: step.id } : { remove: step.id })));
  }

  _step(from, to, which) {
    const steps = from.pop();
    if (!steps) return;
    to.push(steps);
    for (const step of steps) {
      const state = step[which];
      if (!state) this._drop(step.id);
      else {
        const mask = this._find(step.id) || { id: step.id, revision: this._gone.get(step.id) ?? null };
        if (!this._find(step.id)) this.masks.push(mask);
        Object.assign(mask, structuredClone(state));
        this.selected = step.id;
      }
    }
    this._save(steps.map((step) => (step[which] ? { put: step.id } : { remove: step.id })));
  }

  _drop(id) {
    const mask = this._find(id);
    if (!mask) return;
    this._gone.set(id, mask.revision);
    this.masks = this.masks.filter((one) => one !== mask);
    if (this.selected === id) this.selected = null;
  }

  _snapshot({ id, revision, ...state }) { return structuredClone(state); }

  _spend(mask) {
    const now = performance.now();
    mask.seconds += Math.min((now - this._last) / 1000, sampipe.ImageWork.LONGEST_PAUSE);
    this._last = now;
  }

  _save(changes) {
    this._saves.push({ image: this.image, changes });
    if (!this._saving) this._saveAll();
  }

  async _saveAll() {
    this._saving = true;
    while (this._saves.length) {
      this.on.saving(this._saves.length);
      const { image, changes } = this._saves[0];
      const rows = changes.map((change) => this._row(change)).filter(Boolean);
      let reply;
      try {
        reply = rows.length ? await this.server.save({ image, changes: rows }) : { image };
      } catch (error) { // the server is gone or the line is down: what was done is kept here and sent again
        this.on.saving(-1);
        await new Promise((go) => setTimeout(go, 1500));
        continue;
      }
      this._saves.shift();
      if (reply.error) this.on.notice(`Not saved: ${reply.error}`, "error");
      else { this._note(rows, reply); this.take(reply); }
    }
    this._saving = false;
    this.on.saving(0);
  }

  // What was sent is on disk now: the next change of it starts from there.
  _note(rows, reply) {
    for (const { put, remove } of rows) {
      if (remove !== undefined) {
        this._gone.delete(remove);
        const restored = this._find(remove);
        if (restored) restored.revision = null;
      }
      const there = put && (reply.masks || []).find((row) => row.id === put.id);
      if (!there || there.segmentation.counts !== put.segmentation.counts || there.label !== put.label) continue;
      const own = this._find(put.id);
      if (own) own.revision = there.revision;
      else this._gone.set(put.id, there.revision);
    }
  }

  _row(change) {
    if ("complete" in change) return change;
    const id = change.put || change.remove, mask = this._find(id);
    if (change.put) return mask ? { put: this._toServer(mask), base: mask.revision } : null; // deleted since
    const base = this._gone.get(id);
    return base === null || base === undefined ? null : { remove: id, base }; // it never was on disk
  }

  _toServer(mask) {
    return {
      id: mask.id, segmentation: mask.rle, label: mask.label, accepted: mask.accepted, source: mask.source,
      predicted_iou: mask.predicted_iou, stability_score: mask.stability_score, score: mask.score,
      point_coords: mask.points.map(([x, y]) => [x, y]), point_labels: mask.points.map((point) => point[2]),
      prompt_box: mask.box, seconds: mask.seconds,
    };
  }

  _fromServer(row) {
    return {
      id: row.id, rle: row.segmentation, label: row.label, accepted: row.accepted, source: row.source,
      predicted_iou: row.predicted_iou, stability_score: row.stability_score, score: row.score,
      points: row.point_coords.map(([x, y], i) => [x, y, row.point_labels[i]]), box: row.prompt_box,
      area: row.area, bbox: row.bbox, doubt: row.doubt, seconds: row.seconds, revision: row.revision,
      work: null, candidates: [], chosen: 0,
    };
  }
};
