/**
 * Trains the light decoder (`models/networks/lightDecoder.ts`) on cached frozen features: an epoch begins with a pool of photos, their cells and what these should be
 * (`decoderTargets.ts`); its steps are batches drawn from it (`cellPool.ts`). Memory holds one pool: `photos` of the preset, some 350 kB each.
 */
import { decoderParameters, decoderStart, decoderTrainingGraph, type LightDecoderShape } from '../../../../models/networks/lightDecoder';
import type { Preset } from '../../../../models/presets';
import { mixSeed, shuffled, uniform } from '../../../../models/random';
import { oneCycleRate } from '../../../../models/schedules';
import { startState, Trainer, type TrainingState } from '../../../../models/trainer';
import type { DecoderPreset } from '../../../../models/trainingPreset';
import { averagePrecision } from '../../../pipeline/averagePrecision';
import { pooled } from '../../../pipeline/cam';
import { decided } from '../../../pipeline/hints';
import { tagWeights } from '../../../pipeline/photoMask';
import { Scg } from '../../../pipeline/scg';
import { SeedMaskError } from '../../../shared/errors';
import type { LabelMap, Maps } from '../../../shared/maps';
import { surenessOf } from '../../learning';
import type { StageKind } from '../stages';
import { stateOf, type Losses, type PhotoScorer, type TrainingData, type TrainingPhoto, type TrainingStage } from '../trainingStage';
import { CellPool, MOST_CELLS, type PooledPhoto } from './cellPool';
import { cellShares, classWeights } from './cellTargets';
import { decoderExport } from './decoderExport';
import { CellReader, fitSpace, joinState, onCells, splitState, type CellVectors, type Judge, type Judgement } from './decoderInputs';
import { CellScorer, decoderScorer, foldOf, shapeOf, type CellScores } from './decoderScorer';
import { areasOf, heldAreas, type JudgedPhoto } from './heldAreas';
import { firstTargets, mixed, predictedLabels, recursed, seedPixels, taughtPixels, type MixSide, type Recursion } from './decoderTargets';

export const decoderKind: StageKind<DecoderPreset> = {
  open: (data, preset, section) => DecoderStage.open(data, preset, section),
  scorer: (data, _preset, section, stages) => Promise.resolve(decoderScorer(data, section, stateOf('decoder', stages))),
  exported: (data, preset, section, stages) => decoderExport(data, preset, section, stateOf('decoder', stages)),
};

/** A photo of the pool before it is dealt out. */
interface Held {
  photo: TrainingPhoto;
  cells: CellVectors;
  /** With its first labels of a round, once they were read; they stay what they are. */
  seeded?: { round: number; photo: PooledPhoto };
}

export class DecoderStage implements TrainingStage {
  readonly name = 'decoder';
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  rate = 0;
  /** Cells by photo, of this epoch and, where they are the same photos, of those before. */
  private readonly held = new Map<number, Held>();
  private readonly pool: CellPool;
  private readonly scg: Scg;
  private readonly scorerOfCells: CellScorer;
  private readonly channelOf: ReadonlyMap<number, number>;
  private judgement: Judgement;
  /** Who gives the first labels of a later round; there in every state of a training of several rounds, so that all have one form. */
  private before: Judge | undefined;
  /** Of each channel in the epoch's labels, in photos. */
  private areas: Float64Array = new Float64Array(0);

  private constructor(
    private readonly data: TrainingData,
    private readonly preset: Preset,
    private readonly section: DecoderPreset,
    private readonly seed: number,
    private readonly shape: LightDecoderShape,
    private space: TrainingState['tensors'],
    private reader: CellReader,
    private readonly trainer: Trainer,
    /** What a round begins with. */
    private readonly start: (round: number) => TrainingState,
  ) {
    this.epochs = section.epochs * section.rounds;
    this.stepsPerEpoch = Math.max(1, Math.round((Math.min(section.photos, data.photos.length) * section.cellsPerPhoto) / section.batch));
    this.channelOf = new Map(data.classes.map(({ id }, i) => [id, i + 1]));
    this.judgement = { offsets: new Float32Array(shape.classes), known: new Float32Array(shape.members * shape.classes).fill(1) };
    this.before = section.rounds > 1 ? this.judge : undefined;
    this.pool = new CellPool(section, { ...shape, places: placesOf(data, preset, section) }, this.channelOf, mixSeed(seed, 2));
    this.scg = new Scg(data.host, preset.scg);
    this.scorerOfCells = new CellScorer(data.host, shape, section.folds, data.classes);
  }

