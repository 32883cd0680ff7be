// One node on the canvas: its name, ports, settings, and what it gave.
window.sampipe = window.sampipe || {};

sampipe.make = function (tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name.startsWith("aria-")) made.setAttribute(name, String(value));
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((one) => one !== null && one !== undefined));
  return made;
};

sampipe.NodeCard = class {
  constructor(canvas, name) {
    this.canvas = canvas;
    this.name = name;
    this.input = name.startsWith("$") ? name.slice(1) : null;
    this.element = sampipe.make("section", {
      class: "sp-node", tabindex: 0, "data-node": name, onfocus: () => this._focused(),
    });
    this.update();
  }

  get spec() { return this.canvas.model.graph.nodes[this.name]; }
  get entry() { return this.canvas.model.entry(this.name); }

  _focused() { if (this.element.matches(":focus-visible") && !this.canvas.selected.has(this.name)) this.canvas.select([this.name]); }

  // Drawn again only when something else than one of its own fields changed it.
  update() {
    const now = this._looks();
    if (now === this.drawn) return;
    this.drawn = now;
    if (this.typing) return this._countChanged();
    const { make } = sampipe, open = this.element.querySelector(".sp-params")?.open;
    this.element.classList.toggle("is-input", this.input !== null);
    this.element.setAttribute("aria-label", this.input ? `Input ${this.input}` : `Node ${this.name}, ${this.entry?.title || this.spec.type}`);
    if (this.input !== null) {
      this.element.replaceChildren(make("header", {}, make("b", {}, this.input), make("span", {}, "input")), this._ports(), make("div", { class: "sp-given" }));
      return this.renderInput();
    }
    this.element.replaceChildren(this._header(), this._ports(), this._params(open),
      make("p", { class: "sp-node-said", "aria-live": "polite" }), make("div", { class: "sp-node-gave" }));
    this._countChanged();
    this.renderState();
  }

  _looks() {
    const { graph } = this.canvas.model;
    if (this.input !== null) return graph.inputs[this.input];
    const gone = Object.entries(graph.outputs).filter(([, source]) => source.startsWith(`${this.name}.`));
    return JSON.stringify([this.spec.type, this.spec.params, Object.keys(this.spec.inputs), gone]);
  }

  _header() {
    const { make } = sampipe, { canvas, name } = this;
    const title = make("b", { title: "Double-click (or F2) to rename", ondblclick: () => this.rename() }, name);
    return make("header", {},
      title, make("span", { title: this.entry?.help }, this.entry?.title || this.spec.type.split("@")[0]),
      make("button", { type: "button", class: "sp-run-one", title: `Run ${name} and what it needs`, "aria-label": `Run ${name}`, onclick: () => canvas.run(name) }, "▶"));
  }

  rename() {
    const title = this.element.querySelector("header b");
    if (!title || this.input !== null) return;
    const field = sampipe.make("input", { type: "text", "aria-label": "Name of the node", value: this.name });
    let byKey = false;
    const end = () => {
      const name = field.value.trim();
      field.replaceWith(title);
      const card = this._renameTo(name) ? this.canvas.board.nodes.get(name) : this;
      if (byKey) card.element.focus();
    };
    field.addEventListener("blur", end, { once: true });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape") field.value = this.name;
      if (event.key !== "Enter" && event.key !== "Escape") return;
      byKey = true;
      field.blur();
    });
    title.replaceWith(field);
    field.select();
  }

  // Whether it has that name now.
  _renameTo(name) {
    const { model, results } = this.canvas;
    if (name === this.name || !name) return false;
    if (!/^[A-Za-z_]\w*$/.test(name)) return this._refuse(`${name} cannot name a node: use letters, digits and underscores.`);
    if (name in model.graph.nodes) return this._refuse(`There is a node ${name} already.`);
    if (results[this.name]) { results[name] = results[this.name]; delete results[this.name]; }
    model.rename(this.name, name);
    return true;
  }

  _refuse(why) { this.canvas.say(why, true); return false; }

  _ports() {
    const { make } = sampipe, { model } = this.canvas;
    if (this.input !== null) {
      const type = model.graph.inputs[this.input].replace("?", "");
      return make("div", { class: "sp-ports" }, make("ul"), make("ul", {}, this._port({ name: this.input, type }, "out")));
    }
    const shown = (ports, side) => make("ul", {}, ...ports.map((port) => this._port(port, side)));
    const guessed = (names) => [...new Set(names)].map((name) => ({ name, type: "Any", required: true }));
    const used = model.wires().filter((one) => one.from.startsWith(`${this.name}.`)).map((one) => one.from.split(".")[1]);
    return make("div", { class: "sp-ports" },
      shown(this.entry?.inputs || guessed(Object.keys(this.spec.inputs)), "in"), shown(this.entry?.outputs || guessed(used), "out"));
  }

  _port({ name, type, required }, side) {
    const { make } = sampipe, { model } = this.canvas, source = `${this.name}.${name}`;
    const wired = side === "in" && name in this.spec.inputs;
    const port = make("button", {
      type: "button", class: `sp-port${side === "in" && !required ? " is-optional" : ""}${wired ? " is-wired" : ""}`,
      "data-side": side, "data-node": this.name, "data-port": name, "data-type": type,
      title: `${type}${side === "in" && !required ? ", optional" : ""}`, "aria-label": `${side === "in" ? "Input" : "Output"} ${name}, ${type}`,
    }, make("i"), name);
    if (side === "in" || this.input !== null) return make("li", {}, port);
    const chosen = Object.values(model.graph.outputs).includes(source);
    return make("li", {}, make("button", {
      type: "button", class: "sp-is-output", "aria-pressed": chosen, title: "An output of the graph", "aria-label": `${source} is an output of the graph`,
      onclick: () => model.output(source),
    }, "⇥"), port);
  }

  // -- settings --------------------------------------------------------------------------------------------------

  _params(open) {
    const { make } = sampipe, params = this.entry?.params || [];
    if (!params.length) return null;
    return make("details", { class: "sp-params", open },
      make("summary", {}, "Settings", make("small", {})),
      ...params.map((param) => sampipe.paramField(param, this.spec.params[param.name] ?? param.default, (value) => {
        const same = JSON.stringify(value) === JSON.stringify(param.default);
        this.typing = true; // its own field changed it: the fields stay, and the focus goes where it was going
        this.canvas.model.param(this.name, param.name, same ? undefined : value);
        this.typing = false;
      })));
  }

  _countChanged() {
    const place = this.element.querySelector(".sp-params small"), changed = Object.keys(this.spec.params).length;
    if (place) place.textContent = changed ? ` ${changed} changed` : "";
  }

  // -- inputs of the graph ---------------------------------------------------------------------------------------

  renderInput() {
    if (this.input === null) return;
    const { make } = sampipe, { canvas, input } = this, place = this.element.querySelector(".sp-given"), { bench } = sampipe;
    const kind = canvas.model.graph.inputs[input].replace("?", "");
    const looks = JSON.stringify([kind, bench?.image?.key, kind === "Prompts" && canvas.given(input)]);
    if (looks === this.given) return;
    this.given = looks;
    if (kind === "Image" && bench?.image) {
      place.replaceChildren(make("img", { src: bench.image.url, alt: bench.image.name, class: "sp-node-image" }), make("small", {}, bench.image.name),
        make("button", { type: "button", onclick: () => bench.view.browse() }, "Another image"));
    } else if (kind === "Image") {
      const samples = (bench?.settings.samples || []).map(({ name, url }) =>
        make("button", { type: "button", title: name, "aria-label": `Sample ${name}`, "data-graph-sample": name, onclick: () => bench.open({ sample: name }) }, make("img", { src: url, alt: "" })));
      place.replaceChildren(make("button", { type: "button", class: "sp-choose", onclick: () => bench.view.browse() }, "Choose an image"),
        make("small", {}, "or take a sample"), make("div", { class: "sp-given-samples" }, ...samples));
    } else if (kind === "Prompts") {
      const count = bench?.request().prompts.length || 0;
      place.replaceChildren(make("small", {}, count ? `${count} marked on the image below` : "Click or drag on the image below to mark objects."));
    } else if (["Text", "str", "int", "float", "bool"].includes(kind)) {
      const type = { int: "number", float: "number", bool: "checkbox" }[kind] || "text";
      const field = make("input", { type, "aria-label": input, placeholder: kind === "Text" ? "a cup, a spoon" : "", step: kind === "float" ? "any" : null });
      field.addEventListener("input", () => {
        canvas.values[input] = type === "checkbox" ? field.checked : field.value === "" ? null : type === "number" ? Number(field.value) : field.value;
        canvas.board.renderStale();
      });
      field.addEventListener("keydown", (event) => { if (event.key === "Enter") canvas.run(); });
      if (type === "checkbox") field.checked = Boolean(canvas.values[input]); else field.value = canvas.values[input] ?? "";
      place.replaceChildren(field);
    } else place.replaceChildren(make("small", {}, `A page cannot give ${kind}; run this graph from Python.`));
    canvas.board?.drawWires();
  }

  // -- what it gave ----------------------------------------------------------------------------------------------

  renderState() {
    this.element.classList.toggle("is-selected", this.canvas.selected.has(this.name));
    if (this.input !== null) return;
    const result = this.canvas.results[this.name], problem = this.canvas.problems[this.name];
    const state = result?.state || "", failed = state === "failed" || Boolean(problem && !problem.startsWith("Nothing feeds"));
    this.element.dataset.state = failed ? "failed" : state || (problem ? "open" : "");
    const said = this.element.querySelector(".sp-node-said");
    said.textContent = state === "failed" || state === "open" ? result.message
      : state === "running" ? "running …" : problem || (state === "done" ? this._figures(result) : "");
    this._gave(result);
    this.renderStale();
  }

  renderStale() {
    if (this.input !== null) return;
    const stale = this.canvas.isStale(this.name);
    this.element.classList.toggle("is-stale", stale);
    const mark = this.element.querySelector("header span");
    if (stale) mark.dataset.stale = "out of date"; else delete mark.dataset.stale;
  }

  _figures({ seconds, hits, device, kept }) {
    const told = [`${seconds < 0.1 ? seconds.toFixed(3) : seconds.toFixed(2)} s`, `${hits} cache hit${hits === 1 ? "" : "s"}`, device];
    return [...told, kept ? "kept" : null].filter(Boolean).join(" · ");
  }

  _gave(result) {
    const { make } = sampipe, place = this.element.querySelector(".sp-node-gave");
    const outputs = result?.state === "done" ? result.outputs : [], looks = JSON.stringify(outputs.map((one) => [one.port, one.words, one.url?.length, one.url?.slice(-80)]));
    if (place.dataset.looks === looks) return;
    place.dataset.looks = looks;
    place.replaceChildren(...outputs.flatMap(({ port, words, url }) => [
      url && make("button", { type: "button", class: "sp-node-image", title: "Larger", "aria-label": `${port} of ${this.name}, larger`, onclick: () => this.canvas.enlarge(this.name, port) },
        make("img", { src: url, alt: `${port}: ${words}`, onload: () => this.canvas.board.drawWires() })),
      make("small", {}, outputs.length > 1 ? make("b", {}, `${port} `) : null, words,
        this.canvas.model.portOf({ node: this.name, port }, "out").type === "Masks" && sampipe.bench?.settings.live
          ? make("button", { type: "button", class: "sp-to-image", title: "Put these masks on the image, to mend and download them", onclick: () => this.canvas.toImage(this.name, port) }, "Edit")
          : null),
    ].filter(Boolean)));
  }
};

