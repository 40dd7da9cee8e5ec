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

/** Where the two stacks of planes begin: behind the steps of the taps. */
const stepBytes = (taps: number): number => Math.ceil((taps * FLOAT) / 64) * 64;

/** The weights of one photo, and the sweeps with them. */
export class PamrAffinity {
  readonly height: number;
  readonly width: number;
  private readonly margin: number;
  private readonly taps: number;
  private readonly filledWidth: number;
  /** Floats of one row of one plane, margins included. */
  private readonly rowLength: number;
  /**
   * Floats from one row to the next: the planes' rows alternate, so that a window lies on as few memory pages as may be (a processor has fast
   * access to some 64, and a window of four whole planes needs as many).
   */
  private readonly pitch: number;
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
    this.filledWidth = Math.ceil(width / BLOCK) * BLOCK;
    // 4 more than a multiple of 8: the pitch is an odd number of cache lines, and the rows of a window do not push one another out.
    this.rowLength = Math.ceil((this.filledWidth + 2 * this.margin) / 8) * 8 + 4;
    this.pitch = MAX_PLANES * this.rowLength;
    this.workspace = takeWorkspace(this.weightsAt(height));

    const steps = taps.map(([dy, dx]) => this.centre + (dy * this.pitch + dx) * FLOAT);
    new Int32Array(this.workspace.memory.buffer, 0, this.taps).set(steps);
    this.load(photo, 0, photo.channels);
    const { kernel } = this.workspace;
    const samples = 9 * dilations.length;
    for (let y = 0; y < height; y++) {
      kernel.affinity(0, this.taps * FLOAT, this.weightsAt(y), this.windowAt(0, y), this.rowLength * FLOAT, this.centre, this.filledWidth * FLOAT, samples);
    }
  }

  /** C x H x W `maps` after `iterations` sweeps. */
  iterate(maps: Maps, iterations: number): Maps {
    checkSize(maps, this);
    if (this.released) throw new Error('PAMR: these weights were released');
    const out = { ...maps, data: maps.data.slice() };
    if (iterations < 1) return out;
    for (let first = 0; first < maps.channels; first += MAX_PLANES) {
      const count = Math.min(MAX_PLANES, maps.channels - first);
      this.load(maps, first, count);
      for (let i = 0; i < iterations; i++) {
        if (i > 0) this.fillMargins(i % 2, count);
        this.sweep(i % 2, count);
      }
      this.store(iterations % 2, out, first, count);
    }
    return out;
  }

  /** Gives the memory to the next photo; using the weights afterwards is an error. Without it the garbage collector frees it. */
  release(): void {
    if (!this.released) returnWorkspace(this.workspace);
    this.released = true;
  }

  /** From stack `source` to the other one. */
  private sweep(source: number, count: number): void {
    const smooth = this.workspace.kernel.smooth[count - 1];
    const [taps, planeBytes, rowBytes] = [this.taps * FLOAT, this.rowLength * FLOAT, this.filledWidth * FLOAT];
    for (let y = 0; y < this.height; y++) {
      smooth(0, taps, this.weightsAt(y), this.windowAt(source, y), this.windowAt(1 - source, y) + this.centre, planeBytes, rowBytes);
    }
  }

  // Addresses, in bytes.

  private stackAt(stack: number): number {
    return stepBytes(this.taps) + stack * this.stackLength * FLOAT;
  }

  /** The corner of the window of the first pixel of row y. */
  private windowAt(stack: number, y: number): number {
    return this.stackAt(stack) + y * this.pitch * FLOAT;
  }

  /** From the corner of a pixel's window to the pixel. */
  private get centre(): number {
    return this.margin * (this.pitch + 1) * FLOAT;
  }

  private weightsAt(y: number): number {
    return this.stackAt(2) + y * weightBytes(this.taps, this.filledWidth / BLOCK);
  }

  // Stacks of up to MAX_PLANES planes, in floats.

  private get stackLength(): number {
    return this.pitch * (this.height + 2 * this.margin);
  }

  private stack(stack: number): Float32Array {
    return new Float32Array(this.workspace.memory.buffer, this.stackAt(stack), this.stackLength);
  }

  /** The first pixel of row y of plane c. */
  private rowStart(c: number, y: number): number {
    return (y + this.margin) * this.pitch + c * this.rowLength + this.margin;
  }

  /** Maps first … first + count - 1 into stack 0. */
  private load(maps: Maps, first: number, count: number): void {
    const to = this.stack(0);
    for (let c = 0; c < count; c++) {
      const from = plane(maps, first + c);
      for (let y = 0; y < this.height; y++) to.set(from.subarray(y * this.width, (y + 1) * this.width), this.rowStart(c, y));
    }
    this.fillMargins(0, count);
  }

  private store(stack: number, maps: Maps, first: number, count: number): void {
    const from = this.stack(stack);
    for (let c = 0; c < count; c++) {
      const to = plane(maps, first + c);
      for (let y = 0; y < this.height; y++) {
        const start = this.rowStart(c, y);
        to.set(from.subarray(start, start + this.width), y * this.width);
      }
    }
  }

  /** Margins are copies of the border. */
  private fillMargins(stack: number, count: number): void {
    const { margin, rowLength, pitch, height, width } = this;
    const data = this.stack(stack);
    for (let y = 0; y < height; y++) {
      for (let c = 0; c < count; c++) {
        const start = this.rowStart(c, y);
        data.fill(data[start], start - margin, start);
        data.fill(data[start + width - 1], start + width, start - margin + rowLength);
      }
    }
    const last = margin + height - 1;
    for (let y = 0; y < margin; y++) {
      data.copyWithin(y * pitch, margin * pitch, (margin + 1) * pitch);
      data.copyWithin((last + 1 + y) * pitch, last * pitch, (last + 1) * pitch);
    }
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
