// Above the canvas: run, undo, open and save, what is being done; and the view of a graph as an app.
window.sampipe = window.sampipe || {};

sampipe.GraphBar = class {
  constructor(canvas) {
    this.canvas = canvas;
    this.bar = canvas.root.querySelector(".sp-graph-bar");
    const { make } = sampipe, { model, board, settings } = canvas, examples = settings.app ? [] : Object.keys(canvas.examples);
    const button = (name, text, title, act) => make("button", { type: "button", "data-do": name, title, onclick: act }, text);
    this.file = make("input", { type: "file", accept: ".yaml,.yml", hidden: true, "aria-label": "Graph file" });
    this.file.addEventListener("change", async () => {
      const [file] = this.file.files;
      this.file.value = "";
      if (file && await canvas.read(await file.text())) canvas.say(`${file.name} is on the canvas.`);
    });
    const start = make("select", { "aria-label": "Start from an example", class: "sp-examples" }, make("option", { value: "" }, "Examples"), ...examples.map((name) => make("option", {}, name)));
    start.addEventListener("change", () => { if (start.value) canvas.read(canvas.examples[start.value]); start.value = ""; });
    this.view = make("button", { type: "button", "data-do": "view", onclick: () => this.show(!canvas.root.classList.contains("is-app")) });
    this.bar.append(
      button("run", "Run", "Run everything (Ctrl+Enter)", () => canvas.run()), button("cancel", "Cancel", "Stop the run", () => canvas.cancel()),
      settings.app ? this.view : "",
      make("span", { class: "sp-group sp-only-canvas" },
        button("undo", "Undo", "Ctrl+Z", () => model.undo()), button("redo", "Redo", "Ctrl+Y", () => model.redo()),
        button("duplicate", "Duplicate", "Ctrl+D", () => canvas.duplicate()), button("remove", "Delete", "Delete", () => canvas.remove())),
      make("span", { class: "sp-group sp-only-canvas" },
        button("add", "+ Node", "Add a node (/)", () => canvas.menu.open({})), button("arrange", "Arrange", "Put the nodes in columns", () => board.arrange()),
        button("fit", "Fit", "Show everything (F)", () => board.fit()), button("out", "−", "Zoom out", () => board.zoom(1 / 1.25)),
        make("output", { class: "sp-zoom" }, "100%"), button("in", "+", "Zoom in", () => board.zoom(1.25))),
      make("span", { class: "sp-group sp-only-canvas sp-files" },
        examples.length ? start : "", button("open", "Open", "Open a graph file (YAML)", () => this.file.click()), this.file,
        button("save", "Save", "The graph as a file: YAML or Python", () => this.files())),
      make("p", { class: "sp-graph-status", role: "status", "aria-live": "polite" }));
    this.status = this.bar.querySelector(".sp-graph-status");
    this.app = make("div", { class: "sp-app" });
    canvas.root.append(this.app);
    if (settings.app) this.show(true);
  }

  say(text, wrong = false) {
    this.status.textContent = text;
    this.status.classList.toggle("sp-error", wrong);
    if (wrong) this.status.setAttribute("role", "alert"); else this.status.setAttribute("role", "status");
  }

  progress(share, waiting) {
    this.say(share !== null ? `running, ${Math.round(100 * share)} %` : waiting > 0 ? `waiting; ${waiting} before this one` : "starting");
  }

  zoomed(scale) { this.bar.querySelector(".sp-zoom").textContent = `${Math.round(100 * scale)}%`; }

  render() {
    const { canvas } = this, find = (name) => this.bar.querySelector(`[data-do="${name}"]`);
    find("run").disabled = canvas.running;
    find("cancel").disabled = !canvas.running;
    find("undo").disabled = !canvas.model.past.length;
    find("redo").disabled = !canvas.model.future.length;
    find("duplicate").disabled = !canvas.selected.size;
    find("remove").disabled = !canvas.selected.size && !canvas.board.wire;
    if (canvas.problems[""]) this.say(canvas.problems[""], true);
    this._renderApp();
  }

  // -- files -----------------------------------------------------------------------------------------------------

  async files() {
    const { make } = sampipe, { canvas } = this;
    await canvas.check();
    const { yaml, python } = canvas.files;
    const text = make("textarea", { spellcheck: "false", "aria-label": "graph.yaml" });
    text.value = yaml;
    const program = make("textarea", { readonly: true, spellcheck: "false", "aria-label": "graph.py" });
    program.value = python;
    const dialog = make("dialog", { class: "sp-files-dialog" },
      make("form", { method: "dialog" }, make("h3", {}, "This graph as a file"), make("button", { "aria-label": "Close" }, "✕")),
      make("h4", {}, "graph.yaml"), text,
      make("p", {}, make("button", { type: "button", "data-do": "yaml", onclick: () => sampipe.saveFile("graph.yaml", text.value, "text/yaml") }, "Download"),
        make("button", { type: "button", "data-do": "use", onclick: async () => { if (await canvas.read(text.value)) dialog.close(); else said.textContent = this.status.textContent; } }, "Use this text")),
      make("h4", {}, "graph.py ", make("small", {}, "takes image paths and writes masks")), program,
      make("p", {}, make("button", { type: "button", "data-do": "python", onclick: () => sampipe.saveFile("graph.py", program.value, "text/x-python") }, "Download")));
    const said = make("p", { class: "sp-error", role: "alert" });
    dialog.append(said);
    dialog.addEventListener("close", () => dialog.remove());
    canvas.root.append(dialog);
    dialog.showModal();
  }

  // -- the graph as an app: its inputs and outputs ---------------------------------------------------------------

  show(app) {
    this.canvas.root.classList.toggle("is-app", app);
    this.view.textContent = app ? "Canvas" : "App";
    this.view.title = app ? "See the graph, and change it" : "See only what goes in and what comes out";
    this._renderApp();
    if (!app) this.canvas.board.fit();
  }

  _renderApp() {
    const { canvas } = this, { make } = sampipe;
    if (!canvas.root.classList.contains("is-app")) return this.app.replaceChildren();
    const { outputs, inputs } = canvas.model.graph, typed = Object.keys(inputs).filter((name) => !["Image", "Prompts"].includes(inputs[name].replace("?", "")));
    if (!this.fields || this.fields.join() !== typed.join()) {
      this.fields = typed;
      this.given = make("div", { class: "sp-app-inputs" }, ...typed.map((name) => new sampipe.NodeCard(canvas, `$${name}`).element));
    }
    const cards = Object.entries(outputs).map(([name, source]) => {
      const [node, port] = source.split("."), result = canvas.results[node];
      const given = result?.state === "done" ? result.outputs.find((one) => one.port === port) : null;
      return make("section", { class: "sp-card", "data-output": name }, make("h4", {}, name, given ? make("span", {}, ` ${given.words}`) : null),
        given?.url ? make("button", { type: "button", class: "sp-node-image", "aria-label": `${name}, larger`, onclick: () => canvas.enlarge(node, port) }, make("img", { src: given.url, alt: name })) : null,
        given ? null : make("p", { class: result?.state === "failed" ? "sp-error" : "sp-note" }, result?.message || "Nothing yet: choose an image below, then Run."));
    });
    this.app.replaceChildren(this.given, ...cards);
  }
};