// A field for a parameter: { name, kind, default, optional, least, most, choices, help }; told is called with its value.
sampipe.paramField = function (param, value, told) {
  const { make } = sampipe, { kind, name, least, most } = param;
  const common = { name, title: param.help };
  let field;
  if (kind === "switch") {
    field = make("input", { ...common, type: "checkbox" });
    field.checked = Boolean(value);
    field.addEventListener("change", () => told(field.checked));
  } else if (kind === "choice") {
    field = make("select", common, ...param.choices.map((one, at) => make("option", { value: at, selected: one === value }, one === null ? "none" : String(one))));
    field.addEventListener("change", () => told(param.choices[Number(field.value)]));
  } else if (kind === "whole" || kind === "number") {
    field = make("input", { ...common, type: "number", min: least, max: most, step: kind === "whole" ? 1 : "any", placeholder: param.optional ? "open" : "", value: value ?? "" });
    field.addEventListener("change", () => told(field.value === "" ? (param.optional ? null : param.default) : Number(field.value)));
    if (least !== null && most !== null && value !== null) {
      const slider = make("input", { type: "range", min: least, max: most, step: kind === "whole" ? 1 : (most - least) / 200, value, "aria-label": name, tabindex: -1 });
      slider.addEventListener("input", () => { field.value = kind === "whole" ? slider.value : Number(slider.value).toPrecision(3) / 1; });
      slider.addEventListener("change", () => told(Number(field.value)));
      field.addEventListener("input", () => { slider.value = field.value; });
      return make("label", { class: "sp-param" }, make("span", {}, name), make("span", { class: "sp-slider" }, slider, field));
    }
  } else if (kind === "text") {
    field = make("input", { ...common, type: "text", value: value ?? "", placeholder: param.optional ? "none" : "" });
    field.addEventListener("change", () => told(field.value === "" && param.optional ? null : field.value));
  } else {
    field = make("input", { ...common, type: "text", value: value === null ? "" : JSON.stringify(value), placeholder: "JSON" });
    field.addEventListener("change", () => {
      let read;
      try { read = field.value.trim() ? JSON.parse(field.value) : param.optional ? null : param.default; field.setCustomValidity(""); }
      catch (error) { field.setCustomValidity(`This is not JSON: write [1, 2] or "text". ${error.message}`); field.reportValidity(); return; }
      told(read);
    });
  }
  return make("label", { class: "sp-param" }, make("span", {}, name), field);
};
