/**
 * IEEE 754 half precision, for features on disk: half the bytes, and three decimal digits are more than a feature needs. Node 20 has no
 * Float16Array. Towards half: round to nearest, ties to even, by tables over the sign and exponent of the float; from half: a table of all
 * 65,536 values. (After J. van der Zijp, "Fast Half Float Conversions", with rounding added.)
 */

/** By sign and exponent (9 bits): the half without its fraction, and how far the 24-bit significand is shifted to become it. */
const BASE = new Uint16Array(512);
const SHIFT = new Uint8Array(512);
for (let i = 0; i < 512; i++) {
  const sign = (i & 0x100) << 7;
  const exponent = (i & 0xff) - 127;
  if (exponent < -25) [BASE[i], SHIFT[i]] = [sign, 31]; // rounds to zero
  else if (exponent < -14) [BASE[i], SHIFT[i]] = [sign, -1 - exponent]; // subnormal half: the hidden bit is part of the fraction
  else if (exponent <= 15) [BASE[i], SHIFT[i]] = [sign | ((exponent + 14) << 10), 13]; // the hidden bit carries the exponent to its value
  else [BASE[i], SHIFT[i]] = [sign | 0x7c00, 31]; // infinity; NaN is looked for below
}

let table: Float32Array | undefined;

/** The values as halves (their bits). Beyond the range: infinity. */
export function toFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const float = bits[i];
    const key = float >>> 23;
    const significand = (float & 0x7fffff) | 0x800000;
    const shift = SHIFT[key];
    const kept = shift === 31 ? 0 : significand >>> shift;
    const dropped = shift === 31 ? 0 : significand & ((1 << shift) - 1);
    const half = shift === 31 ? 0 : 1 << (shift - 1);
    // Up when more than half is dropped, or exactly half of an odd number; a carry runs into the exponent, as it should.
    const up = dropped > half || (dropped === half && (kept & 1) === 1 && shift !== 31) ? 1 : 0;
    halves[i] = (float & 0x7fffffff) > 0x7f800000 ? 0x7e00 : BASE[key] + kept + up;
  }
  return halves;
}

/** The exact values of halves. */
export function fromFloat16(halves: Uint16Array): Float32Array {
  table ??= Float32Array.from({ length: 65536 }, (_, bits) => valueOf(bits));
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) values[i] = table[halves[i]];
  return values;
}

function valueOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}