  /** At its start. @throws SeedMaskError 'nothing-to-learn', 'bad-settings', 'cancelled', 'numeric' */
  static async open(data: TrainingData, preset: Preset, section: DecoderPreset): Promise<DecoderStage> {
    if (data.photos.length === 0 || data.classes.length === 0) throw new SeedMaskError('nothing-to-learn', 'no tagged photo could be read');
    const places = placesOf(data, preset, section);
    if (places > MOST_CELLS) throw new SeedMaskError('bad-settings', `a decoder on ${Math.sqrt(places)} cells along a photo's longer side: more than ${Math.sqrt(MOST_CELLS)} are too many`);
    const seed = preset.training?.seed ?? 1;
    const space = await fitSpace(data, section.inputs, seed);
    const reader = new CellReader(data.host, section.inputs, section.grid, space);
    const shape = shapeOf(section, reader.inputs, data.classes.length);
    const { recursion } = section;
    const graph = decoderTrainingGraph(
      {
        ...shape,
        cells: section.batch,
        dropout: section.dropout.hidden > 0,
        restricted: section.restricted,
        weights: { segmentation: recursion?.weights.segmentation ?? 1 },
        ...(recursion && {
          whole: { photos: recursion.batch, places, recursion: recursion.loss, weights: { classification: recursion.weights.classification, recursion: recursion.weights.cam } },
        }),
      },
      { kind: 'adamw', weightDecay: section.weightDecay, ...(section.average > 0 && { ema: section.average }) },
    );
    const start = (round: number): TrainingState => startState(graph.state, decoderStart(shape, uniform(mixSeed(seed, 3, round))));
    return new DecoderStage(data, preset, section, seed, shape, space, reader, await Trainer.open(data.host, graph, start(0)), start);
  }

  get state(): TrainingState {
    const { steps, tensors } = this.trainer.state;
    return { steps, tensors: joinState(this.space, { network: tensors, judgement: this.judgement }, this.before) };
  }

  set state({ steps, tensors }: TrainingState) {
    const { space, network, judgement, before } = splitState(tensors);
    this.trainer.state = { steps, tensors: network };
    this.judgement = judgement;
    this.before = before;
    if (Object.entries(space).every(([name, { data }]) => this.space[name] && sameNumbers(this.space[name].data, data))) return;
    // Features that were computed elsewhere may give other directions: the ones that were learnt with count.
    this.space = space;
    void Promise.allSettled([this.reader.release()]);
    this.reader = new CellReader(this.data.host, this.section.inputs, this.section.grid, space);
    this.held.clear();
  }

  async beginEpoch(epoch: number, tell?: (photos: number) => void): Promise<void> {
    const { recursion, rounds, epochs } = this.section;
    const round = Math.floor((epoch - 1) / epochs);
    const ofRound = epoch - round * epochs;
    if (round > 0 && ofRound === 1) this.nextRound(round);
    const teacher = rounds > 1 && round > 0 && this.before ? decoderScorer(this.data, this.section, { steps: 0, tensors: joinState(this.space, this.before) }) : undefined;
    const chosen = this.chosen(epoch);
    for (const index of this.held.keys()) if (!chosen.includes(index)) this.held.delete(index);
    const recurses = recursion !== null && ofRound >= recursion.recurseFrom;
    const photos: PooledPhoto[] = [];
    try {
      for (const index of chosen) {
        this.data.signal.throwIfAborted();
        const held = await this.heldPhoto(index);
        const labels: FirstLabels = { round, teacher, complements: this.section.seeds.removed === 'complemented' && ofRound > 1 };
        photos.push(await (recurses ? this.recursive(held, labels, recursion) : this.first(held, labels)));
        if (teacher && ofRound === 1) tell?.(chosen.length);
      }
    } finally {
      await teacher?.release();
    }
    this.areas = areasOf(photos.map(({ shares: { shares, ids } }) => ({ shares, channels: this.channels(ids) })), this.judgement.offsets.length);
    if (recursion !== null && ofRound >= recursion.mixFrom && recursion.mix !== 'none') photos.push(...(await this.mixes(epoch, chosen, photos, recursion, recursion.mix)));
    this.pool.begin(epoch, photos, classWeights(photos.map(({ shares }) => shares), this.channelOf, this.section.classWeight));
    this.judgement = { ...this.judgement, known: this.pool.known() };
  }

