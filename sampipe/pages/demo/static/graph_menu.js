// Which nodes there are: the palette beside the canvas, and the list that opens where a wire is dropped.
window.sampipe = window.sampipe || {};

sampipe.NodeMenu = class {
  static ORDER = ["Inputs", "Detectors", "Prompts", "Segment", "Masks", "Text", "Video", "More"];

  constructor(canvas) {
    this.canvas = canvas;
    this.palette = canvas.root.querySelector(".sp-palette");
    const { types, inputs } = canvas.model.catalog;
    this.items = [
      ...Object.entries(inputs).map(([name, one]) => ({ type: `$${name}`, title: name, category: "Inputs", help: one.help, missing: "", gives: [one.type], takes: [] })),
      ...Object.entries(types).filter(([, one]) => !one.saves || canvas.settings.may_save).map(([type, one]) => ({
        type, ...one, gives: one.outputs.map((port) => port.type), takes: one.inputs.map((port) => port.type),
      })),
    ].sort((one, other) => one.title.localeCompare(other.title));
    this._fillPalette();
  }

  // Those whose name, type or first line holds all words; names that begin with it first.
  found(words, items = this.items) {
    const parts = words.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = items.filter((one) => parts.every((part) => `${one.title} ${one.type} ${one.category} ${one.help}`.toLowerCase().includes(part)));
    const rank = (one) => (one.missing ? 4 : 0) + (parts[0] && !one.title.toLowerCase().startsWith(parts[0]) ? 1 : 0);
    return parts.length ? hits.sort((one, other) => rank(one) - rank(other)) : hits;
  }

  // Those that a loose wire may lead to.
  fitting(wire) {
    if (!wire) return this.items;
    const { model } = this.canvas;
    if (wire.from) return this.items.filter((one) => one.takes.some((type) => model.isFit(model.typeOf(wire.from), type)));
    const wanted = model.portOf(wire.to, "in").type;
    return this.items.filter((one) => one.gives.some((type) => model.isFit(type, wanted)));
  }

  // -- beside the canvas -----------------------------------------------------------------------------------------

  _fillPalette() {
    const { make } = sampipe, list = make("div", { class: "sp-palette-list" });
    const search = make("input", { type: "search", placeholder: "Search nodes", "aria-label": "Search nodes" });
    const show = () => {
      const found = new Set(this.found(search.value));
      list.replaceChildren(...sampipe.NodeMenu.ORDER.map((category) => {
        const items = this.items.filter((one) => one.category === category && found.has(one));
        if (!items.length) return "";
        const ready = items.filter((one) => !one.missing), rest = items.filter((one) => one.missing);
        return make("details", { open: Boolean(search.value) || category !== "Video" && category !== "More" }, make("summary", {}, category),
          ...ready.map((one) => this._button(one)), ...rest.map((one) => this._missing(one)));
      }));
    };
    search.addEventListener("input", show);
    search.addEventListener("keydown", (event) => {
      const first = this.found(search.value).find((one) => !one.missing);
      if (event.key === "Enter" && first) { this.canvas.add(first.type); search.value = ""; show(); }
    });
    this.palette.replaceChildren(search, list);
    show();
  }

  _button(item) {
    const { make } = sampipe;
    const button = make("button", { type: "button", class: "sp-item", "data-type": item.type, title: `${item.title}: ${item.help}` }, make("b", {}, item.title), make("small", {}, item.help));
    button.addEventListener("click", (event) => { if (!button.dragged) this.canvas.add(item.type); button.dragged = false; });
    button.addEventListener("pointerdown", (event) => { // dragged onto the canvas
      if (event.pointerType === "touch") return;
      const ghost = make("div", { class: "sp-ghost" }, item.title), { board } = this.canvas;
      board._drag(event, (dx, dy, now) => {
        if (!ghost.isConnected) this.canvas.root.append(ghost);
        ghost.style.left = `${now.clientX}px`;
        ghost.style.top = `${now.clientY}px`;
      }, (now, moved) => {
        ghost.remove();
        button.dragged = moved && button.contains(document.elementFromPoint(now.clientX, now.clientY));
        const under = moved && document.elementFromPoint(now.clientX, now.clientY);
        if (under && board.ground.contains(under)) this.canvas.add(item.type, board.toWorld(now.clientX - 20, now.clientY - 16).map(Math.round));
      });
    });
    return button;
  }

  _missing(item) {
    const { make } = sampipe;
    return make("div", { class: "sp-item is-missing", "data-type": item.type, title: item.help }, make("b", {}, item.title), make("code", {}, item.missing));
  }

  // -- where a wire was dropped ----------------------------------------------------------------------------------

  // A list with a search field; at is a place on the screen, wire a loose one that the node shall take.
  open({ at, wire }) {
    this.close();
    const { make } = sampipe, { board, root } = this.canvas, box = board.ground.getBoundingClientRect();
    const [x, y] = at || [box.left + box.width / 2 - 130, box.top + 60], items = this.fitting(wire).filter((one) => !one.missing);
    const list = make("ul", { role: "listbox", id: "sp-fitting" });
    const search = make("input", { type: "search", placeholder: wire ? "Nodes that fit" : "Search nodes", "aria-label": "Search nodes", role: "combobox", "aria-controls": "sp-fitting", "aria-expanded": "true" });
    let found = [], chosen = 0;
    const take = (item) => {
      const place = board.toWorld(x, y).map(Math.round);
      this.close();
      board.letGo();
      this.canvas.add(item.type, at ? place : undefined, wire);
      board.ground.focus();
    };
    const show = () => {
      found = this.found(search.value, items);
      chosen = Math.min(chosen, Math.max(found.length - 1, 0));
      list.replaceChildren(...found.map((item, index) => make("li", { role: "option", "aria-selected": index === chosen, "data-type": item.type, onclick: () => take(item) }, make("b", {}, item.title), make("small", {}, item.help))));
      if (!found.length) list.replaceChildren(make("li", { class: "sp-note" }, "No node fits."));
      list.children[chosen]?.scrollIntoView({ block: "nearest" });
    };
    search.addEventListener("input", () => { chosen = 0; show(); });
    search.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") chosen = Math.min(chosen + 1, found.length - 1);
      else if (event.key === "ArrowUp") chosen = Math.max(chosen - 1, 0);
      else if (event.key === "Enter" && found[chosen]) { event.preventDefault(); return take(found[chosen]); }
      else if (event.key === "Escape") { this.close(); board.letGo(); return board.ground.focus(); }
      else return;
      event.preventDefault();
      show();
    });
    this.popup = make("div", { class: "sp-popup" }, search, list);
    const frame = root.getBoundingClientRect();
    this.popup.style.left = `${Math.max(0, Math.min(x - frame.left, frame.width - 290))}px`;
    this.popup.style.top = `${Math.max(0, Math.min(y - frame.top, frame.height - 330))}px`;
    root.append(this.popup);
    this._outside = (event) => { if (!this.popup?.contains(event.target)) { this.close(); board.letGo(); } };
    setTimeout(() => document.addEventListener("pointerdown", this._outside, true));
    show();
    search.focus();
  }

  close() {
    this.popup?.remove();
    this.popup = null;
    if (this._outside) document.removeEventListener("pointerdown", this._outside, true);
  }
};
