// PDQ, the perceptual hash of pictures (Meta, 2019), computed in the browser: the picture stays here.
// The method and the order of the sums are those of openhaven/signals/hashes/perceptual.py, in single
// precision, so that the bits are the same for the same pixels. docs/survivors.md says where they
// cannot be the same.

const SIDE = 64;
const KEPT = 16;
const STRIP = 1 << 20; // pixels that are read from the canvas at a time
const fround = Math.fround;

export const LIMITS = {
  bytes: 50_000_000, // a file larger than this is not read
  pixels: 100_000_000, // a picture larger than this is not decoded
  exact: 25_000_000, // a picture larger than this is reduced by the browser first
  seconds: 60,
};

// Why a picture cannot be hashed; `code` is one of: empty, large, unreadable, huge, slow, small.
export class Refused extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

// Return { hash, quality, exact } of a picture file: 64 hexadecimal digits, 0 to 100, and whether it
// was hashed as it is. Throws Refused.
export async function pdqOfFile(file, limits = LIMITS) {
  if (!file || file.size === 0) throw new Refused("empty");
  if (file.size > limits.bytes) throw new Refused("large");
  const told = sizeOf(new Uint8Array(await file.slice(0, 262_144).arrayBuffer()));
  if (told && told.width * told.height > limits.pixels) throw new Refused("huge");
  const bitmap = await decoded(file, told, limits);
  try {
    const pixels = bitmap.width * bitmap.height;
    if (pixels > limits.exact * 1.01) throw new Refused("huge");
    if (Math.min(bitmap.width, bitmap.height) < 5) throw new Refused("small");
    const luma = await lumaOf(bitmap, Date.now() + limits.seconds * 1000);
    const found = await pdqOfLuma(luma, bitmap.width, bitmap.height);
    return { ...found, exact: !told || told.width * told.height <= limits.exact };
  } finally {
    bitmap.close();
  }
}

// Decode as people see it (turned as the file says), smaller when it is larger than what is hashed
// exactly. A decoder that does not come to an end is given up.
async function decoded(file, told, limits) {
  const options = {};
  if (told && told.width * told.height > limits.exact) {
    const shrink = Math.sqrt(limits.exact / (told.width * told.height));
    // One side is enough, so that a picture that is turned keeps its shape.
    options.resizeHeight = Math.max(1, Math.floor(Math.min(told.width, told.height) * shrink));
    options.resizeQuality = "high";
  }
  let timer = 0;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Refused("slow")), limits.seconds * 1000);
  });
  try {
    return await Promise.race([createImageBitmap(file, options), late]);
  } catch (error) {
    throw error instanceof Refused ? error : new Refused("unreadable");
  } finally {
    clearTimeout(timer);
  }
}

// Return the luminance of every pixel, read in strips; what is transparent is seen on white.
async function lumaOf(bitmap, until) {
  const { width, height } = bitmap;
  const rows = Math.min(Math.max(Math.floor(STRIP / width), 1), height);
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = rows;
  const paper = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  if (!paper) throw new Refused("unreadable");
  const luma = new Float32Array(width * height);
  for (let top = 0; top < height; top += rows) {
    const here = Math.min(rows, height - top);
    paper.fillStyle = "#ffffff";
    paper.fillRect(0, 0, width, here);
    paper.drawImage(bitmap, 0, top, width, here, 0, 0, width, here);
    const { data } = paper.getImageData(0, 0, width, here);
    for (let i = 0, at = top * width; i < data.length; i += 4, at += 1) {
      luma[at] = data[i] * 0.299 + data[i + 1] * 0.587 + data[i + 2] * 0.114;
    }
    await breath(until);
  }
  return luma;
}

// Return { hash, quality } of luminances, row by row; they are overwritten.
export async function pdqOfLuma(luma, width, height) {
  for (let pass = 0; pass < 2; pass += 1) {
    alongRows(luma, width, height);
    await breath();
    alongColumns(luma, width, height);
    await breath();
  }
  const samples = new Float32Array(SIDE * SIDE);
  for (let y = 0; y < SIDE; y += 1) {
    const row = Math.floor(((y + 0.5) * height) / SIDE) * width;
    for (let x = 0; x < SIDE; x += 1) {
      samples[y * SIDE + x] = luma[row + Math.floor(((x + 0.5) * width) / SIDE)];
    }
  }
  return { hash: bitsOf(wavesOf(samples)), quality: qualityOf(samples) };
}

const windowOf = (size) => Math.floor((size + 2 * SIDE - 1) / (2 * SIDE));

function alongRows(luma, width, height) {
  const line = new Float32Array(width);
  const out = new Float32Array(width);
  const sums = new Float32Array(1);
  for (let y = 0; y < height; y += 1) {
    line.set(luma.subarray(y * width, (y + 1) * width));
    means(line, width, 1, windowOf(width), sums, out);
    luma.set(out, y * width);
  }
}

