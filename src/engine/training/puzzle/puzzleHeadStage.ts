/**
 * Trains the heads of Puzzle-CAM (`models/puzzleHeads.ts`) on cached features of photos and of their tiles. A batch is read from the cache when its turn comes: memory
 * holds one batch, however large the folder. AdamW, poly rate, alpha on a ramp.
 */
import { puzzleHeadsLoss, startOfHead } from '../../../../models/puzzleHeads';
import { puzzleAlpha } from '../../../../models/puzzle';
import { BatchTrainer } from '../../../../models/batchTrainer';
import type { Preset } from '../../../../models/presets';
import { mixSeed, shuffled, uniform } from '../../../../models/random';
import { polyRate } from '../../../../models/schedules';
import type { TrainingState } from '../../../../models/trainer';
import type { PuzzlePreset } from '../../../../models/trainingPreset';
import { averagePrecision } from '../../../pipeline/averagePrecision';
import { pooled } from '../../../pipeline/cam';
import { areaMeans } from '../../../pipeline/resize';
import { describeError, SeedMaskError } from '../../../shared/errors';
import type { Tensor } from '../../../shared/graph';
import type { Maps } from '../../../shared/maps';
import { isFatal } from '../../jobs/recorded';
import { headRows } from '../../learning';
import type { Role } from '../../photoFeatures';
import type { Losses, PhotoScorer, TrainingData, TrainingPhoto, TrainingStage } from '../trainingStage';
import { headsOf, PuzzleCam, puzzleScorer, type RoleHead } from './puzzleCam';

/** Photos that the tagging is measured on, at most. */
const TAGGED_PHOTOS = 400;

/** A photo of a batch: its maps and those of its tiles, by layer. */
interface Pair {
  photo: TrainingPhoto;
  whole: ReadonlyMap<Role, Maps>;
  tiles: ReadonlyMap<Role, Maps>;
}

/** What the pass over the photos finds out. */
interface Survey {
  photos: TrainingPhoto[];
  /** Of the largest grid. */
  cells: number;
  /** Root mean square of each layer's features. */
  scales: ReadonlyMap<Role, number>;
}

export class PuzzleHeadStage implements TrainingStage {
  readonly name = 'puzzle';
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  rate = 0;

  private constructor(
    private readonly data: TrainingData,
    private readonly preset: Preset,
    private readonly section: PuzzlePreset,
    private readonly heads: readonly RoleHead[],
    private readonly survey: Survey,
    private readonly trainer: BatchTrainer,
  ) {
    this.epochs = section.epochs;
    this.stepsPerEpoch = Math.ceil(survey.photos.length / section.batch);
  }

  /** At its start; tiles that are in no cache go through the backbone first. @throws SeedMaskError 'nothing-to-learn', 'bad-settings', 'out-of-memory' */
  static async open(data: TrainingData, preset: Preset, section: PuzzlePreset): Promise<PuzzleHeadStage> {
    if (!section.heads) throw new SeedMaskError('bad-settings', "heads of Puzzle-CAM need the part 'heads' of their section");
    const heads = headsOf(data, section);
    if (heads.length === 0 || data.classes.length === 0) throw new SeedMaskError('nothing-to-learn', 'Puzzle-CAM has no layer with heads, or no class, to learn from');
    const survey = await surveyed(data, heads, section.heads.tiles);
    if (survey.photos.length === 0) throw new SeedMaskError('nothing-to-learn', 'no tagged photo could be read');
    const seed = preset.training?.seed ?? 1;
    const start = heads.map((head, i) => startOfHead(head, headRows(data.learnt, head.role, head.channels, data.classes) ?? new Float32Array(data.classes.length * head.channels), survey.scales.get(head.role) ?? 1, mixSeed(seed, 11, i)));
    const trainer = await BatchTrainer.open(data.host, items => puzzleHeadsLoss(heads, items, survey.cells), Object.assign({}, ...start) as Record<string, Float32Array>, {
      batch: section.batch,
      optimiser: { kind: 'adamw', weightDecay: section.weightDecay },
      onShrink: items => data.log(`the device ran out of memory: Puzzle-CAM runs ${items} photos at once from here on`),
    });
    return new PuzzleHeadStage(data, preset, section, heads, survey, trainer);
  }

  get state(): TrainingState {
    return this.trainer.state;
  }

  set state(state: TrainingState) {
    this.trainer.state = state;
  }

  /** Its targets are the tags alone. */
  beginEpoch(): Promise<void> {
    return Promise.resolve();
  }

  async step(epoch: number, step: number): Promise<Losses> {
    const { rate, batch, alpha, ramp } = this.section;
    const done = (epoch - 1) * this.stepsPerEpoch + step;
    const steps = this.epochs * this.stepsPerEpoch;
    this.rate = polyRate(rate, done, steps);
    const order = shuffled(this.survey.photos.length, uniform(mixSeed(this.preset.training?.seed ?? 1, 12, epoch)));
    const pairs: Pair[] = [];
    for (let i = 0; i < batch; i++) pairs.push(await this.pair(this.survey.photos[order[(step * batch + i) % order.length]]));
    const weight: Tensor = { dims: [], data: Float32Array.of(ramp > 0 ? puzzleAlpha(done, steps, alpha, ramp) : alpha) };
    const total = await this.trainer.step((from, to) => ({ ...this.feeds(pairs.slice(from, to)), alpha: weight }), this.rate);
    return { ...this.trainer.losses, total };
  }

