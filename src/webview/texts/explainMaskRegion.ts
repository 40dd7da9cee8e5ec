/**
 * Which step brought a region of the mask. The connected region of one class is laid over the layers of the photo; each of its pixels is put down to the first
 * step after which it had the class:
 *
 *     'cam'      its CAM score is the best of all classes and above the CAM's background score
 *     'refined'  the same of the maps after SCG and PAMR
 *     'decided'  neither, but the mask as the engine made it (before debiasing) has the class: saliency, EdgePredict, CRF or a network's decoder
 *     'painted'  none of them: a person's hand, or a mask that came from elsewhere
 *
 * What cannot be known, because a layer is not there, is counted with the next step that can.
 */
import { IGNORE, type LabelMap } from '../../shared/maps';
import type { OpenLayer } from '../page';
import { className, classText, percent, pixels, score, type ClassNames } from '../../shared/texts/words';

export const REGION_STEPS = ['cam', 'refined', 'decided', 'painted'] as const;
export type RegionStep = (typeof REGION_STEPS)[number];

export interface ScoresOfRegion {
  /** Means over the region, and the score at the point that was clicked; 0..1. */
  mean: number;
  largest: number;
  here: number;
  /** The background score; null where the layer does not say. */
  threshold: number | null;
}

export interface RegionOrigin {
  classId: number;
  /** Pixels of the mask. */
  area: number;
  /** Share of the region by step; they add to 1. */
  steps: Record<RegionStep, number>;
  /** The step of the pixel that was clicked. */
  here: RegionStep;
  cam: ScoresOfRegion | null;
  refined: ScoresOfRegion | null;
  /** Shares of the region in the seed; null where there is none. */
  seed: { same: number; ignore: number; other: number } | null;
  /** Layers that could not be asked. */
  missing: readonly ('cam' | 'refined' | 'seed' | 'before')[];
}

/** What is asked of the photo: thresholds by layer key come from `PhotoView.layers`. */
export interface ExplainedPhoto {
  labels: LabelMap;
  layers: readonly OpenLayer[];
  thresholds: ReadonlyMap<string, Readonly<Record<string, number>>>;
}

/** At most this many pixels are looked at, spread evenly over the region. */
const MOST_SAMPLES = 100_000;

/** The region under (x, y), photo pixels. Undefined where there is background, or nothing. */
export function explainMaskRegion({ labels, layers, thresholds }: ExplainedPhoto, region: { x: number; y: number }): RegionOrigin | undefined {
  const x = Math.floor(region.x);
  const y = Math.floor(region.y);
  if (x < 0 || y < 0 || x >= labels.width || y >= labels.height) return undefined;
  const classId = labels.data[y * labels.width + x];
  if (classId === 0) return undefined;

  const cams = scoresOf('cam', classId, layers, thresholds);
  const refineds = scoresOf('refined', classId, layers, thresholds);
  const seed = layers.find(({ kind }) => kind === 'seed')?.labels;
  const made = layers.find(({ kind }) => kind === 'before')?.labels ?? layers.find(({ kind, labels: own }) => kind === 'mask' && own !== undefined && own.data !== labels.data)?.labels;

  const { runs, area } = regionRuns(labels, x, y);
  const every = Math.max(1, Math.ceil(area / MOST_SAMPLES));
  const counts: Record<RegionStep, number> = { cam: 0, refined: 0, decided: 0, painted: 0 };
  const seedCounts = { same: 0, ignore: 0, other: 0 };
  const stepAt = (px: number, py: number): RegionStep => {
    if (cams?.wins(px, py, labels)) return 'cam';
    if (refineds?.wins(px, py, labels)) return 'refined';
    return made === undefined || labelAt(made, px, py, labels) === classId ? 'decided' : 'painted';
  };
  let at = 0;
  let samples = 0;
  for (const [row, from, to] of runs) {
    for (let px = from + ((every - (at % every)) % every); px < to; px += every) {
      samples++;
      counts[stepAt(px, row)]++;
      cams?.count(px, row, labels);
      refineds?.count(px, row, labels);
      if (seed) {
        const label = labelAt(seed, px, row, labels);
        seedCounts[label === classId ? 'same' : label === IGNORE ? 'ignore' : 'other']++;
      }
    }
    at += to - from;
  }
  const share = (count: number): number => count / samples;
  return {
    classId,
    area,
    steps: { cam: share(counts.cam), refined: share(counts.refined), decided: share(counts.decided), painted: share(counts.painted) },
    here: stepAt(x, y),
    cam: cams?.result(samples, x, y, labels) ?? null,
    refined: refineds?.result(samples, x, y, labels) ?? null,
    seed: seed ? { same: share(seedCounts.same), ignore: share(seedCounts.ignore), other: share(seedCounts.other) } : null,
    missing: [...(cams ? [] : (['cam'] as const)), ...(refineds ? [] : (['refined'] as const)), ...(seed ? [] : (['seed'] as const)), ...(made ? [] : (['before'] as const))],
  };
}

