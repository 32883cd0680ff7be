// The mask under the cursor: decoded in the page by onnxruntime-web, or by the server where WebAssembly is missing.
window.sampipe = window.sampipe || {};

sampipe.Hover = class {
  constructor(bench) {
    this.bench = bench;
    this.mode = bench.settings.live ? "waiting" : "off";
    this.milliseconds = [];
    this._tell();
  }

  // An image was opened: fetch its embedding, and on the first one the decoder too.
  async newImage(image) {
    if (!this.bench.settings.live) return;
    this.features = null;
    this.stop();
    this._use("server"); // until the page can do it by itself
    this.wanted = this.bench.settings.decoder && typeof WebAssembly === "object" ? image : null;
  }

  // The first time that somebody hovers over an image: a phone never loads the runtime.
  async _start(image) {
    this.wanted = null;
    try {
      const embedding = await this.bench.server.embedding({ key: image.key });
      if (embedding.error) throw new Error(embedding.error);
      this.session ||= await this._load(this.bench.settings.decoder.folder, embedding.model);
      if (this.bench.image?.key !== image.key) return;
      this.features = Object.fromEntries(
        Object.entries(embedding.features).map(([name, one]) => [name, sampipe.tensor(one)]));
      this.frame = embedding;
      this._use("browser");
    } catch (error) {
      console.warn("in-browser decoding is off:", error);
    }
  }

  async _load(folder, model) {
    const runtime = await import(new URL(`${folder}ort.wasm.min.mjs`, location.href));
    runtime.env.wasm.wasmPaths = new URL(folder, location.href).href;
    runtime.env.wasm.numThreads = 1; // several need headers that would cut the page off from everything else
    sampipe.ort = runtime;
    return runtime.InferenceSession.create(model, { executionProviders: ["wasm"] });
  }

  _use(mode) { this.mode = mode; this._tell(); }

  _tell() {
    const words = {
      off: "", waiting: "", server: "Hovering: masks come from the server.",
      browser: "Hovering: masks are decoded in this page.",
    };
    this.bench.view.find(".sp-hover").textContent = words[this.mode];
    this.bench.view.root.dataset.hover = this.mode;
  }

  // The newest place waits while one is being decoded; those between are left out.
  async at(x, y) {
    if (this.mode !== "browser" && this.mode !== "server") return;
    if (this.wanted) this._start(this.wanted);
    if (!["point", "background"].includes(this.bench.canvas.tool) || this.bench.active) return this.stop();
    this.next = [x, y];
    if (this.running) return;
    this.running = true;
    try {
      while (this.next) {
        const place = this.next;
        this.next = null;
        const layer = this.mode === "browser" ? await this._inPage(...place) : await this._onServer(...place);
        if (this.next === null && layer && !this.stopped) { this.bench.canvas.preview = layer; this.bench.canvas.draw(); }
        this.stopped = false;
      }
    } finally { this.running = false; }
  }

  stop() {
    this.next = null;
    this.stopped = this.running;
    if (this.bench.canvas?.preview) { this.bench.canvas.preview = null; this.bench.canvas.draw(); }
  }

  // Low-resolution logits of one foreground point, and how long that took.
  async decode(x, y) {
    const { Tensor } = sampipe.ort, [width, height] = this.frame.resized_wh, { image } = this.bench;
    const started = performance.now();
    const side = this.frame.mask_size, at = [(x * width) / image.width, (y * height) / image.height];
    const answer = await this.session.run({
      ...this.features,
      points: new Tensor("float32", [...at, 0, 0], [1, 2, 2]), // the second says that there is no box
      point_labels: new Tensor("float32", [1, -1], [1, 2]),
      masks: new Tensor("float32", new Float32Array(side * side), [1, 1, side, side]),
      has_mask: new Tensor("float32", [0], [1]),
    });
    this.milliseconds.push(performance.now() - started);
    return answer;
  }

  async _inPage(x, y) {
    const { logits, iou } = await this.decode(x, y), size = this.frame.mask_size;
    let best = 1; // 0 is the single mask, which a lone click does not ask for
    for (let k = 2; k < iou.data.length; k++) if (iou.data[k] > iou.data[best]) best = k;
    const { width, height } = this.bench.canvas.canvas;
    const low = logits.data.subarray(best * size * size, (best + 1) * size * size);
    return sampipe.paintedMask(this._pixels(low, size, width, height), width, height, this.bench.nextColor, 0.34);
  }

  // Bilinear, as the server does it, but straight to the size of the screen.
  _pixels(low, size, width, height) {
    const { input_size, resized_wh } = this.frame, pixels = new Uint8Array(width * height);
    const taps = (count, resized) => Array.from({ length: count }, (_, i) => {
      const at = Math.min(Math.max((((i + 0.5) * resized) / count) * (size / input_size) - 0.5, 0), size - 1);
      return [Math.floor(at), Math.min(Math.floor(at) + 1, size - 1), at - Math.floor(at)];
    });
    const columns = taps(width, resized_wh[0]);
    taps(height, resized_wh[1]).forEach(([y0, y1, v], y) => {
      columns.forEach(([x0, x1, u], x) => {
        const top = low[y0 * size + x0] * (1 - u) + low[y0 * size + x1] * u;
        const bottom = low[y1 * size + x0] * (1 - u) + low[y1 * size + x1] * u;
        if (top * (1 - v) + bottom * v > 0) pixels[y * width + x] = 1;
      });
    });
    return pixels;
  }

  async _onServer(x, y) {
    const prompts = { points: [[x, y, 1]], box: null, brush: null };
    const answer = await this.bench.server.segment({ key: this.bench.image.key, prompts });
    if (answer.error) return null;
    const { width, height } = this.bench.canvas.canvas;
    const { rle } = answer.candidates[sampipe.bestCandidate(answer.candidates)];
    return sampipe.paintedMask(sampipe.maskPixels(rle, width, height), width, height, this.bench.nextColor, 0.34);
  }

  // For `sampipe demo --measure`: many decodings, their milliseconds.
  async measure(count) {
    const { width, height } = this.bench.image;
    await this.decode(width / 2, height / 2);
    this.milliseconds = [];
    for (let i = 0; i < count; i++) await this.decode(((i * 37) % 97) / 97 * width, ((i * 61) % 89) / 89 * height);
    return this.milliseconds;
  }
};

// Values that came as base64 of float32.
sampipe.tensor = function ({ shape, content }) {
  return new sampipe.ort.Tensor("float32", new Float32Array(sampipe.bytes(content).buffer), shape);
};