  /** Of the mean of the layers' logits; biases shift all photos of a class alike. */
  async tagging(): Promise<Record<string, number>> {
    const cam = new PuzzleCam(this.data.host, this.heads, this.data.classes, this.state.tensors);
    try {
      const photos = this.survey.photos.slice(0, TAGGED_PHOTOS);
      const logits: Float32Array[] = [];
      for (const photo of photos) {
        this.data.signal.throwIfAborted();
        const { layers } = await this.data.features(photo);
        const sums = new Float32Array(this.data.classes.length);
        for (const head of this.heads) {
          const [view] = layers.get(head.role) ?? [];
          if (view) pooled(await cam.maps(head, view)).forEach((logit, k) => (sums[k] += logit));
        }
        logits.push(sums);
      }
      return Object.fromEntries(this.data.classes.flatMap(({ id, name }, k) => {
        const value = averagePrecision(logits.map(row => row[k]), photos.map(({ ids }) => ids.includes(id)));
        return value === undefined ? [] : [[name, value]];
      }));
    } finally {
      await cam.release();
    }
  }

  scorer(): Promise<PhotoScorer> {
    return Promise.resolve(puzzleScorer(this.data, this.preset, this.section, this.state));
  }

  release(): Promise<void> {
    return this.trainer.release();
  }

  private async pair(photo: TrainingPhoto): Promise<Pair> {
    return { photo, ...(await mapsOf(this.data, photo, this.heads, this.section.heads?.tiles ?? 2)) };
  }

  private feeds(pairs: readonly Pair[]): Record<string, Tensor> {
    const { cells } = this.survey;
    const { classes } = this.data;
    const shares = new Float32Array(pairs.length * cells);
    const tags = new Float32Array(pairs.length * classes.length);
    pairs.forEach(({ photo, whole }, i) => {
      const own = cellsOf(whole, this.heads[0].role);
      shares.fill(1 / own, i * cells, i * cells + own);
      classes.forEach(({ id }, k) => (tags[i * classes.length + k] = Number(photo.ids.includes(id))));
    });
    const feeds: Record<string, Tensor> = { shares: { dims: [pairs.length, 1, 1, cells], data: shares }, tags: { dims: [pairs.length, classes.length], data: tags } };
    for (const { role, channels } of this.heads) {
      for (const which of ['whole', 'tiles'] as const) {
        const data = new Float32Array(pairs.length * channels * cells);
        pairs.forEach((pair, i) => {
          const maps = pair[which].get(role);
          const own = cellsOf(pair[which], role);
          for (let c = 0; maps && c < channels; c++) data.set(maps.data.subarray(c * own, (c + 1) * own), (i * channels + c) * cells);
        });
        feeds[`${role}.${which}`] = { dims: [pairs.length, channels, 1, cells], data };
      }
    }
    return feeds;
  }
}

/** Features of a photo and of its tiles, all layers on the coarsest one's grid: finer ones are averaged. */
async function mapsOf(data: TrainingData, photo: TrainingPhoto, heads: readonly RoleHead[], perSide: number): Promise<{ whole: ReadonlyMap<Role, Maps>; tiles: ReadonlyMap<Role, Maps> }> {
  const { layers } = await data.features(photo);
  const whole = new Map([...layers].map(([role, [view]]) => [role, view]));
  return { whole: onOneGrid(whole, heads), tiles: onOneGrid(await data.tiles(photo, perSide), heads) };
}

function onOneGrid(layers: ReadonlyMap<Role, Maps>, heads: readonly RoleHead[]): Map<Role, Maps> {
  const maps = heads.flatMap(({ role }) => {
    const view = layers.get(role);
    return view ? [[role, view] as const] : [];
  });
  const height = Math.min(...maps.map(([, view]) => view.height));
  const width = Math.min(...maps.map(([, view]) => view.width));
  return new Map(maps.map(([role, view]) => [role, view.height === height && view.width === width ? view : areaMeans(view, height, width)]));
}

function cellsOf(maps: ReadonlyMap<Role, Maps>, role: Role): number {
  const found = maps.get(role);
  if (!found) throw new Error(`no features of the ${role} layer`);
  return found.height * found.width;
}

/** One pass over the photos, so that all tiles are there; a photo that cannot be read is left out. */
async function surveyed(data: TrainingData, heads: readonly RoleHead[], perSide: number): Promise<Survey> {
  const photos: TrainingPhoto[] = [];
  const squares = new Map<Role, number>();
  let cells = 0;
  for (const photo of data.photos) {
    data.signal.throwIfAborted();
    try {
      const { whole } = await mapsOf(data, photo, heads, perSide);
      for (const { role } of heads) {
        const view = whole.get(role);
        if (view) squares.set(role, (squares.get(role) ?? 0) + view.data.reduce((sum, value) => sum + value * value, 0) / view.data.length);
        cells = Math.max(cells, cellsOf(whole, role));
      }
      photos.push(photo);
    } catch (error) {
      data.signal.throwIfAborted();
      if (!(error instanceof SeedMaskError) || isFatal(error) || error.reason === 'out-of-memory') throw error;
      data.log(`${photo.photo} is not learnt from: ${describeError(error)}`);
    }
  }
  return { photos, cells, scales: new Map([...squares].map(([role, sum]) => [role, Math.sqrt(sum / photos.length)])) };
}
