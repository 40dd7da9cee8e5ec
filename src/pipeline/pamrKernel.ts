/**
 * PAMR's two inner loops as SIMD code, one image row a call. All planes are padded with copies of their borders, so that a tap
 * is a constant step in memory; all addresses are bytes. Weights lie in the order in which both loops touch them:
 * for each 8 pixels, for each tap, 8 floats.
 *
 * Denormals make this arithmetic 8 to 25 times slower and cannot be flushed here, so none are made: weights below e^-46 (1e-20)
 * of the largest become 0, and so do scores below 1e-15.
 */
import { assemble, f32x4, i32, i32x4, repeat, sequence, v128, type Code, type Local, type WasmFunction } from './wasm';

/** Pixels that the loops treat together; rows are filled up to a multiple of it. */
export const BLOCK = 8;
/** Planes that one call of `smooth` can take. */
export const MAX_PLANES = 4;
/** Planes whose sums stay in the 16 vector registers of x64; more of them are treated in two goes. */
const PLANES_TOGETHER = 3;
/** Photos have three colours. */
const COLOURS = 3;
const VECTOR = 16;
const FLOAT = 4;

export interface PamrKernel {
  /**
   * Weights of one row. `taps`..`tapsEnd`: the taps' steps from the top left corner of a pixel's window (i32); `image`: that corner for
   * the row's first pixel; `colour`: bytes from one colour plane to the next; `centre`: step from corner to pixel.
   */
  affinity(taps: number, tapsEnd: number, weights: number, image: number, colour: number, centre: number, rowBytes: number, samples: number): void;
  /** One row of one iteration, for 1 to MAX_PLANES planes that lie `planeBytes` apart. `source` is the window's corner, `target` the pixel. */
  smooth: readonly SmoothRow[];
}

type SmoothRow = (taps: number, tapsEnd: number, weights: number, source: number, target: number, planeBytes: number, rowBytes: number) => void;

let compiled: WebAssembly.Module | undefined;

/** The loops, working in `memory`. */
export function pamrKernel(memory: WebAssembly.Memory): PamrKernel {
  compiled ??= new WebAssembly.Module(assemble([affinityRow(), ...range(PLANES_TOGETHER).map(i => smoothRow(i + 1))]));
  const exports = new WebAssembly.Instance(compiled, { env: { memory } }).exports;
  const smooth = range(PLANES_TOGETHER).map(i => exports[`smooth${i + 1}`] as SmoothRow);
  const inTwo = (planes: number): SmoothRow => {
    const half = Math.ceil(planes / 2);
    return (taps, tapsEnd, weights, source, target, planeBytes, rowBytes) => {
      smooth[half - 1](taps, tapsEnd, weights, source, target, planeBytes, rowBytes);
      smooth[planes - half - 1](taps, tapsEnd, weights, source + half * planeBytes, target + half * planeBytes, planeBytes, rowBytes);
    };
  };
  return {
    affinity: exports.affinity as PamrKernel['affinity'],
    smooth: range(MAX_PLANES).map(i => smooth[i] ?? inTwo(i + 1)),
  };
}

/** Bytes of weights for `blocks` blocks of pixels. */
export function weightBytes(taps: number, blocks: number): number {
  return taps * blocks * BLOCK * FLOAT;
}