/** Scores of one class among its rivals. */
class ClassScores {
  private sum = 0;
  private largest = 0;

  constructor(
    private readonly own: NonNullable<OpenLayer['scores']>,
    private readonly rivals: readonly NonNullable<OpenLayer['scores']>[],
    private readonly threshold: number | null,
  ) {}

  /** The class has the best score there, above the background's. */
  wins(x: number, y: number, photo: LabelMap): boolean {
    const own = labelAt(this.own, x, y, photo);
    if (own <= 255 * (this.threshold ?? 0.5)) return false;
    return this.rivals.every(rival => labelAt(rival, x, y, photo) <= own);
  }

  count(x: number, y: number, photo: LabelMap): void {
    const value = labelAt(this.own, x, y, photo) / 255;
    this.sum += value;
    if (value > this.largest) this.largest = value;
  }

  result(samples: number, x: number, y: number, photo: LabelMap): ScoresOfRegion {
    return { mean: this.sum / samples, largest: this.largest, here: labelAt(this.own, x, y, photo) / 255, threshold: this.threshold };
  }
}

function scoresOf(kind: 'cam' | 'refined', classId: number, layers: readonly OpenLayer[], thresholds: ExplainedPhoto['thresholds']): ClassScores | undefined {
  const maps = layers.filter(layer => layer.kind === kind && layer.scores);
  const own = maps.find(layer => layer.classId === classId);
  if (!own?.scores) return undefined;
  const rivals = maps.flatMap(layer => (layer !== own && layer.scores ? [layer.scores] : []));
  return new ClassScores(own.scores, rivals, thresholds.get(own.key)?.['background'] ?? null);
}

/** Value of a layer of any size at the centre of a photo pixel. */
function labelAt(layer: { width: number; height: number; data: Uint8Array }, x: number, y: number, photo: { width: number; height: number }): number {
  const column = Math.min(layer.width - 1, Math.floor(((x + 0.5) * layer.width) / photo.width));
  const row = Math.min(layer.height - 1, Math.floor(((y + 0.5) * layer.height) / photo.height));
  return layer.data[row * layer.width + column];
}

/** The connected region (4 neighbours) of equal label around (x, y), as runs [row, from, to). */
function regionRuns({ data, width, height }: LabelMap, x: number, y: number): { runs: [number, number, number][]; area: number } {
  const label = data[y * width + x];
  const seen = new Uint8Array(width * height);
  const runs: [number, number, number][] = [];
  let area = 0;
  const waiting: [number, number][] = [[x, y]];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [startX, row] = next;
    const base = row * width;
    if (seen[base + startX]) continue;
    let from = startX;
    while (from > 0 && data[base + from - 1] === label) from--;
    let to = startX + 1;
    while (to < width && data[base + to] === label) to++;
    seen.fill(1, base + from, base + to);
    runs.push([row, from, to]);
    area += to - from;
    for (const neighbour of [row - 1, row + 1]) {
      if (neighbour < 0 || neighbour >= height) continue;
      const other = neighbour * width;
      for (let i = from; i < to; i++) if (data[other + i] === label && !seen[other + i] && (i === from || data[other + i - 1] !== label)) waiting.push([i, neighbour]);
    }
  }
  return { runs: runs.sort((a, b) => a[0] - b[0] || a[1] - b[1]), area };
}

const STEP_WORDS: Record<RegionStep, string> = {
  cam: 'the CAM',
  refined: 'SCG and PAMR (spreading along similar features and colours)',
  decided: 'the last steps (saliency cue, EdgePredict, CRF or decoder)',
  painted: 'a person\'s hand',
};

export function stepText(step: RegionStep): string {
  return STEP_WORDS[step];
}

/** The region's origin in one sentence: '4,210 pixels of boat: 60 % were in the CAM already, …'. */
export function originText({ classId, area, steps }: RegionOrigin, names: ClassNames): string {
  const parts = REGION_STEPS.filter(step => steps[step] > 0).map(step => `${percent(steps[step])} came with ${STEP_WORDS[step]}`);
  return `${pixels(area)} of ${classText(classId, names)}: ${parts.join(', ')}.`;
}

/** 'mean 0.41, largest 0.92, here 0.37; background score 0.26' */
export function scoresText({ mean, largest, here, threshold }: ScoresOfRegion): string {
  return `mean ${score(mean)}, largest ${score(largest)}, here ${score(here)}${threshold === null ? '' : `; background score ${score(threshold)}`}`;
}

/** What the seed says of the region. */
export function seedText({ same, ignore, other }: NonNullable<RegionOrigin['seed']>, classId: number, names: ClassNames): string {
  return `${percent(same)} certain ${className(classId, names)}, ${percent(ignore)} undecided, ${percent(other)} something else`;
}
