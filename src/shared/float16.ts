/**
 * IEEE 754 half precision (1 sign, 5 exponent, 10 fraction bits), for features on disk: half the bytes, and three decimal digits are more than a
 * feature needs. Node 20 has no Float16Array. Towards half: round to nearest, ties to even; from half: a table of all 65,536 values.
 */

/** Bits of single precision: the smallest normal half (2^-14), the first power of two beyond the halves (2^16), infinity. */
const LEAST_NORMAL = 0x38800000;
const BEYOND = 0x47800000;
const INFINITE = 0x7f800000;
/** Infinity as a half. */
const INFINITE_HALF = 0x7c00;
/** What moves the exponent's bias from 127 to 15. */
const REBIAS = (127 - 15) << 23;
/** Added to and taken from a double below it, leaves the nearest integer, ties to even. */
const ROUNDER = 2 ** 52;

let table: Float32Array | undefined;

/** The values as halves (their bits). Beyond the range: infinity. */
export function toFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const size = bits[i] & 0x7fffffff;
    const sign = (bits[i] >>> 16) & 0x8000;
    if (size >= LEAST_NORMAL && size < BEYOND) {
      // 13 bits go: adding just under half of them, and one more where the last that stays is odd, rounds; a carry runs into the exponent.
      halves[i] = sign | ((size - REBIAS + 0xfff + ((size >>> 13) & 1)) >>> 13);
    } else if (size < LEAST_NORMAL) {
      // Subnormal halves count units of 2^-24.
      halves[i] = sign | (Math.abs(values[i]) * 2 ** 24 + ROUNDER - ROUNDER);
    } else {
      halves[i] = size > INFINITE ? 0x7e00 : sign | INFINITE_HALF;
    }
  }
  return halves;
}

/** The same, but what is larger than halves can be becomes the largest of them. */
export function toFiniteFloat16(values: Float32Array): Uint16Array {
  const halves = toFloat16(values);
  // The bits below infinity's are the largest half's.
  for (let i = 0; i < halves.length; i++) if ((halves[i] & 0x7fff) === INFINITE_HALF) halves[i]--;
  return halves;
}

/** The exact values of halves. */
export function fromFloat16(halves: Uint16Array): Float32Array {
  const all = halfValues();
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) values[i] = all[halves[i]];
  return values;
}

/** The value of each half, by its bits. Not to be written to. */
export function halfValues(): Float32Array {
  return (table ??= Float32Array.from({ length: 65536 }, (_, bits) => valueOf(bits)));
}

function valueOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}
