/**
 * Dot products of all rows of one matrix with all rows of another: what comparing cells with many clusters takes. The second matrix is packed once, eight rows side
 * by side, and SIMD code then works on tiles of 4 x 8 products that stay in registers. Single precision; sums run along the dimensions in order.
 */
import { assemble, f32x4, i32, repeat, sequence, v128, type WasmFunction } from '../wasm';
import { dot } from './vectors';

/** Rows, ready to be multiplied. */
export interface PackedRows {
  /** Blocks of eight rows: for each dimension their eight values. Filled up with zeros. */
  data: Float32Array;
  count: number;
  dimensions: number;
}

const ROWS = 4;
const COLUMNS = 8;
const FLOAT = 4;
const VECTOR = 16;
const PAGE = 65536;

type Tile = (a: number, aEnd: number, aStride: number, b: number, out: number, outEnd: number, outStride: number) => void;

let engine: { memory: WebAssembly.Memory; tiles: Tile } | undefined;

/** N x D `rows`, row by row. */
export function packRows(rows: Float32Array, dimensions: number): PackedRows {
  const count = rows.length / dimensions;
  const data = new Float32Array(roundUp(count, COLUMNS) * dimensions);
  for (let i = 0; i < count; i++) {
    const block = Math.floor(i / COLUMNS) * COLUMNS * dimensions + (i % COLUMNS);
    for (let d = 0; d < dimensions; d++) data[block + d * COLUMNS] = rows[i * dimensions + d];
  }
  return { data, count, dimensions };
}

/** `rows` (N x D) times `packed` (M rows): N x M', M' is M filled up to a multiple of eight. @throws RangeError when there is no memory for it. */
export function dotProducts(rows: Float32Array, packed: PackedRows): { data: Float32Array; stride: number } {
  const { dimensions } = packed;
  const count = rows.length / dimensions;
  const stride = packed.data.length / dimensions;
  if (count === 0 || stride === 0) return { data: new Float32Array(0), stride };
  const left = roundUp(count, ROWS) * dimensions;
  const products = roundUp(count, ROWS) * stride;
  const { memory, tiles } = ready((left + packed.data.length + products) * FLOAT);
  const floats = new Float32Array(memory.buffer);
  floats.set(rows);
  floats.fill(0, rows.length, left);
  floats.set(packed.data, left);
  const out = left + packed.data.length;
  for (let row = 0; row < count; row += ROWS) {
    const a = row * dimensions * FLOAT;
    const to = (out + row * stride) * FLOAT;
    tiles(a, a + dimensions * FLOAT, dimensions * FLOAT, left * FLOAT, to, to + stride * FLOAT, stride * FLOAT);
  }
  return { data: floats.slice(out, out + count * stride), stride };
}

/** The same in double precision, from the definition: N x M. */
export function dotProductsReference(rows: Float32Array, others: Float32Array, dimensions: number): Float64Array {
  const m = others.length / dimensions;
  return Float64Array.from({ length: (rows.length / dimensions) * m }, (_, i) => dot(rows, Math.floor(i / m) * dimensions, others, (i % m) * dimensions, dimensions));
}

function ready(bytes: number): { memory: WebAssembly.Memory; tiles: Tile } {
  if (!engine) {
    const memory = new WebAssembly.Memory({ initial: 1 });
    engine = { memory, tiles: new WebAssembly.Instance(new WebAssembly.Module(assemble([tilesOfRows()])), { env: { memory } }).exports['tiles'] as Tile };
  }
  const missing = bytes - engine.memory.buffer.byteLength;
  if (missing > 0) engine.memory.grow(Math.ceil(missing / PAGE));
  return engine;
}

/** Four rows of `a`, times all blocks of `b`. */
function tilesOfRows(): WasmFunction {
  return {
    name: 'tiles',
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
    body([a, aEnd, aStride, b, out, outEnd, outStride], local) {
      const at = local('i32');
      const row = local('i32');
      const to = local('i32');
      const value = local('v128');
      const halves = [local('v128'), local('v128')];
      const sums = Array.from({ length: ROWS }, () => halves.map(() => local('v128')));
      const overDimensions = repeat(
        at,
        a.get,
        aEnd.get,
        FLOAT,
        sequence(
          ...halves.map((half, h) => half.set(v128.load(b.get, h * VECTOR))),
          b.set(i32.add(b.get, i32.const(COLUMNS * FLOAT))),
          ...sums.map((sum, r) =>
            sequence(
              row.set(r === 0 ? at.get : i32.add(row.get, aStride.get)),
              value.set(v128.loadSplat(row.get)),
              ...sum.map((half, h) => half.set(f32x4.add(half.get, f32x4.mul(value.get, halves[h].get)))),
            ),
          ),
        ),
      );
      const keep = sums.map((sum, r) => sequence(row.set(r === 0 ? to.get : i32.add(row.get, outStride.get)), ...sum.map((half, h) => v128.store(row.get, half.get, h * VECTOR))));
      return repeat(to, out.get, outEnd.get, COLUMNS * FLOAT, sequence(...sums.flat().map(half => half.set(f32x4.const(0))), overDimensions, ...keep));
    },
  };
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
