/**
 * A person's words on what debiasing removed: 'accepted' (right) or 'restored' (wrong, it belongs to the class), of one region or of a whole class, in
 * `.seedmask/evidence/choices.jsonl`, a line per word, later ones count. A region's word holds in later runs for what is removed there: for the region of the same
 * class and photo that overlaps it by an IoU of at least 0.5, even if masks or settings changed and it came out a little different. A region's word goes before its
 * class's.
 */
import { appendFile, readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { CHOICES, type Choice } from '../shared/evidence';
import { IGNORE, type LabelMap } from '../shared/maps';
import type { RemovedAs } from '../shared/settings';
import { writeError } from './atomicWrite';
import type { RegionRecord } from './evidenceStore';
import { dataPath, makeFolderFor } from './folder';
import { sha256 } from './hash';
import { eachStretch, regionIou } from './regionPixels';

/** From here on a region is taken for one that a person judged before. */
const SAME_IOU = 0.5;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const lineSchema = v.object({
  classId: count,
  /** Null takes the word back. */
  choice: v.nullable(v.picklist(CHOICES)),
  /** Absent: the class as a whole. */
  region: v.optional(v.object({ photo: v.string(), box: v.tuple([count, count, count, count]), pixels: v.array(count) })),
  time: v.string(),
});
type Line = v.InferOutput<typeof lineSchema>;
type JudgedRegion = { photo: string; classId: number; box: RegionRecord['box']; pixels: readonly number[] };

export class Choices {
  private readonly classes = new Map<number, Choice>();
  /** By photo; of two that are the same region the later one only. */
  private readonly regions = new Map<string, { region: JudgedRegion; choice: Choice }[]>();

  private constructor(lines: readonly Line[]) {
    for (const { classId, choice, region } of lines) {
      if (!region) {
        if (choice) this.classes.set(classId, choice);
        else this.classes.delete(classId);
        continue;
      }
      const judged: JudgedRegion = { ...region, classId };
      const others = (this.regions.get(region.photo) ?? []).filter(other => !isSame(other.region, judged));
      this.regions.set(region.photo, choice ? [...others, { region: judged, choice }] : others);
    }
  }

  /** Of the data set whose state lies in `home`. Damaged lines are left out. */
  static async read(home: string): Promise<Choices> {
    const text = await readFile(fileOf(home), 'utf8').catch(() => '');
    return new Choices(text.split('\n').flatMap(parseLine));
  }

  /** The word on a region: its own, else its class's, else null. */
  of(region: JudgedRegion): Choice | null {
    const own = this.regions.get(region.photo)?.filter(other => isSame(other.region, region)).at(-1);
    return own?.choice ?? this.classes.get(region.classId) ?? null;
  }

  ofClass(classId: number): Choice | null {
    return this.classes.get(classId) ?? null;
  }

  /** Equal for equal words. */
  hash(): string {
    const regions = [...this.regions].filter(([, list]) => list.length > 0).sort(([a], [b]) => (a < b ? -1 : 1));
    return sha256(JSON.stringify([[...this.classes].sort(([a], [b]) => a - b), regions]));
  }
}

/** Writes down a word on regions. @throws SeedMaskError as writes do. */
export async function chooseRegions(home: string, regions: readonly RegionRecord[], choice: Choice | null): Promise<void> {
  const time = new Date().toISOString();
  await append(home, regions.map(({ classId, photo, box, pixels }) => ({ classId, choice, region: { photo, box, pixels }, time })));
}

/** Writes down a word on classes: on all that is removed of them, now and later. */
export async function chooseClasses(home: string, classIds: readonly number[], choice: Choice | null): Promise<void> {
  const time = new Date().toISOString();
  await append(home, classIds.map(classId => ({ classId, choice, time })));
}

/** The mask that comes out: `before` without its removed regions, but for the restored ones. With all of them restored its pixels are those of `before`. */
export function applyChoices(before: LabelMap, regions: readonly RegionRecord[], choices: Choices, removedAs: RemovedAs): LabelMap {
  const data = before.data.slice();
  const label = removedAs === 'ignore' ? IGNORE : 0;
  for (const region of regions) {
    if (choices.of(region) !== 'restored') eachStretch(region.box, region.pixels, before.width, (from, length) => data.fill(label, from, from + length));
  }
  return { ...before, data };
}

function isSame(a: JudgedRegion, b: JudgedRegion): boolean {
  return a.classId === b.classId && regionIou({ box: a.box, runs: a.pixels }, { box: b.box, runs: b.pixels }) >= SAME_IOU;
}

async function append(home: string, lines: readonly Line[]): Promise<void> {
  if (lines.length === 0) return;
  const file = fileOf(home);
  await makeFolderFor(file);
  try {
    // A line that a power cut tore must not be glued to ours.
    const torn = await readFile(file, 'utf8').then(text => text !== '' && !text.endsWith('\n'), () => false);
    await appendFile(file, (torn ? '\n' : '') + lines.map(line => `${JSON.stringify(line)}\n`).join(''));
  } catch (error) {
    throw writeError(error, file);
  }
}

const fileOf = (home: string): string => dataPath(home, 'evidence', 'choices.jsonl');

function parseLine(line: string): Line[] {
  try {
    const parsed = v.safeParse(lineSchema, JSON.parse(line));
    return parsed.success ? [parsed.output] : [];
  } catch {
    return [];
  }
}
