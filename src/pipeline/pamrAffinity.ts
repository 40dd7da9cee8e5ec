/**
 * PAMR's weights of one photo where its loops (`pamrKernel.ts`) want them: a WebAssembly memory with the steps of the taps, source and target
 * planes (padded with copies of their borders) and the weights, one after the other. Photos use one memory in turn where they can.
 */
import { SeedMaskError } from '../shared/errors';
import { plane, type Maps } from '../shared/maps';
import { BLOCK, MAX_PLANES, pamrKernel, weightBytes, type PamrKernel } from './pamrKernel';

/** (dy, dx) */
export type Tap = readonly [number, number];

/** @throws on dilations that are no distances. */
export function tapsOf(dilations: readonly number[]): Tap[] {
  if (dilations.length === 0 || dilations.some(d => !Number.isInteger(d) || d < 1)) throw new Error(`PAMR: dilations [${dilations}]`);
  const around: Tap[] = [[-1, -1], [-1, 0], [-1, 1], [0, -1], [0, 1], [1, -1], [1, 0], [1, 1]];
  return dilations.flatMap(d => around.map(([dy, dx]): Tap => [dy * d, dx * d]));
}

/** @throws unless the maps are as large as the photo. */
export function checkSize(maps: Maps, photo: { height: number; width: number }): void {
  if (maps.height !== photo.height || maps.width !== photo.width) {
    throw new Error(`PAMR: maps of ${maps.height} x ${maps.width} for a photo of ${photo.height} x ${photo.width}`);
  }
}

const FLOAT = 4;
const PAGE = 65536;
const MAX_BYTES = 65536 * PAGE;

/** The weights of one photo, and the sweeps with them. */
export class PamrAffinity {
  readonly height: number;
  readonly width: number;
  private readonly margin: number;
  private readonly taps: number;
  /** Floats. */
  private readonly rowLength: number;
  private readonly planeLength: number;
  private readonly workspace: Workspace;
  private released = false;

  /** @throws SeedMaskError 'too-large' beyond 4 GB, 'out-of-memory' */
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

  /** Gives the memory to the next photo; using the weights afterwards is an error. Without it the garbage collector frees it. */
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

/** The memory of a photo that is done with, for the next one: fresh memory costs as much as the work. Unusually large ones are not kept. */
const MAX_IDLE_BYTES = 2 ** 28;
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
  if (workspace.memory.buffer.byteLength <= MAX_IDLE_BYTES) idle = workspace;
}
