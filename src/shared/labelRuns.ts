/**
 * Label maps as run lengths, the form in which they cross wires and lie in undo stacks: a mask of 24 megapixels is some ten kilobytes. Row-major; each run is one
 * byte of label and its length - 1 as LEB128 (seven bits a byte, low first, high bit = more follows). Neighbouring runs have different labels.
 */
import * as v from 'valibot';
import { SeedMaskError } from './errors';

/** Bytes on a wire. */
export const bytesSchema = v.custom<Uint8Array>(value => value instanceof Uint8Array, 'bytes expected');

/** @returns the runs in an array of exactly their size. */
export function encodeRuns(labels: Uint8Array): Uint8Array {
  let out = new Uint8Array(Math.max(64, labels.length >> 6));
  let size = 0;
  for (let from = 0; from < labels.length; ) {
    const label = labels[from];
    let to = from + 1;
    while (to < labels.length && labels[to] === label) to++;
    if (size + 8 > out.length) {
      const larger = new Uint8Array(out.length * 2);
      larger.set(out);
      out = larger;
    }
    out[size++] = label;
    let rest = to - from - 1;
    while (rest > 127) {
      out[size++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    out[size++] = rest;
    from = to;
  }
  return out.slice(0, size);
}

/**
 * The `length` labels that `runs` stand for.
 * @throws SeedMaskError 'bad-message' unless the runs are whole and have exactly this length in all.
 */
export function decodeRuns(runs: Uint8Array, length: number): Uint8Array {
  const labels = new Uint8Array(length);
  let at = 0;
  for (let i = 0; i < runs.length; ) {
    const label = runs[i++];
    let count = 1;
    for (let scale = 1; ; scale *= 128) {
      if (i >= runs.length || scale > 2 ** 28) throw new SeedMaskError('bad-message', 'a run of labels has no end');
      const byte = runs[i++];
      count += (byte & 127) * scale;
      if (byte < 128) break;
    }
    if (count > length - at) throw new SeedMaskError('bad-message', `runs hold more than the ${length} labels they should`);
    labels.fill(label, at, at + count);
    at += count;
  }
  if (at !== length) throw new SeedMaskError('bad-message', `runs hold ${at} labels instead of ${length}`);
  return labels;
}
