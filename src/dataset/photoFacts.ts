/**
 * What a queue of photos shows of each without opening its mask: `.seedmask/facts.jsonl`, lines of some facts of a photo, later ones laid over earlier ones. A cache:
 * whoever makes or saves a mask adds what it knows, and what it lacks is found when the photo is opened.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { SeedMaskError } from '../shared/errors';
import { IGNORE, plane, type LabelMap, type Maps } from '../shared/maps';
import { dataPath } from './folder';
import { sha256 } from './hash';
import { appendJournal, readJournal, rewriteJournal } from './journal';
import { inTurn } from './turn';

const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const factsSchema = v.object({
  /** The mask's file: its hash, and its size and time by which it is known again unread. */
  mask: v.optional(v.object({ hash: v.string(), size: v.number(), time: v.number() })),
  /** Share of the mask by class id, of the classes in it without background and ignore. */
  areas: v.optional(v.array(v.object({ id: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(254)), share }))),
  /** Share of the seed that is undecided. */
  ignore: v.optional(share),
  /** Mean entropy of the refined maps, see `seedFacts`. */
  entropy: v.optional(share),
  /** Share of the mask's pixels that the last writing changed. */
  change: v.optional(v.nullable(share)),
  /** Regions that MARS removed, and the share of their pixels whose evidence is fragile. */
  removedRegions: v.optional(count),
  fragile: v.optional(v.nullable(share)),
});
/** Fields that are not there are not known. */
export type Facts = v.InferOutput<typeof factsSchema>;

const lineSchema = v.object({ photo: v.string(), ...factsSchema.entries });
const BLOAT = 4;

const fileOf = (root: string): string => dataPath(root, 'facts.jsonl');

/** Photo -> all that is known. An unreadable file knows nothing. */
export async function readFacts(root: string): Promise<Map<string, Facts>> {
  const all = new Map<string, Facts>();
  const lines = await readJournal(fileOf(root), lineSchema).catch(() => []);
  for (const { photo, ...facts } of lines) all.set(photo, { ...all.get(photo), ...facts });
  return all;
}

/** Adds facts of a photo to what is known. A cache that cannot be written stops nobody. */
export async function recordFacts(root: string, photo: string, facts: Facts): Promise<void> {
  await appendJournal(fileOf(root), [{ photo, ...facts }]).catch((error: unknown) => {
    if (!(error instanceof SeedMaskError)) throw error;
  });
}

/** Puts the file in order when it has grown; for the start of a run. Nobody else is kept waiting for long. */
export async function tidyFacts(root: string): Promise<void> {
  const file = fileOf(root);
  const size = await stat(file).then(found => found.size, () => 0);
  if (size < 4_000_000) return;
  await inTurn(root, async () => {
    const lines = await readJournal(file, lineSchema);
    const all = await readFacts(root);
    if (lines.length > BLOAT * all.size) await rewriteJournal(file, [...all].map(([photo, facts]) => ({ photo, ...facts })));
  });
}

/**
 * Facts of a mask that was just written as `mask` (an id relative to the root).
 * @param before what was there, of the same size; the share of pixels that changed is known then
 */
export async function maskFacts(root: string, mask: string, bytes: Uint8Array, labels: LabelMap, before?: LabelMap): Promise<Facts> {
  const found = await stat(join(root, mask)).catch(() => undefined);
  return {
    ...(found && { mask: { hash: sha256(bytes), size: found.size, time: found.mtimeMs } }),
    areas: areasOf(labels),
    change: before ? changeBetween(before, labels) : null,
  };
}

/** Facts of what MARS removed from a photo. */
export function regionFacts(regions: readonly { area: number; stable: boolean }[]): Pick<Facts, 'removedRegions' | 'fragile'> {
  let all = 0;
  let fragile = 0;
  for (const { area, stable } of regions) {
    all += area;
    if (!stable) fragile += area;
  }
  return { removedRegions: regions.length, fragile: all > 0 ? fragile / all : null };
}

/** Share of each class in a mask, by id; background and ignore are not listed. */
export function areasOf({ data }: LabelMap): { id: number; share: number }[] {
  const counts = new Uint32Array(256);
  for (let i = 0; i < data.length; i++) counts[data[i]]++;
  return Array.from(counts.keys()).flatMap(id => (id > 0 && id < IGNORE && counts[id] > 0 ? [{ id, share: counts[id] / data.length }] : []));
}

/** Share of pixels with another label; nothing for masks of two sizes. */
export function changeBetween(a: LabelMap, b: LabelMap): number | null {
  if (a.width !== b.width || a.height !== b.height) return null;
  let changed = 0;
  for (let i = 0; i < a.data.length; i++) if (a.data[i] !== b.data[i]) changed++;
  return changed / Math.max(1, a.data.length);
}

/**
 * How sure a photo's maps are: the undecided share of its seed, and the mean over pixels of the entropy of p = [t, r_1 … r_K] / sum, t the background score,
 * divided by log2(K + 1), in [0, 1]. A grid of some 10,000 pixels stands for all.
 */
export function seedFacts(refined: Maps, background: number, seed: LabelMap): Pick<Facts, 'ignore' | 'entropy'> {
  let undecided = 0;
  for (const label of seed.data) if (label === IGNORE) undecided++;
  const ignore = undecided / Math.max(1, seed.data.length);
  const size = refined.width * refined.height;
  if (refined.channels === 0 || size === 0) return { ignore, entropy: 0 };
  const planes = Array.from({ length: refined.channels }, (_, k) => plane(refined, k));
  // A stride that no width has in common, so that the samples walk over all columns.
  const stride = Math.max(1, Math.floor(size / 10_000)) | 1;
  let total = 0;
  let samples = 0;
  for (let i = 0; i < size; i += stride, samples++) {
    let sum = background;
    for (const map of planes) sum += map[i];
    let entropy = term(background / sum);
    for (const map of planes) entropy += term(map[i] / sum);
    total += entropy;
  }
  return { ignore, entropy: Math.min(1, Math.max(0, total / samples / Math.log2(planes.length + 1))) };
}

function term(p: number): number {
  return p > 0 ? -p * Math.log2(p) : 0;
}