  async step(epoch: number, step: number): Promise<Losses> {
    const { rate, warmUp, recursion, epochs } = this.section;
    this.rate = oneCycleRate(rate, ((epoch - 1) % epochs) * this.stepsPerEpoch + step, epochs * this.stepsPerEpoch, warmUp);
    const feeds = { ...this.pool.cells(epoch, step), ...(recursion && this.pool.whole(epoch, step, recursion.batch)) };
    const total = await this.trainer.step(feeds, this.rate);
    if (this.section.holdAreas && step === this.stepsPerEpoch - 1) await this.hold();
    return { ...this.trainer.losses, total };
  }

  scorer(): Promise<PhotoScorer> {
    return Promise.resolve(decoderScorer(this.data, this.section, this.state));
  }

  /** Of the classifier; nothing without one. */
  async tagging(): Promise<Record<string, number>> {
    const { classes } = this.data;
    const ids = classes.map(({ id }) => id);
    const logits: Float32Array[] = [];
    const tags: ReadonlySet<number>[] = [];
    for (const { photo, cells } of this.held.values()) {
      const { maps } = await this.score(photo, cells, ids);
      if (!maps) return {};
      logits.push(pooled(maps));
      tags.push(new Set(photo.ids));
    }
    return Object.fromEntries(classes.flatMap(({ id, name }, k) => {
      const value = averagePrecision(logits.map(row => row[k]), tags.map(own => own.has(id)));
      return value === undefined ? [] : [[name, value]];
    }));
  }

  async release(): Promise<void> {
    await this.trainer.release();
    await this.reader.release();
    await this.scorerOfCells.release();
    await this.scg.release();
  }

  /** Photos of an epoch, by their place in the data: all, or as many as a pool holds. */
  private chosen(epoch: number): number[] {
    const { length } = this.data.photos;
    if (length <= this.section.photos) return Array.from({ length }, (_, i) => i);
    return shuffled(length, uniform(mixSeed(this.seed, 4, epoch))).slice(0, this.section.photos).sort((a, b) => a - b);
  }

  private async heldPhoto(index: number): Promise<Held> {
    const known = this.held.get(index);
    if (known) return known;
    const photo = this.data.photos[index];
    const held = { photo, cells: await this.reader.read(await this.data.features(photo), () => this.data.image(photo)) };
    this.held.set(index, held);
    return held;
  }

  /** The judge as it is now. */
  private get judge(): Judge {
    const { tensors } = this.trainer.state;
    return { network: Object.fromEntries(decoderParameters(this.shape).map(([name]) => [name, tensors[`${name}.ema`] ?? tensors[name]])), judgement: this.judgement };
  }

  /** Begins anew, taught by what the round before learnt. */
  private nextRound(round: number): void {
    this.before = this.judge;
    this.trainer.state = this.start(round);
    this.judgement = { ...this.judgement, offsets: new Float32Array(this.judgement.offsets.length) };
  }

  /** @param targets of the classifier's maps, where the recursion has begun */
  private async first(held: Held, { round, teacher, complements }: FirstLabels, targets?: Maps): Promise<PooledPhoto> {
    const { photo, cells, seeded } = held;
    if (seeded?.round === round && !complements) return withMaps(seeded.photo, targets);
    const seed = await this.data.seed(photo);
    // Before the first epoch nobody can fill in what was removed.
    const filling = complements && seed.removed ? (await this.score(photo, cells, photo.ids)).probabilities : undefined;
    const pixels = teacher ? taughtPixels(await this.data.mask(photo, teacher), seed.removed, this.section.seeds.removed) : seedPixels(seed, photo.ids, this.section.seeds, filling);
    const pooled = withMaps(await this.pooled(photo, cells, pixels.labels, pixels.weights), this.section.recursion ? firstTargets(seed) : undefined);
    if (!filling) held.seeded = { round, photo: pooled };
    return withMaps(pooled, targets);
  }

  private async recursive(held: Held, first: FirstLabels, recursion: Recursion): Promise<PooledPhoto> {
    const { photo, cells } = held;
    const { maps } = await this.score(photo, cells, photo.ids);
    if (!maps || photo.ids.length === 0) return this.first(held, first);
    const tags = { ids: photo.ids, weights: tagWeights(surenessOf(this.data.learnt, photo), this.preset.tagWeight) };
    const { refined, labels } = await recursed(this.scg, maps, await this.data.features(photo), await this.data.image(photo), tags, recursion, this.preset);
    return recursion.labels === 'seeds' ? this.first(held, first, refined) : withMaps(await this.pooled(photo, cells, labels), refined);
  }

