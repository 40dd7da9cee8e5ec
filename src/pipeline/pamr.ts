/**
 * PAMR, pixel-adaptive mask refinement (Araslanov & Roth, "Single-Stage Semantic Segmentation from Image Labels", CVPR 2020,
 * section 4): each pixel's scores become a mean of its neighbours' scores, weighted by likeness of colour, several times over.
 *
 *     taps n: for each dilation d, the 8 neighbours d pixels away; coordinates outside are clamped
 *     sigma_c(p) = unbiased std of colour c over taps and centre, the centre counted once a dilation
 *     e(p, n) = mean_c -|x_c(p) - x_c(p + n)| / (1e-8 + 0.1 sigma_c(p));     w(p, .) = softmax_n e(p, n)
 *     m(p) <- sum_n w(p, n) m(p + n)                                         `iterations` times
 *
 * The weights depend on the photo only and are scale-free in its values, so they are computed once a photo and serve all its maps.
 * The centre is no tap of its own; peaks shrink; values stay inside the range of m.
 */
import { SeedMaskError } from '../shared/errors';
import { plane, zeroMaps, type Maps, type RgbImage } from '../shared/maps';
import { BLOCK, MAX_PLANES, pamrKernel, weightBytes, type PamrKernel } from './pamrKernel';

export const PAMR_DILATIONS: readonly number[] = [1, 2, 4, 8, 12, 24];
export const PAMR_ITERATIONS = 10;

export interface PamrOptions {
  /** Distances of the taps in pixels; 1, 2, 4, 8, 12, 24 by default. */
  dilations?: readonly number[];
}

/** The weights of one photo. They lie in memory that the next photo can take over once `release` was called. */
export interface PamrAffinity {
  readonly height: number;
  readonly width: number;
  /** Gives the memory back; using the weights afterwards is an error. Without it the garbage collector does. */
  release(): void;
}

/**
 * Weights of a photo, given as bytes or as 3 x H x W floats of any range.
 * @throws SeedMaskError 'too-large' beyond 4 GB of weights, 'out-of-memory'.
 */
export function pamrAffinity(image: RgbImage | Maps, options: PamrOptions = {}): PamrAffinity {
  return new Affinity(colourPlanes(image), options.dilations ?? PAMR_DILATIONS);
}

/** C x H x W `maps` after `iterations` sweeps with the weights of a photo of the same size. Each map is treated alone. */
export function pamrIterate(affinity: PamrAffinity, maps: Maps, iterations = PAMR_ITERATIONS): Maps {
  if (!(affinity instanceof Affinity)) throw new Error('PAMR: these weights were not made by pamrAffinity');
  return affinity.iterate(maps, iterations);
}

/** Both steps at once. @throws as `pamrAffinity`. */
export function pamr(image: RgbImage | Maps, maps: Maps, options: PamrOptions & { iterations?: number } = {}): Maps {
  const affinity = pamrAffinity(image, options);
  try {
    return pamrIterate(affinity, maps, options.iterations);
  } finally {
    affinity.release();
  }
}

/** The same as `pamr`, from the definition, in double precision. */
export function pamrReference(image: RgbImage | Maps, maps: Maps, options: PamrOptions & { iterations?: number } = {}): Maps {
  const { dilations = PAMR_DILATIONS, iterations = PAMR_ITERATIONS } = options;
  const photo = colourPlanes(image);
  const { height, width } = photo;
  checkSize(maps, photo);
  const taps = tapsOf(dilations);
  const at = (p: number, [dy, dx]: Tap) => clamp(Math.floor(p / width) + dy, height) * width + clamp((p % width) + dx, width);
  const weights = Array.from({ length: height * width }, (_, p) => {
    const exponents = taps.map(() => 0);
    for (let c = 0; c < photo.channels; c++) {
      const colour = plane(photo, c);
      const near = taps.map(tap => colour[at(p, tap)]);
      const scale = 1e-8 + 0.1 * deviation([...near, ...dilations.map(() => colour[p])]);
      near.forEach((value, n) => (exponents[n] -= Math.abs(colour[p] - value) / scale / photo.channels));
    }
    const largest = Math.max(...exponents);
    const powers = exponents.map(e => Math.exp(e - largest));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map(power => power / sum);
  });
  const out = { ...maps, data: maps.data.slice() };
  for (let c = 0; c < maps.channels; c++) {
    for (let i = 0; i < iterations; i++) {
      const before = Float64Array.from(plane(out, c));
      plane(out, c).set(before.map((_, p) => taps.reduce((sum, tap, n) => sum + weights[p][n] * before[at(p, tap)], 0)));
    }
  }
  return out;
}