function affinityRow(): WasmFunction {
  return {
    name: 'affinity',
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f32'],
    body([taps, tapsEnd, weights, image, colour, centre, rowBytes, samples], local) {
      const x = local('i32');
      const tap = local('i32');
      const weight = local('i32');
      const window = local('i32');
      const pixel = local('v128');
      const sum = local('v128');
      const squares = local('v128');
      const scale = local('v128');
      const largest = local('v128');
      const difference = local('v128');
      const count = f32x4.splat(samples.get);

      const overTaps = (body: Code) => repeat(tap, taps.get, tapsEnd.get, FLOAT, body);
      const overTapsAndWeights = (half: number, body: Code) =>
        sequence(
          weight.set(i32.add(weights.get, i32.const(half * VECTOR))),
          overTaps(sequence(body, weight.set(i32.add(weight.get, i32.const(BLOCK * FLOAT))))),
        );
      const neighbour = difference.set(f32x4.sub(v128.load(i32.add(i32.load(tap.get), window.get)), pixel.get));

      /** -|x(p) - x(p+n)| / (1e-8 + 0.1 sigma) / 3 of one colour, added to (or, for the first, put into) the weights. */
      const addColour = (half: number, index: number) => {
        const variance = f32x4.div(
          f32x4.sub(squares.get, f32x4.div(f32x4.mul(sum.get, sum.get), count)),
          f32x4.sub(count, f32x4.const(1)),
        );
        const sigma = f32x4.sqrt(f32x4.max(variance, f32x4.const(0)));
        const term = f32x4.mul(f32x4.abs(difference.get), scale.get);
        return sequence(
          pixel.set(v128.load(i32.add(window.get, centre.get))),
          sum.set(f32x4.const(0)),
          squares.set(f32x4.const(0)),
          overTaps(
            sequence(
              neighbour,
              sum.set(f32x4.add(sum.get, difference.get)),
              squares.set(f32x4.add(squares.get, f32x4.mul(difference.get, difference.get))),
            ),
          ),
          scale.set(f32x4.div(f32x4.const(-1 / COLOURS), f32x4.add(f32x4.const(1e-8), f32x4.mul(f32x4.const(0.1), sigma)))),
          overTapsAndWeights(half, sequence(neighbour, v128.store(weight.get, index === 0 ? term : f32x4.add(v128.load(weight.get), term)))),
          window.set(i32.add(window.get, colour.get)),
        );
      };

      const half = (index: number) =>
        sequence(
          window.set(i32.add(i32.add(image.get, x.get), i32.const(index * VECTOR))),
          ...range(COLOURS).map(c => addColour(index, c)),
          largest.set(f32x4.const(-1e30)),
          overTapsAndWeights(index, largest.set(f32x4.max(largest.get, v128.load(weight.get)))),
          sum.set(f32x4.const(0)),
          overTapsAndWeights(
            index,
            sequence(
              difference.set(exponential(f32x4.sub(v128.load(weight.get), largest.get), local)),
              v128.store(weight.get, difference.get),
              sum.set(f32x4.add(sum.get, difference.get)),
            ),
          ),
          scale.set(f32x4.div(f32x4.const(1), sum.get)),
          overTapsAndWeights(index, v128.store(weight.get, f32x4.mul(v128.load(weight.get), scale.get))),
        );

      // `weight` stands one block further after its last loop, at the same half.
      const nextBlock = weights.set(i32.add(weight.get, i32.const(-VECTOR)));
      return repeat(x, i32.const(0), rowBytes.get, BLOCK * FLOAT, sequence(half(0), half(1), nextBlock));
    },
  };
}

function smoothRow(planes: number): WasmFunction {
  return {
    name: `smooth${planes}`,
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
    body([taps, tapsEnd, weights, source, target, planeBytes, rowBytes], local) {
      const x = local('i32');
      const tap = local('i32');
      const at = local('i32');
      const halves = [local('v128'), local('v128')];
      const scores = range(planes).map(() => halves.map(() => local('v128')));
      const score = local('v128');

      const addTap = scores.map((plane, p) =>
        sequence(
          at.set(p === 0 ? i32.add(i32.add(i32.load(tap.get), source.get), x.get) : i32.add(at.get, planeBytes.get)),
          ...plane.map((sum, h) => sum.set(f32x4.add(sum.get, f32x4.mul(halves[h].get, v128.load(at.get, h * VECTOR))))),
        ),
      );
      const keep = scores.map((plane, p) =>
        sequence(
          at.set(p === 0 ? i32.add(target.get, x.get) : i32.add(at.get, planeBytes.get)),
          ...plane.map((sum, h) =>
            v128.store(at.get, v128.and(score.tee(sum.get), f32x4.ge(f32x4.abs(score.get), f32x4.const(1e-15))), h * VECTOR),
          ),
        ),
      );
      return repeat(
        x,
        i32.const(0),
        rowBytes.get,
        BLOCK * FLOAT,
        sequence(
          ...scores.flat().map(sum => sum.set(f32x4.const(0))),
          repeat(
            tap,
            taps.get,
            tapsEnd.get,
            FLOAT,
            sequence(
              ...halves.map((half, h) => half.set(v128.load(weights.get, h * VECTOR))),
              ...addTap,
              weights.set(i32.add(weights.get, i32.const(BLOCK * FLOAT))),
            ),
          ),
          ...keep,
        ),
      );
    },
  };
}

/**
 * e^a for a <= 0, relative error 1e-7, and 0 below -46: a = n ln 2 + r, e^r by a polynomial (Cephes), 2^n by the exponent's bits.
 * Adding 1.5 * 2^23 rounds to whole numbers and leaves n in the low bits.
 */
function exponential(a: Code, local: (type: 'v128') => Local): Code {
  const argument = local('v128');
  const shifted = local('v128');
  const rest = local('v128');
  const magic = f32x4.const(12582912);
  const n = f32x4.sub(shifted.get, magic);
  const coefficients = [1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1, 1];
  const polynomial = coefficients.slice(1).reduce<Code>((sum, c) => f32x4.add(f32x4.mul(sum, rest.get), f32x4.const(c)), f32x4.const(coefficients[0]));
  return sequence(
    argument.set(a),
    shifted.set(f32x4.add(f32x4.mul(argument.get, f32x4.const(Math.LOG2E)), magic)),
    rest.set(f32x4.sub(f32x4.sub(argument.get, f32x4.mul(n, f32x4.const(0.693359375))), f32x4.mul(n, f32x4.const(-2.12194440e-4)))),
    v128.and(
      f32x4.mul(polynomial, i32x4.add(i32x4.shiftLeft(shifted.get, 23), i32x4.const(0x3f800000))),
      f32x4.ge(argument.get, f32x4.const(-46)),
    ),
  );
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}