  private async pooled(photo: TrainingPhoto, cells: CellVectors, labels: LabelMap, weights?: Float32Array): Promise<PooledPhoto> {
    const certain = await this.data.certain(photo, labels.height, labels.width);
    const shares = cellShares({ labels, ...(weights && { weights }), ...(certain && { certain }) }, photo.ids, new Set(this.channelOf.keys()), cells);
    return { cells, shares, fold: foldOf(photo.sha256, this.section.folds), weight: 1, tags: photo.ids.length };
  }

  /** New photos, each from two of the epoch's. A mix belongs to the fold of the photo it is pasted into, but its source may be of another: with folds both must agree. */
  private async mixes(epoch: number, chosen: readonly number[], photos: readonly PooledPhoto[], recursion: Recursion, kind: 'edgePredict' | 'classMix'): Promise<PooledPhoto[]> {
    const random = uniform(mixSeed(this.seed, 5, epoch));
    const order = shuffled(chosen.length, random);
    const made: PooledPhoto[] = [];
    for (let i = 0; i + 1 < order.length && made.length < recursion.mixes; i++) {
      this.data.signal.throwIfAborted();
      const [target, source] = [order[i], order.slice(i + 1).find(other => photos[other].fold === photos[order[i]].fold)];
      if (source === undefined) continue;
      const sides: MixSide[] = [];
      for (const place of [source, target]) sides.push(await this.side(chosen[place], photos[place], recursion));
      const mix = await mixed(sides[0], sides[1], kind, this.preset.views[0].longSide, random);
      if (!mix) continue;
      // Not kept in the cache: no two epochs mix alike, and the photos' own features would have to make room.
      const cells = await this.reader.read(await this.data.extract(mix.image), () => Promise.resolve(mix.image));
      const shares = cellShares({ labels: mix.labels }, mix.ids, new Set(this.channelOf.keys()), cells);
      made.push(withMaps({ cells, shares, fold: photos[target].fold, weight: recursion.weights.mixed, tags: mix.ids.length }, mix.maps));
    }
    this.data.log(`epoch ${epoch}: ${made.length} photos were mixed`);
    return made;
  }

  private async side(index: number, { maps, cells }: PooledPhoto, recursion: Recursion): Promise<MixSide> {
    const { photo } = await this.heldPhoto(index);
    const { ids } = photo;
    const image = await this.data.image(photo);
    const { probabilities } = await this.score(photo, cells, ids);
    const labels = await predictedLabels(probabilities, image, ids, recursion, this.preset);
    const certain = await this.data.certain(photo, labels.height, labels.width);
    const { height, width } = cells;
    return { image, ids, labels: decided(labels, certain), maps: { data: maps ?? new Float32Array(ids.length * height * width), channels: ids.length, height, width } };
  }

  private score(photo: TrainingPhoto, cells: CellVectors, ids: readonly number[], judgement = this.judgement): Promise<CellScores> {
    return this.scorerOfCells.scores(this.trainer.state.tensors, cells, ids, judgement, foldOf(photo.sha256, this.section.folds));
  }

  /** Offsets that keep the classes as large as the epoch's labels have them. */
  private async hold(): Promise<void> {
    const judged: JudgedPhoto[] = [];
    const free = { ...this.judgement, offsets: new Float32Array(this.judgement.offsets.length) };
    for (const { photo, cells } of this.held.values()) {
      judged.push({ probabilities: (await this.score(photo, cells, photo.ids, free)).probabilities, channels: this.channels(photo.ids) });
    }
    this.judgement = { ...this.judgement, offsets: heldAreas(judged, this.areas) };
  }

  private channels(ids: readonly number[]): number[] {
    return ids.map(id => this.channelOf.get(id) ?? 0);
  }
}

/** Where the first labels of an epoch come from. */
interface FirstLabels {
  round: number;
  /** Of rounds after the first: what the round before learnt. */
  teacher: PhotoScorer | undefined;
  complements: boolean;
}

/** With targets of the classifier's maps on its cells. @param targets at any size */
function withMaps(photo: PooledPhoto, targets: Maps | undefined): PooledPhoto {
  return targets ? { ...photo, maps: onCells(targets, photo.cells).data } : photo;
}

/** Cells of the largest photo that the first view gives: a square one. */
function placesOf({ model }: TrainingData, { views }: Preset, { grid, inputs }: DecoderPreset): number {
  const roles = new Set(inputs.layers.map(({ role }) => role));
  const strides = model.spec.outputs.filter(({ role }) => roles.has(role)).map(({ stride }) => stride);
  return (Math.ceil(views[0].longSide / Math.max(1, ...strides)) * grid) ** 2;
}

function sameNumbers(a: Float32Array, b: Float32Array): boolean {
  return a === b || (a.length === b.length && a.every((value, i) => value === b[i]));
}
