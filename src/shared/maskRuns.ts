/**
 * Masks edited in the form of their runs (labelRuns): who keeps many masks and shows none need not unfold them. A rectangle is exchanged in one walk over the
 * runs, in time proportional to their number and not to the pixels.
 */
import { SeedMaskError } from './errors';
import type { LabelPatch } from './labelPatch';

/** Reads runs piece by piece. */
class RunReader {
  label = 0;
  /** Pixels of the present run that were not taken yet. */
  left = 0;
  #at = 0;

  constructor(private readonly runs: Uint8Array) {}

  /** Makes the next run the present one when the last is used up. @returns false at the end. */
  more(): boolean {
    if (this.left > 0) return true;
    if (this.#at >= this.runs.length) return false;
    this.label = this.runs[this.#at++];
    this.left = 1;
    for (let scale = 1; ; scale *= 128) {
      if (this.#at >= this.runs.length || scale > 2 ** 28) throw new SeedMaskError('bad-message', 'a run of labels has no end');
      const byte = this.runs[this.#at++];
      this.left += (byte & 127) * scale;
      if (byte < 128) return true;
    }
  }

  /** Takes up to `most` pixels of one label. @throws SeedMaskError 'bad-message' at the end. */
  take(most: number): number {
    if (!this.more()) throw new SeedMaskError('bad-message', 'runs hold fewer labels than they should');
    const count = Math.min(most, this.left);
    this.left -= count;
    return count;
  }
}

/** Writes runs; neighbours of one label become one run. */
class RunWriter {
  #out: Uint8Array;
  #size = 0;
  #label = -1;
  #count = 0;

  constructor(expected: number) {
    this.#out = new Uint8Array(Math.max(64, expected));
  }

  add(label: number, count: number): void {
    if (count === 0) return;
    if (label === this.#label) this.#count += count;
    else {
      this.#flush();
      this.#label = label;
      this.#count = count;
    }
  }

  /** The runs in an array of exactly their size. */
  end(): Uint8Array {
    this.#flush();
    return this.#out.slice(0, this.#size);
  }

  #flush(): void {
    if (this.#count === 0) return;
    if (this.#size + 8 > this.#out.length) {
      const larger = new Uint8Array(this.#out.length * 2);
      larger.set(this.#out);
      this.#out = larger;
    }
    this.#out[this.#size++] = this.#label;
    let rest = this.#count - 1;
    while (rest > 127) {
      this.#out[this.#size++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#out[this.#size++] = rest;
  }
}

/** `length` pixels of one label. */
export function runsOf(label: number, length: number): Uint8Array {
  const writer = new RunWriter(16);
  writer.add(label, length);
  return writer.end();
}

/** How many labels the runs stand for. @throws SeedMaskError 'bad-message' where the last has no end. */
export function lengthOfRuns(runs: Uint8Array): number {
  const reader = new RunReader(runs);
  let length = 0;
  while (reader.more()) length += reader.take(Infinity);
  return length;
}

/**
 * The mask of `width` x `height` with the patch's new ('redo') or old ('undo') labels in its rectangle.
 * @throws SeedMaskError 'bad-message' when the patch does not fit: outside the mask, of another length than its rectangle, or made on other labels than are there.
 */
export function patchRuns(runs: Uint8Array, width: number, height: number, patch: LabelPatch, direction: 'redo' | 'undo'): Uint8Array {
  if (patch.x + patch.width > width || patch.y + patch.height > height) throw new SeedMaskError('bad-message', 'an edit lies outside its mask');
  const [from, to] = direction === 'redo' ? [patch.before, patch.after] : [patch.after, patch.before];
  const mask = new RunReader(runs);
  const expected = new RunReader(from);
  const wanted = new RunReader(to);
  const out = new RunWriter(runs.length + to.length);
  const copy = (count: number): void => {
    for (let rest = count; rest > 0; ) {
      const taken = mask.take(rest);
      out.add(mask.label, taken);
      rest -= taken;
    }
  };
  copy(patch.y * width + patch.x);
  for (let row = 0; row < patch.height; row++) {
    for (let rest = patch.width; rest > 0; ) {
      mask.more();
      const taken = expected.take(Math.min(rest, mask.left));
      if (mask.take(taken) !== taken || mask.label !== expected.label) throw new SeedMaskError('bad-message', 'an edit was made on another mask than this one');
      rest -= taken;
    }
    for (let rest = patch.width; rest > 0; ) {
      const taken = wanted.take(rest);
      out.add(wanted.label, taken);
      rest -= taken;
    }
    copy(row < patch.height - 1 ? width - patch.width : (height - patch.y - row) * width - patch.x - patch.width);
  }
  if (mask.more() || expected.more() || wanted.more()) throw new SeedMaskError('bad-message', 'runs hold more labels than they should');
  return out.end();
}
