// A graph on the canvas, in the form of its file: { inputs, nodes: { name: { type, params, inputs } }, outputs, layout }.
// Each change gives a new graph; undo goes to an earlier one.
window.sampipe = window.sampipe || {};

sampipe.GraphModel = class {
  static EMPTY = { sampipe: 1, inputs: {}, nodes: {}, outputs: {}, layout: {} };

  constructor(catalog, changed) {
    this.catalog = catalog;
    this.changed = changed;
    this.fits = new Set(catalog.fits.map(([given, wanted]) => `${given} ${wanted}`));
    this.graph = structuredClone(sampipe.GraphModel.EMPTY);
    this.past = [];
    this.future = [];
  }

  // -- changes ---------------------------------------------------------------------------------------------------

  load(graph) {
    this.past = [];
    this.future = [];
    this.graph = { ...structuredClone(sampipe.GraphModel.EMPTY), ...graph };
    this.changed();
  }

  edit(change) {
    const next = structuredClone(this.graph);
    change(next);
    this._tidy(next);
    if (JSON.stringify(next) === JSON.stringify(this.graph)) return;
    this.past.push(this.graph);
    this.future = [];
    this.graph = next;
    this.changed();
  }

  undo() { if (this.past.length) { this.future.push(this.graph); this.graph = this.past.pop(); this.changed(); } }
  redo() { if (this.future.length) { this.past.push(this.graph); this.graph = this.future.pop(); this.changed(); } }

  // Adds a node (or, for "$name", an input); wired to what is asked, and its image to the image of the page.
  add(type, at, wire) {
    if (type.startsWith("$")) return this._addInput(type, at, wire);
    const entry = this.catalog.types[type], name = this.free(entry.name);
    this.edit((graph) => {
      const inputs = {};
      for (const port of entry.inputs) {
        if (port.type === "Image" && port.required) {
          inputs[port.name] = "$image";
          if (!graph.inputs.image) graph.layout.$image = [at[0] - 240, at[1]];
          graph.inputs.image ??= "Image";
        }
      }
      graph.nodes[name] = { type, params: {}, inputs };
      graph.layout[name] = at;
      if (wire?.from) {
        const port = this.portFor(entry.inputs, "in", wire);
        if (port) this._wire(graph, { node: name, port: port.name }, wire.from);
      } else if (wire?.to) {
        const port = this.portFor(entry.outputs, "out", wire);
        if (port) this._wire(graph, wire.to, `${name}.${port.name}`);
      }
    });
    return name;
  }

  _addInput(word, at, wire) {
    const name = this.graph.inputs[word.slice(1)] && wire ? word.slice(1) : this.free(word.slice(1), this.graph.inputs);
    this.edit((graph) => {
      graph.inputs[name] ??= wire?.to ? this.portOf(wire.to, "in").type : this.catalog.inputs[word.slice(1)].type;
      graph.layout[`$${name}`] ??= at;
      if (wire?.to) this._wire(graph, wire.to, `$${name}`);
    });
    return `$${name}`;
  }

  connect(to, from) { this.edit((graph) => this._wire(graph, to, from)); }
  disconnect(to) { this.edit((graph) => { delete graph.nodes[to.node].inputs[to.port]; }); }
  param(node, name, value) {
    this.edit((graph) => {
      if (value === undefined) delete graph.nodes[node].params[name];
      else graph.nodes[node].params[name] = value;
    });
  }
  move(places) { this.edit((graph) => Object.assign(graph.layout, places)); }
  remove(names) {
    this.edit((graph) => {
      for (const name of names) {
        if (name.startsWith("$")) delete graph.inputs[name.slice(1)];
        else delete graph.nodes[name];
        delete graph.layout[name];
      }
    });
  }

  duplicate(names) {
    const copies = {};
    this.edit((graph) => {
      for (const name of names.filter((one) => graph.nodes[one])) {
        copies[name] = this.free(name.replace(/_\d+$/, ""), graph.nodes);
        graph.nodes[copies[name]] = structuredClone(graph.nodes[name]);
        const [x, y] = graph.layout[name] || [0, 0];
        graph.layout[copies[name]] = [x + 40, y + 40];
      }
      for (const copy of Object.values(copies)) { // wires among the copies stay among them
        const { inputs } = graph.nodes[copy];
        for (const [port, source] of Object.entries(inputs)) {
          const [node, word] = source.split(".");
          if (copies[node]) inputs[port] = `${copies[node]}.${word}`;
        }
      }
    });
    return Object.values(copies);
  }

  rename(old, name) {
    this.edit((graph) => {
      const moved = (source) => (source.startsWith(`${old}.`) ? name + source.slice(old.length) : source);
      graph.nodes = Object.fromEntries(Object.entries(graph.nodes).map(([key, node]) => {
        const inputs = Object.fromEntries(Object.entries(node.inputs).map(([port, source]) => [port, moved(source)]));
        return [key === old ? name : key, { ...node, inputs }];
      }));
      graph.outputs = Object.fromEntries(Object.entries(graph.outputs).map(([key, source]) => [key, moved(source)]));
      graph.layout[name] = graph.layout[old];
      delete graph.layout[old];
    });
  }

  // Makes an output of a node an output of the graph, or takes it back.
  output(source) {
    this.edit((graph) => {
      const name = Object.keys(graph.outputs).find((one) => graph.outputs[one] === source);
      if (name) delete graph.outputs[name];
      else graph.outputs[this.free(source.split(".")[1], graph.outputs)] = source;
    });
  }

  _wire(graph, to, from) {
    graph.nodes[to.node].inputs[to.port] = from;
    if (from.startsWith("$")) graph.inputs[from.slice(1)] ??= this.portOf(to, "in", graph).type;
  }

  // Wires from what is gone go too, outputs as well.
  _tidy(graph) {
    const there = (source) => (source.startsWith("$") ? source.slice(1) in graph.inputs : source.split(".")[0] in graph.nodes);
    for (const node of Object.values(graph.nodes)) {
      for (const [port, source] of Object.entries(node.inputs)) if (!there(source)) delete node.inputs[port];
    }
    for (const [name, source] of Object.entries(graph.outputs)) if (!there(source)) delete graph.outputs[name];
  }

  // -- questions -------------------------------------------------------------------------------------------------

  free(name, taken = this.graph.nodes) {
    let found = name;
    for (let count = 2; found in taken; count++) found = `${name}_${count}`;
    return found;
  }

  entry(name, graph = this.graph) { return this.catalog.types[graph.nodes[name]?.type]; }

  // The port of a node: { name, type }. Of an unknown node type, what its wires show.
  portOf({ node, port }, side, graph = this.graph) {
    const ports = this.entry(node, graph)?.[side === "in" ? "inputs" : "outputs"];
    return ports?.find((one) => one.name === port) || { name: port, type: "Any" };
  }

  typeOf(source) {
    if (source.startsWith("$")) return (this.graph.inputs[source.slice(1)] || "Any").replace("?", "");
    const [node, port] = source.split(".");
    return this.portOf({ node, port }, "out").type;
  }

  isFit(given, wanted) { return given === wanted || given === "Any" || this.fits.has(`${given} ${wanted}`); }

  // Whether a wire may lead there: the types fit, and it makes no circle.
  mayConnect(to, from) {
    const upstream = from.split(".")[0];
    if (!from.startsWith("$") && (upstream === to.node || this.downstream(to.node).has(upstream))) return false;
    return this.isFit(this.typeOf(from), this.portOf(to, "in").type);
  }

  // The first port of a list that a loose wire fits: { from: source } or { to: { node, port } }.
  portFor(ports, side, wire) {
    if (side === "out") {
      const wanted = this.portOf(wire.to, "in").type;
      return ports.find((one) => this.isFit(one.type, wanted));
    }
    const given = this.typeOf(wire.from), fitting = ports.filter((one) => this.isFit(given, one.type));
    return fitting.find((one) => one.required) || fitting[0];
  }

  downstream(name) {
    const found = new Set([name]);
    for (let before = 0; before < found.size; ) {
      before = found.size;
      for (const [other, node] of Object.entries(this.graph.nodes)) {
        if (Object.values(node.inputs).some((source) => found.has(source.split(".")[0]))) found.add(other);
      }
    }
    return found;
  }

  upstream(name, found = new Set()) {
    if (found.has(name) || !this.graph.nodes[name]) return found;
    found.add(name);
    for (const source of Object.values(this.graph.nodes[name].inputs)) this.upstream(source.split(".")[0], found);
    return found;
  }

  wires() {
    return Object.entries(this.graph.nodes).flatMap(([node, { inputs }]) =>
      Object.entries(inputs).map(([port, source]) => ({ to: { node, port }, from: source })));
  }

  // What a node's result depends on, as a text; the page gives the values of the inputs.
  signature(name, given, seen = new Set()) {
    const node = this.graph.nodes[name];
    if (!node || seen.has(name)) return "";
    const sources = Object.entries(node.inputs).sort().map(([port, source]) => [port, source.startsWith("$")
      ? given(source.slice(1))
      : [source.split(".")[1], this.signature(source.split(".")[0], given, new Set([...seen, name]))]]);
    return JSON.stringify([node.type, Object.entries(node.params).sort(), sources]);
  }

  // Columns by the longest way from the left; within a column in the order of the sources.
  arranged(heights) {
    const depth = {}, columns = [];
    const deep = (name, seen = []) => {
      if (name.startsWith("$") || seen.includes(name) || !this.graph.nodes[name]) return 0;
      return (depth[name] ??= 1 + Math.max(0, ...Object.values(this.graph.nodes[name].inputs).map((source) =>
        deep(source.split(".")[0], [...seen, name]))));
    };
    const names = [...Object.keys(this.graph.inputs).map((one) => `$${one}`), ...Object.keys(this.graph.nodes)];
    names.forEach((name) => (columns[deep(name)] ||= []).push(name));
    const places = {};
    columns.filter(Boolean).forEach((column, at) => {
      let y = 30;
      for (const name of column) {
        places[name] = [30 + at * 280, y];
        y += (heights[name] || 120) + 30;
      }
    });
    return places;
  }
};
