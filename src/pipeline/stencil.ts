/**
 * Weighted means over a fixed neighbourhood, repeated: m(p) <- sum_o w(p, o) m(p + offset o). Every pixel has the same list of
 * offsets and weights of its own; neighbours outside the grid count as 0. Runs on PAMR's SIMD loop, up to four maps at a time.
 */
import { SeedMaskError } from '../shared/errors';
import { plane, zeroMaps, type Maps } from '../shared/maps';
import { BLOCK, MAX_PLANES, pamrKernel, weightBytes, type PamrKernel } from './pamrKernel';

export interface Offset {
  dy: number;
  dx: number;
}

const FLOAT = 4;
const PAGE = 65536;
const ALIGNMENT = 64;

/** A grid's weights in a WebAssembly memory, laid out as [taps | source planes | target planes | weights]. */
export class Stencil {
  private readonly kernel: PamrKernel;
  private readonly memory: WebAssembly.Memory;
  private readonly rim: number;
  private readonly blocks: number;
  /** Floats. */
  private readonly rowLength: number;
  private readonly planeLength: number;
  /** Bytes. */
  private readonly planesAt: number;
  private readonly weightsAt: number;

  /**
   * `weights[o * height * width + p]` is what the value at p + offset o adds to p; it must be 0 where that lies outside.
   * @throws SeedMaskError 'out-of-memory'.
   */
  constructor(
    readonly height: number,
    readonly width: number,
    private readonly offsets: readonly Offset[],
    weights: Float32Array,
  ) {
    this.rim = offsets.reduce((reach, { dy, dx }) => Math.max(reach, Math.abs(dy), Math.abs(dx)), 0);
    this.blocks = Math.ceil(width / BLOCK);
    this.rowLength = this.blocks * BLOCK + 2 * this.rim;
    this.planeLength = this.rowLength * (height + 2 * this.rim);
    this.planesAt = Math.ceil((offsets.length * FLOAT) / ALIGNMENT) * ALIGNMENT;
    this.weightsAt = Math.ceil((this.planesAt + 2 * MAX_PLANES * this.planeLength * FLOAT) / ALIGNMENT) * ALIGNMENT;
    const bytes = this.weightsAt + weightBytes(offsets.length, this.blocks * height);
    try {
      this.memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) });
    } catch (error) {
      throw new SeedMaskError('out-of-memory', `no memory for a walk of ${height} x ${width} (${Math.ceil(bytes / 2 ** 20)} MB)`, undefined, {
        cause: error,
      });
    }
    this.kernel = pamrKernel(this.memory);
    const steps = offsets.map(({ dy, dx }) => (dy * this.rowLength + dx) * FLOAT);
    new Int32Array(this.memory.buffer, 0, steps.length).set(steps);
    this.interleave(weights);
  }

  /** Brings the weights into the order in which the loop reads them: for each block of pixels, for each tap, the block's weights. */
  private interleave(weights: Float32Array): void {
    const { height, width, blocks } = this;
    const taps = this.offsets.length;
    const to = new Float32Array(this.memory.buffer, this.weightsAt, taps * blocks * BLOCK * height);
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x += BLOCK) {
        const lanes = Math.min(BLOCK, width - x);
        for (let o = 0; o < taps; o++, at += BLOCK) {
          const from = (o * height + y) * width + x;
          for (let lane = 0; lane < lanes; lane++) to[at + lane] = weights[from + lane];
        }
      }
    }
  }

  /** C x H x W `maps` after `times` sweeps; values below 1e-15 become 0. */
  apply(maps: Maps, times: number): Maps {
    const out = zeroMaps(maps.channels, this.height, this.width);
    for (let first = 0; first < maps.channels; first += MAX_PLANES) {
      const count = Math.min(MAX_PLANES, maps.channels - first);
      for (let c = 0; c < count; c++) this.eachRow(c, plane(maps, first + c), (inside, row) => inside.set(row));
      let [source, target] = [0, MAX_PLANES];
      for (let i = 0; i < times; i++) {
        this.sweep(source, target, count);
        [source, target] = [target, source];
      }
      for (let c = 0; c < count; c++) this.eachRow(source + c, plane(out, first + c), (inside, row) => row.set(inside));
    }
    return out;
  }

  private sweep(source: number, target: number, count: number): void {
    const smooth = this.kernel.smooth[count - 1];
    const rowWeights = weightBytes(this.offsets.length, this.blocks);
    for (let y = 0; y < this.height; y++) {
      smooth(
        0,
        this.offsets.length * FLOAT,
        this.weightsAt + y * rowWeights,
        this.rowAt(source, y),
        this.rowAt(target, y),
        this.planeLength * FLOAT,
        this.blocks * BLOCK * FLOAT,
      );
    }
  }

  /** Address of the first pixel of row y. */
  private rowAt(index: number, y: number): number {
    return this.planesAt + (index * this.planeLength + (y + this.rim) * this.rowLength + this.rim) * FLOAT;
  }

  private eachRow(index: number, map: Float32Array, copy: (inside: Float32Array, row: Float32Array) => void): void {
    for (let y = 0; y < this.height; y++) {
      copy(new Float32Array(this.memory.buffer, this.rowAt(index, y), this.width), map.subarray(y * this.width, (y + 1) * this.width));
    }
  }
}
