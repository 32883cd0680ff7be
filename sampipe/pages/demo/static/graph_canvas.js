// The canvas of a graph: nodes are added, wired, set and run where they stand. The model holds the graph, the board
// draws it; this file is what happens in between.
window.sampipe = window.sampipe || {};

sampipe.GraphCanvas = class {
  constructor(element, server, settings) {
    this.root = element.querySelector(".sp-graph");
    this.server = server;
    this.settings = settings; // { app, may_save }
    this.window = crypto.randomUUID?.() || String(Math.random()).slice(2);
    this.results = {}; // by node: what the server said of it, and the signature that it ran with
    this.problems = {};
    this.values = {}; // of inputs that are typed
    this.selected = new Set();
    this.running = false;
    sampipe.graph = this;
    this.ready = this._open();
  }

  async _open() {
    this.root.innerHTML = `<p class="sp-note">Loading the nodes …</p>`;
    if (!this.root.offsetParent) { // the list of nodes takes a moment: it is read when the tab is first seen
      await new Promise((seen) => new IntersectionObserver((entries, observer) => {
        if (entries.some((one) => one.isIntersecting)) { observer.disconnect(); seen(); }
      }).observe(this.root));
    }
    const [catalog, examples] = await Promise.all([this.server.catalog({}), this.server.examples({})]), wrong = catalog.error || examples.error;
    if (wrong) { this.root.innerHTML = `<p class="sp-error" role="alert"></p>`; this.root.firstChild.textContent = wrong; return; }
    this.model = new sampipe.GraphModel(catalog, () => this.changed());
    this.examples = examples.files; // graph files by name; the first one is shown
    this.board = new sampipe.GraphBoard(this);
    this.menu = new sampipe.NodeMenu(this);
    this.bar = new sampipe.GraphBar(this);
    document.addEventListener("sp-bench", () => this.board.inputsChanged());
    const kept = sampipe.kept(this._key());
    if (kept) this.model.load(kept); else await this.read(Object.values(this.examples)[0]);
    this.board.fit();
  }

  _key() { return `sampipe-graph ${this.settings.app ? Object.values(this.examples)[0] : ""}`; }

  async call(name, data) {
    try {
      const answer = await this.server[name]({ window: this.window, ...data });
      if (answer.error) { this.say(answer.error, true); return null; }
      return answer;
    } catch (error) {
      console.error(error);
      this.say("The server did not answer; is `sampipe demo` still running?", true);
      return null;
    }
  }

  say(text, wrong = false) { this.bar.say(text, wrong); }

  // Puts a graph file on the canvas; one that is none leaves the canvas as it is.
  async read(text) {
    const answer = await this.call("read", { text });
    if (!answer) return false;
    this.results = {};
    this.model.load(answer.graph);
    this.board.fit();
    this.say("");
    return true;
  }

  changed() {
    this.selected.forEach((name) => { if (!this.exists(name)) this.selected.delete(name); });
    if (!this.running) this.say(""); // what was said is of the graph before
    this.board.render();
    this.bar.render();
    sampipe.keep(this._key(), this.model.graph);
    clearTimeout(this._soon);
    this._soon = setTimeout(() => this.check(), 250);
  }

  exists(name) { return name.startsWith("$") ? name.slice(1) in this.model.graph.inputs : name in this.model.graph.nodes; }

  async check() {
    const graph = this.model.graph, files = await this.call("files", { graph });
    if (!files || graph !== this.model.graph) return;
    this.problems = files.problems;
    this.files = files;
    this.board.renderStates();
    this.bar.render();
  }

  // -- inputs of the graph ---------------------------------------------------------------------------------------

  given(name) {
    const kind = (this.model.graph.inputs[name] || "").replace("?", ""), { bench } = sampipe;
    if (kind === "Image") return bench?.image?.key ?? null;
    if (kind === "Prompts") return [bench?.image?.key ?? null, bench?.request().prompts ?? []];
    return this.values[name] ?? null;
  }

  isStale(name) {
    const result = this.results[name];
    return Boolean(result?.state === "done" && result.signature !== this.model.signature(name, (one) => this.given(one)));
  }

  // -- running ---------------------------------------------------------------------------------------------------

  // Runs the whole canvas, or one node with what it needs.
  async run(only = null) {
    if (this.running) return;
    const graph = this.model.graph, names = only ? [...this.model.upstream(only)] : Object.keys(graph.nodes);
    if (!names.length) return this.say("Add a node first: choose one on the left, or double-click the canvas.", true);
    const signatures = Object.fromEntries(names.map((name) => [name, this.model.signature(name, (one) => this.given(one))]));
    const { key, prompts } = sampipe.bench?.request() || { key: null, prompts: [] };
    this.running = true;
    this.say("");
    names.forEach((name) => { if (this.results[name]?.state !== "done") delete this.results[name]; });
    this.board.renderStates();
    this.bar.render();
    try {
      const marked = prompts.filter((one) => one.points.length || one.box || one.brush);
      if (await this.call("start", { graph, only, key, prompts: marked, values: this.values, ...(only && { only: names }) })) {
        await this._follow(signatures);
      }
    } finally {
      this.running = false;
      this.board.renderStates();
      this.bar.render();
    }
  }

  async _follow(signatures) {
    const started = performance.now();
    let after = 0, ran = 0, kept = 0;
    for (;;) {
      const news = await this.call("follow", { after });
      if (!news) return;
      for (const event of news.events) {
        after++;
        this.results[event.node] = { ...event, signature: signatures[event.node] };
        if (event.state === "done") { if (event.kept) kept++; else ran++; }
        this.board.renderState(event.node);
      }
      if (news.done) {
        if (news.stopped) {
          for (const [name, one] of Object.entries(this.results)) if (one.state === "running") delete this.results[name];
          return this.say("Stopped.");
        }
        const seconds = ((performance.now() - started) / 1000).toFixed(1), asked = Object.keys(signatures);
        const [[wrong], waits] = ["failed", "open"].map((state) => asked.filter((name) => this.results[name]?.state === state));
        if (wrong) return this.say(`${wrong}: ${this.results[wrong].message}`, true);
        if (!ran && !kept) return this.say(`Nothing ran. ${waits[0]}: ${this.results[waits[0]].message}`, true);
        const left = waits.length ? `, ${waits.length} cannot run yet` : "";
        return this.say(`Done in ${seconds} s: ${ran} ran${kept ? `, ${kept} kept from before` : ""}${left}.`);
      }
      this.bar.progress(news.share ?? null, news.waiting);
    }
  }

  cancel() { return this.call("cancel", {}); }

  // The masks of a node become objects on the page's image, to be mended and downloaded there.
  async toImage(node, port) {
    const found = await this.call("objects", { node, port });
    if (!found) return;
    sampipe.bench.add(found);
    document.getElementById("bench").scrollIntoView({ behavior: "smooth", block: "start" });
  }

  async enlarge(node, port) {
    const found = await this.call("look", { node, port });
    if (!found?.url) return;
    const dialog = document.createElement("dialog");
    dialog.className = "sp-look";
    dialog.innerHTML = `<form method="dialog"><h3></h3><button aria-label="Close">✕</button></form><img alt="">`;
    dialog.querySelector("h3").textContent = `${node}.${port}: ${found.words}`;
    dialog.querySelector("img").src = found.url;
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    this.root.append(dialog);
    dialog.showModal();
  }

  // -- keys ------------------------------------------------------------------------------------------------------

  key(event) {
    const key = event.key.toLowerCase(), { model } = this;
    const control = event.ctrlKey || event.metaKey, field = event.target.closest("input, textarea, select");
    if (field && control && key === "enter") field.blur(); // what was typed last runs too
    else if (field) return;
    const keys = {
      "z": () => (event.shiftKey ? model.redo() : model.undo()), "y": () => model.redo(),
      "d": () => this.duplicate(), "a": () => this.select(Object.keys(model.graph.nodes)), "enter": () => this.run(),
    };
    if (control && keys[key]) keys[key]();
    else if (control) return;
    else if (key === "delete" || key === "backspace") this.remove();
    else if (key === "/" || key === "n") this.menu.open({});
    else if (key === "f") this.board.fit();
    else if (key === "f2" && this.selected.size === 1) this.board.nodes.get([...this.selected][0]).rename();
    else if (key === "escape") { this.board.letGo(); this.select([]); }
    else if (key.startsWith("arrow") && this.selected.size) this._nudge(key, event.shiftKey ? 40 : 10);
    else return;
    event.preventDefault();
  }

  _nudge(key, step) {
    const [dx, dy] = { arrowleft: [-step, 0], arrowright: [step, 0], arrowup: [0, -step], arrowdown: [0, step] }[key];
    this.model.move(Object.fromEntries([...this.selected].map((name) => {
      const [x, y] = this.model.graph.layout[name] || [0, 0];
      return [name, [x + dx, y + dy]];
    })));
  }

  select(names) { this.selected = new Set(names); this.board.wire = null; this.board.renderStates(); this.bar.render(); }
  duplicate() { this.select(this.model.duplicate([...this.selected])); }
  remove() {
    if (this.board.wire) { const wire = this.board.wire; this.board.wire = null; this.model.disconnect(wire.to); }
    else if (this.selected.size) this.model.remove([...this.selected]);
  }

  add(type, at, wire) {
    const name = this.model.add(type, at || this.board.freePlace(), wire);
    this.select([name]);
    this.board.reveal(name);
    return name;
  }
};