/** (dy, dx) */
type Tap = readonly [number, number];

function tapsOf(dilations: readonly number[]): Tap[] {
  if (dilations.length === 0 || dilations.some(d => !Number.isInteger(d) || d < 1)) throw new Error(`PAMR: dilations [${dilations}]`);
  const around: Tap[] = [[-1, -1], [-1, 0], [-1, 1], [0, -1], [0, 1], [1, -1], [1, 0], [1, 1]];
  return dilations.flatMap(d => around.map(([dy, dx]): Tap => [dy * d, dx * d]));
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

function clamp(value: number, size: number): number {
  return Math.min(Math.max(value, 0), size - 1);
}

function checkSize(maps: Maps, photo: { height: number; width: number }): void {
  if (maps.height !== photo.height || maps.width !== photo.width) {
    throw new Error(`PAMR: maps of ${maps.height} x ${maps.width} for a photo of ${photo.height} x ${photo.width}`);
  }
}

/** The photo as 3 x H x W floats; bytes in 0..1. */
function colourPlanes(image: RgbImage | Maps): Maps {
  if ('channels' in image) {
    if (image.channels !== 3) throw new Error(`PAMR: a photo has 3 colours, this one ${image.channels}`);
    return image;
  }
  const out = zeroMaps(3, image.height, image.width);
  const size = image.height * image.width;
  for (let p = 0; p < size; p++) for (let c = 0; c < 3; c++) out.data[c * size + p] = image.data[p * 3 + c] / 255;
  return out;
}

const FLOAT = 4;
const PAGE = 65536;
const MAX_BYTES = 65536 * PAGE;

/** The weights in a WebAssembly memory, laid out as [taps | source planes | target planes | weights]. */
class Affinity implements PamrAffinity {
  readonly height: number;
  readonly width: number;
  private readonly margin: number;
  private readonly taps: number;
  /** Floats. */
  private readonly rowLength: number;
  private readonly planeLength: number;
  private readonly workspace: Workspace;
  private released = false;

  constructor(photo: Maps, dilations: readonly number[]) {
    const { height, width } = photo;
    const taps = tapsOf(dilations);
    this.height = height;
    this.width = width;
    this.taps = taps.length;
    this.margin = Math.max(...dilations);
    this.rowLength = this.filledWidth + 2 * this.margin;
    this.planeLength = this.rowLength * (height + 2 * this.margin);
    this.workspace = takeWorkspace(this.weightsAt + weightBytes(this.taps, (this.filledWidth / BLOCK) * height));

    const steps = taps.map(([dy, dx]) => this.centre + (dy * this.rowLength + dx) * FLOAT);
    new Int32Array(this.workspace.memory.buffer, 0, this.taps).set(steps);
    for (let c = 0; c < photo.channels; c++) this.load(plane(photo, c), this.planeAt(c));
    const samples = 9 * dilations.length;
    for (let y = 0; y < height; y++) {
      const { kernel } = this.workspace;
      kernel.affinity(0, this.taps * FLOAT, this.weightRow(y), this.rowAt(0, y), this.planeLength * FLOAT, this.centre, this.filledWidth * FLOAT, samples);
    }
  }

  iterate(maps: Maps, iterations: number): Maps {
    checkSize(maps, this);
    if (this.released) throw new Error('PAMR: these weights were released');
    const out = { ...maps, data: maps.data.slice() };
    if (iterations < 1) return out;
    for (let first = 0; first < maps.channels; first += MAX_PLANES) {
      const count = Math.min(MAX_PLANES, maps.channels - first);
      for (let c = 0; c < count; c++) this.load(plane(maps, first + c), this.planeAt(c));
      let [source, target] = [0, MAX_PLANES];
      for (let i = 0; i < iterations; i++) {
        if (i > 0) {
          [source, target] = [target, source];
          for (let c = 0; c < count; c++) this.fillBorders(this.planeAt(source + c));
        }
        this.sweep(source, target, count);
      }
      for (let c = 0; c < count; c++) this.store(this.planeAt(target + c), plane(out, first + c));
    }
    return out;
  }

  release(): void {
    if (!this.released) returnWorkspace(this.workspace);
    this.released = true;
  }

  private sweep(source: number, target: number, count: number): void {
    const smooth = this.workspace.kernel.smooth[count - 1];
    for (let y = 0; y < this.height; y++) {
      smooth(
        0,
        this.taps * FLOAT,
        this.weightRow(y),
        this.rowAt(source, y),
        this.rowAt(target, y) + this.centre,
        this.planeLength * FLOAT,
        this.filledWidth * FLOAT,
      );
    }
  }

  // Addresses, in bytes.

  private get filledWidth(): number {
    return Math.ceil(this.width / BLOCK) * BLOCK;
  }

  private get weightsAt(): number {
    return Math.ceil((this.taps * FLOAT) / 64) * 64 + 2 * MAX_PLANES * this.planeLength * FLOAT;
  }

  private planeAt(index: number): number {
    return Math.ceil((this.taps * FLOAT) / 64) * 64 + index * this.planeLength * FLOAT;
  }

  /** The corner of the window of the first pixel of row y. */
  private rowAt(index: number, y: number): number {
    return this.planeAt(index) + y * this.rowLength * FLOAT;
  }

  private weightRow(y: number): number {
    return this.weightsAt + y * weightBytes(this.taps, this.filledWidth / BLOCK);
  }

  /** From the corner of a pixel's window to the pixel. */
  private get centre(): number {
    return this.margin * (this.rowLength + 1) * FLOAT;
  }

  // Planes, with and without their margins.

  private load(from: Float32Array, address: number): void {
    const to = this.view(address);
    for (let y = 0; y < this.height; y++) {
      to.set(from.subarray(y * this.width, (y + 1) * this.width), (y + this.margin) * this.rowLength + this.margin);
    }
    this.fillBorders(address);
  }

  private store(address: number, to: Float32Array): void {
    const from = this.view(address);
    for (let y = 0; y < this.height; y++) {
      const start = (y + this.margin) * this.rowLength + this.margin;
      to.set(from.subarray(start, start + this.width), y * this.width);
    }
  }

  private fillBorders(address: number): void {
    const { margin, rowLength, height, width } = this;
    const data = this.view(address);
    for (let y = margin; y < margin + height; y++) {
      const row = y * rowLength;
      data.fill(data[row + margin], row, row + margin);
      data.fill(data[row + margin + width - 1], row + margin + width, row + rowLength);
    }
    const last = margin + height - 1;
    for (let y = 0; y < margin; y++) {
      data.copyWithin(y * rowLength, margin * rowLength, (margin + 1) * rowLength);
      data.copyWithin((last + 1 + y) * rowLength, last * rowLength, (last + 1) * rowLength);
    }
  }

  private view(address: number): Float32Array {
    return new Float32Array(this.workspace.memory.buffer, address, this.planeLength);
  }
}

interface Workspace {
  memory: WebAssembly.Memory;
  kernel: PamrKernel;
}

/** The memory of a photo that is done with, for the next one: fresh memory costs as much as the work. */
let idle: Workspace | undefined;

function takeWorkspace(bytes: number): Workspace {
  if (bytes > MAX_BYTES) throw new SeedMaskError('too-large', `refining a photo of this size needs ${Math.ceil(bytes / 2 ** 30)} GB`);
  const pages = Math.ceil(bytes / PAGE);
  try {
    const found = idle;
    idle = undefined;
    if (found) {
      const missing = pages - found.memory.buffer.byteLength / PAGE;
      if (missing > 0) found.memory.grow(missing);
      return found;
    }
    const memory = new WebAssembly.Memory({ initial: pages });
    return { memory, kernel: pamrKernel(memory) };
  } catch (error) {
    throw new SeedMaskError('out-of-memory', `no memory to refine the photo (${Math.ceil(bytes / 2 ** 20)} MB)`, undefined, { cause: error });
  }
}

function returnWorkspace(workspace: Workspace): void {
  idle = workspace;
}