function alongColumns(luma, width, height) {
  const wide = Math.min(SIDE, width);
  const block = new Float32Array(height * wide);
  const out = new Float32Array(height * wide);
  const sums = new Float32Array(wide);
  for (let left = 0; left < width; left += wide) {
    const count = Math.min(wide, width - left);
    for (let y = 0; y < height; y += 1) {
      const from = y * width + left;
      block.set(luma.subarray(from, from + count), y * count);
    }
    means(block, height, count, windowOf(height), sums, out);
    for (let y = 0; y < height; y += 1) {
      luma.set(out.subarray(y * count, (y + 1) * count), y * width + left);
    }
  }
}

// Write the running mean down each of `count` columns of `size` values, the window cut at the ends.
function means(lines, size, count, window, sums, out) {
  const half = Math.floor(window / 2);
  sums.fill(0);
  let inside = 0;
  for (let step = 0; step < size + half; step += 1) {
    if (step < size) {
      for (let x = 0; x < count; x += 1) sums[x] = sums[x] + lines[step * count + x];
      inside += 1;
    }
    if (step >= window) {
      for (let x = 0; x < count; x += 1) sums[x] = sums[x] - lines[(step - window) * count + x];
      inside -= 1;
    }
    if (step >= half) {
      for (let x = 0; x < count; x += 1) out[(step - half) * count + x] = sums[x] / inside;
    }
  }
}

// The 16 x 16 lowest frequencies without the constant one, each sum added from left to right.
function wavesOf(samples) {
  const scale = fround(Math.sqrt(2 / SIDE));
  const cosines = new Float32Array(KEPT * SIDE);
  for (let i = 0; i < KEPT; i += 1) {
    for (let j = 0; j < SIDE; j += 1) {
      cosines[i * SIDE + j] = scale * Math.cos((Math.PI / 2 / SIDE) * ((i + 1) * (2 * j + 1)));
    }
  }
  const halves = new Float32Array(KEPT * SIDE);
  for (let i = 0; i < KEPT; i += 1) {
    for (let x = 0; x < SIDE; x += 1) {
      let sum = 0;
      for (let y = 0; y < SIDE; y += 1) {
        sum = fround(sum + fround(cosines[i * SIDE + y] * samples[y * SIDE + x]));
      }
      halves[i * SIDE + x] = sum;
    }
  }
  const waves = new Float32Array(KEPT * KEPT);
  for (let i = 0; i < KEPT; i += 1) {
    for (let k = 0; k < KEPT; k += 1) {
      let sum = 0;
      for (let x = 0; x < SIDE; x += 1) {
        sum = fround(sum + fround(halves[i * SIDE + x] * cosines[k * SIDE + x]));
      }
      waves[i * KEPT + k] = sum;
    }
  }
  return waves;
}

// A bit per frequency above the lower median; the first frequency is the last bit.
function bitsOf(waves) {
  const median = Float32Array.from(waves).sort()[(KEPT * KEPT) / 2 - 1];
  const last = waves.length - 1;
  let hash = "";
  for (let at = 0; at < waves.length; at += 4) {
    let digit = 0;
    for (let bit = 0; bit < 4; bit += 1) digit = digit * 2 + (waves[last - at - bit] > median ? 1 : 0);
    hash += digit.toString(16);
  }
  return hash;
}

// How much the samples change from one to the next, in steps of a hundredth of the range.
function qualityOf(samples) {
  const step = (one, other) => Math.abs(Math.trunc(fround(fround(fround(one - other) * 100) / 255)));
  let total = 0;
  for (let y = 0; y < SIDE; y += 1) {
    for (let x = 0; x < SIDE; x += 1) {
      const at = y * SIDE + x;
      if (y > 0) total += step(samples[at], samples[at - SIDE]);
      if (x > 0) total += step(samples[at], samples[at - 1]);
    }
  }
  return Math.min(Math.floor(total / 90), 100);
}

// Let the page answer in between, and give up what takes too long.
async function breath(until = Infinity) {
  if (Date.now() > until) throw new Refused("slow");
  await new Promise((go) => { setTimeout(go); });
}

// Return the width and height that a file says it has, or null: known before anything is decoded.
export function sizeOf(head) {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const is = (at, text) => [...text].every((sign, i) => head[at + i] === sign.charCodeAt(0));
  try {
    if (is(1, "PNG")) return { width: view.getUint32(16), height: view.getUint32(20) };
    if (is(0, "GIF8")) return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
    if (is(0, "BM")) {
      return { width: Math.abs(view.getInt32(18, true)), height: Math.abs(view.getInt32(22, true)) };
    }
    if (is(0, "RIFF") && is(8, "WEBP")) return webpSize(view, is);
    if (head[0] === 0xff && head[1] === 0xd8) return jpegSize(view);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return null;
}

function webpSize(view, is) {
  if (is(12, "VP8X")) {
    const three = (at) => 1 + view.getUint16(at, true) + (view.getUint8(at + 2) << 16);
    return { width: three(24), height: three(27) };
  }
  if (is(12, "VP8L")) {
    const bits = view.getUint32(21, true);
    return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
  }
  return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
}

function jpegSize(view) {
  for (let at = 2; ; ) {
    if (view.getUint8(at) !== 0xff) return null;
    const kind = view.getUint8(at + 1);
    const frame = kind >= 0xc0 && kind <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(kind);
    if (frame) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    at += kind === 0xff ? 1 : 2 + view.getUint16(at + 2);
  }
}
