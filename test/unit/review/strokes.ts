/** Seeded masks and strokes for tests of edits: everything a test draws comes from one number. */
import { encodeRuns } from '../../../src/shared/labelRuns';
import { applyPatch, cut, patchOf, type Rect } from '../../../src/shared/labelPatch';
import type { LabelMap } from '../../../src/shared/maps';
import type { EditPart } from '../../../src/shared/maskEdits';

export class Dice {
  constructor(private seed: number) {}

  /** 0 .. n - 1. */
  below(n: number): number {
    // mulberry32
    this.seed = (this.seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.seed ^ (this.seed >>> 15), 1 | this.seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * n);
  }
}

/** A mask of rectangles of a few classes. */
export function randomMask(dice: Dice, width: number, height: number): LabelMap {
  const labels: LabelMap = { data: new Uint8Array(width * height), width, height };
  for (let i = 0; i < 6; i++) paint(labels, randomRect(dice, labels), dice.below(5) === 0 ? 255 : dice.below(4));
  return labels;
}

/** Paints a blob somewhere and says what was done. */
export function randomStroke(dice: Dice, photo: string, labels: LabelMap): EditPart {
  const rect = randomRect(dice, labels);
  const before = cut(labels, rect);
  const inner = { x: rect.x + dice.below(rect.width), y: rect.y + dice.below(rect.height), width: 1, height: 1 };
  paint(labels, { ...inner, width: rect.x + rect.width - inner.x, height: rect.y + rect.height - inner.y }, dice.below(6));
  return { photo, label: `Stroke ${dice.below(1000)}`, patch: patchOf(labels, rect, before), choices: [] };
}

export function paint({ data, width }: LabelMap, rect: Rect, label: number): void {
  for (let y = rect.y; y < rect.y + rect.height; y++) data.fill(label, y * width + rect.x, y * width + rect.x + rect.width);
}

export function randomRect(dice: Dice, { width, height }: { width: number; height: number }): Rect {
  const x = dice.below(width);
  const y = dice.below(height);
  return { x, y, width: 1 + dice.below(width - x), height: 1 + dice.below(height - y) };
}

export function copyOf(labels: LabelMap): LabelMap {
  return { ...labels, data: labels.data.slice() };
}

/** What a file holds after a save wrote these patches on it. */
export function written(file: LabelMap, patches: readonly EditPart['patch'][]): LabelMap {
  const out = copyOf(file);
  for (const patch of patches) applyPatch(out, patch, 'redo');
  return out;
}

export function baseOf(labels: LabelMap, hash: string | null): { hash: string | null; width: number; height: number; runs: Uint8Array } {
  return { hash, width: labels.width, height: labels.height, runs: encodeRuns(labels.data) };
}
