// Masks as the pages exchange them: COCO run lengths {size: [h, w], counts: string | number[]}, column after column.
window.sampipe = window.sampipe || {};

// The run lengths of a compressed string (the LEB128-like code of pycocotools), or the list itself.
sampipe.runLengths = function (counts) {
  if (Array.isArray(counts)) return counts;
  const runs = [];
  for (let at = 0; at < counts.length; ) {
    let value = 0, shift = 0, more = true;
    while (more) {
      const code = counts.charCodeAt(at++) - 48;
      value |= (code & 31) << shift;
      more = (code & 32) !== 0;
      shift += 5;
      if (!more && code & 16) value |= -1 << shift;
    }
    if (runs.length > 2) value += runs[runs.length - 2];
    runs.push(value);
  }
  return runs;
};

// A mask as bytes (width * height, row after row) of an image shown at another size; nearest pixel.
sampipe.maskPixels = function (rle, width, height) {
  const [rows, columns] = rle.size;
  const runs = sampipe.runLengths(rle.counts);
  const pixels = new Uint8Array(width * height);
  let run = 0, end = runs.length ? runs[0] : 0;
  for (let x = 0; x < width; x++) {
    const column = Math.floor(((x + 0.5) * columns) / width) * rows;
    for (let y = 0; y < height; y++) {
      const at = column + Math.floor(((y + 0.5) * rows) / height);
      while (at >= end && run < runs.length - 1) end += runs[++run];
      if (run % 2 === 1 && at < end) pixels[y * width + x] = 1;
    }
    const next = Math.floor(((x + 1.5) * columns) / width) * rows;
    while (run > 0 && end - runs[run] > next) end -= runs[run--];
  }
  return pixels;
};

// Bytes (width * height) as uncompressed run lengths.
sampipe.maskRuns = function (pixels, width, height) {
  const counts = [];
  let value = 0, length = 0;
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      const here = pixels[y * width + x] ? 1 : 0;
      if (here !== value) { counts.push(length); length = 0; value = here; }
      length++;
    }
  }
  counts.push(length);
  return { size: [height, width], counts };
};

// Two masks as one, as large as the first.
sampipe.maskUnion = function (one, other) {
  if (!one || !other) return one || other;
  const [height, width] = one.size, pixels = sampipe.maskPixels(one, width, height), more = sampipe.maskPixels(other, width, height);
  more.forEach((inside, at) => { if (inside) pixels[at] = 1; });
  return sampipe.maskRuns(pixels, width, height);
};

// Whether a mask covers a place of its image.
sampipe.maskHas = function (rle, x, y) {
  const [rows, columns] = rle.size, at = Math.min(Math.floor(x), columns - 1) * rows + Math.min(Math.floor(y), rows - 1);
  let end = 0, run = -1;
  const runs = sampipe.runLengths(rle.counts);
  while (end <= at && run < runs.length - 1) end += runs[++run];
  return run % 2 === 1;
};

// A pixel well inside a mask, [x, y]: the middle of its longest run.
sampipe.maskMiddle = function (rle) {
  const runs = sampipe.runLengths(rle.counts), rows = rle.size[0];
  let at = 0, longest = 0, middle = 0;
  runs.forEach((length, index) => {
    if (index % 2 && length > longest) { longest = length; middle = at + (length >> 1); }
    at += length;
  });
  return [Math.floor(middle / rows), middle % rows];
};

// A mask as it is painted: translucent inside, a line of full color along its edge, a dark line around it.
sampipe.paintedMask = function (pixels, width, height, color, opacity = 0.42) {
  const layer = document.createElement("canvas");
  layer.width = width;
  layer.height = height;
  const context = layer.getContext("2d");
  const image = context.createImageData(width, height);
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  const near = Math.max(1, Math.round(Math.max(width, height) / 700));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x, inside = pixels[at];
      const edge =
        (x >= near && pixels[at - near] !== inside) || (x < width - near && pixels[at + near] !== inside) ||
        (y >= near && pixels[at - near * width] !== inside) || (y < height - near && pixels[at + near * width] !== inside);
      if (!inside && !edge) continue;
      image.data[4 * at] = inside ? red : 10;
      image.data[4 * at + 1] = inside ? green : 10;
      image.data[4 * at + 2] = inside ? blue : 20;
      image.data[4 * at + 3] = 255 * (inside ? (edge ? 0.95 : opacity) : 0.5);
    }
  }
  context.putImageData(image, 0, 0);
  return layer;
};
