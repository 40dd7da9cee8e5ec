/**
 * Debiasing of a data set's masks (MARS) as a job does it: two passes over the photos, features from the cache or computed again, nothing but centroids in between.
 *
 *     pass 1     clusters of each mask; those of unchanged photos are taken from the last run
 *     between    distances, ranks, prototypes of the classes
 *     pass 2     each mask of ours: similarity, cut, evidence; a person's choices; the mask is written where it came out otherwise
 *
 * A cancel is heard before each photo. What pass 1 found is kept then, and photos that pass 2 has done are passed over by the next run, as long as nothing that decided
 * has changed. A photo that cannot be debiased keeps the mask it has.
 */
import { readFile } from 'node:fs/promises';
import type { ClassTable } from '../../dataset/classTable';
import { atomicWrite } from '../../dataset/atomicWrite';
import { applyChoices, Choices } from '../../dataset/choices';
import {
  centroidsFile, hasClusterGrid, readBefore, readMarsMade, readMarsState, readRegions, writeClassEvidence, writeClusterGrid, writeMars, writeMarsState, type RegionRecord,
} from '../../dataset/evidenceStore';
import { makeFolderFor } from '../../dataset/folder';
import { sha256 } from '../../dataset/hash';
import type { Manifest } from '../../dataset/manifest';
import { decodeMask, encodeMask } from '../../dataset/maskFile';
import { writeMask } from '../../dataset/maskStore';
import { maskFacts, recordFacts, regionFacts } from '../../dataset/photoFacts';
import { calibrate, calibrationPhotos, sampleCosines, type CosineSample } from '../../pipeline/mars/calibration';
import { decodeCentroids, encodeCentroids } from '../../pipeline/mars/centroidFile';
import { CentroidStore } from '../../pipeline/mars/centroidStore';
import { classesOf, clusterPhoto } from '../../pipeline/mars/clusters';
import { Backgrounds } from '../../pipeline/mars/distances';
import type { ClassDecisions, MarsSettings, PhotoClusters } from '../../pipeline/mars/marsTypes';
import { applyBudget, budgetPhotos, sampleScores, type ScoreSample } from '../../pipeline/mars/lossBudget';
import { decideClasses } from '../../pipeline/mars/prototypes';
import { CellFeatures } from '../../pipeline/mars/similarityMap';
import { SeedMaskError, describeError } from '../../shared/errors';
import { IGNORE, type LabelMap } from '../../shared/maps';
import { plural } from '../../shared/runTexts';
import type { DebiasSource } from './debiasSources';
import { debiasPhoto, type PhotoDecider } from './debiasPhoto';
import { DebiasTotals } from './debiasTotals';
import { MarsSpace } from './marsSpace';
import { assertHeld, isFatal, type Frame } from './recorded';
import type { Workshop } from './workshop';

export interface StageInput {
  root: string;
  /** Where evidence, layers and manifest lie. */
  home: string;
  sources: readonly DebiasSource[];
  /** Photos whose masks are to be rewritten; undefined: all that can be. */
  wanted: ReadonlySet<string> | undefined;
  table: ClassTable;
  manifest: Manifest;
  workshop: Workshop;
  frame: Frame;
  /** Masks were written since the last debiasing: what is known to be up to date is not. */
  stale: boolean;
  /** Told of each photo, where that is the run's main business. */
  tell?: { done(photo: string, outcome: 'written' | 'kept' | 'skipped'): Promise<void>; failed(photo: string, error: unknown): Promise<void> };
}

/** Centroids are kept on disk this often, in photos. */
const SAVE_EVERY = 2000;
/** Photos that could not be debiased are named one by one up to this many. */
const MOST_NAMED = 20;

/** @throws SeedMaskError 'disk-full', 'device-unavailable', 'locked', 'cancelled' */
export async function debiasStage(input: StageInput): Promise<void> {
  await new Stage(input).run();
}

class Stage {
  private readonly settings: MarsSettings;
  private readonly left = new Set<string>();
  private readonly started = performance.now();

  constructor(private readonly input: StageInput) {
    const { space: _, ...settings } = input.workshop.preset.mars;
    this.settings = settings;
  }

  async run(): Promise<void> {
    const { home, sources, workshop, frame } = this.input;
    const { removedAs } = workshop.settings;
    const choices = await Choices.read(home);
    const inputs = sha256(JSON.stringify([this.settings, MarsSpace.idOf(workshop), sources.map(({ photo, source, before, tags, hints, writes }) => [photo, source, before, tags, hints, writes !== undefined])]));
    const state = { inputs, choices: choices.hash(), removedAs };
    const known = await readMarsState(home);
    const writable = sources.filter(source => source.writes && (this.input.wanted?.has(source.photo) ?? true));
    if (!this.input.stale && known?.inputs === inputs && known.choices === state.choices && known.removedAs === removedAs) {
      for (const { photo } of writable) await this.input.tell?.done(photo, 'skipped');
      return;
    }
    await writeMarsState(home, undefined);

    const space = await MarsSpace.open(home, workshop, sources);
    try {
      await this.passes(space, writable, choices, state.choices === known?.choices && removedAs === known.removedAs);
    } finally {
      await Promise.allSettled([space.release()]);
    }
    if (this.left.size === 0 && writable.length === sources.filter(({ writes }) => writes).length) await writeMarsState(home, state);
    await frame.quarantine.leave();
  }

  private async passes(space: MarsSpace, writable: readonly DebiasSource[], choices: Choices, sameChoices: boolean): Promise<void> {
    const { workshop, frame } = this.input;
    const store = await this.firstPass(space);
    const decisions = await this.decisions(store, space);
    for (const line of this.report(decisions)) frame.recorder.note(line);
    const decider: PhotoDecider = { store, decisions, backgrounds: Backgrounds.of(store, this.settings.mostBackgroundPhotos), settings: this.settings, space, workshop, run: frame.recorder.id, version: workshop.version };
    const science = sha256(JSON.stringify([sha256(encodeCentroids(store)), space.key, this.settings, [...decisions].map(([id, { calibration }]) => [id, calibration])]));
    await this.secondPass(writable, decider, science, choices, sameChoices);
  }

  /** Clusters of all photos, those of unchanged ones from the last time. */
  private async firstPass(space: MarsSpace): Promise<CentroidStore> {
    const { home, sources, workshop } = this.input;
    const { progress, context } = workshop;
    const known = await readCentroids(home, space.dimensions);
    const store = known ?? new CentroidStore(space.dimensions);
    const present = new Set(sources.map(({ photo }) => photo));
    for (const photo of store.photos()) if (!present.has(photo)) store.delete(photo);
    let unsaved = 0;
    progress.begin('debias', sources.length, sources.length / 2);
    try {
      for (const source of sources) {
        context.signal.throwIfAborted();
        const key = sha256(JSON.stringify([space.key, source.source, source.before, source.tags, this.settings.kForeground, this.settings.kBackground]));
        const instant = store.get(source.photo)?.key === key && (await hasClusterGrid(home, source.photo));
        if (!instant) await this.attempt(source, store, () => this.cluster(source, key, space, store));
        if (!instant && ++unsaved % SAVE_EVERY === 0) await saveCentroids(home, store);
        progress.step(instant);
      }
    } finally {
      await saveCentroids(home, store);
    }
    return store;
  }

  private async cluster(source: DebiasSource, key: string, space: MarsSpace, store: CentroidStore): Promise<void> {
    const mask = await source.read();
    const features = await space.features(source.photo, source.source);
    const found = clusterPhoto(features, mask, this.settings);
    await writeClusterGrid(this.input.home, source.photo, gridOf(found));
    store.set(source.photo, { key, tags: classesOf(mask, source.tags) }, found.clusters);
  }

  private async decisions(store: CentroidStore, space: MarsSpace): Promise<ClassDecisions> {
    const decided = decideClasses(store, this.settings);
    const { rule, margin } = this.settings;
    const byBudget = rule === 'margin' && margin.cut === null;
    if (rule !== 'percentile' && !byBudget) return decided;
    const byName = new Map(this.input.sources.map(source => [source.photo, source]));
    const cosines: CosineSample = new Map();
    const scores: ScoreSample = new Map();
    for (const photo of byBudget ? budgetPhotos(decided) : calibrationPhotos(decided)) {
      this.input.workshop.context.signal.throwIfAborted();
      const source = byName.get(photo);
      if (source) await this.attempt(source, undefined, async () => {
          const [features, mask] = [await space.features(photo, source.source), await source.read()];
          if (byBudget) sampleScores(scores, photo, new CellFeatures(features), mask, classesOf(mask, source.tags), decided, this.settings);
          else sampleCosines(cosines, photo, features, mask, store, decided);
        });
    }
    return byBudget ? applyBudget(decided, scores, this.settings) : calibrate(decided, cosines, this.settings.percentile);
  }

  private async secondPass(writable: readonly DebiasSource[], decider: PhotoDecider, science: string, choices: Choices, sameChoices: boolean): Promise<void> {
    const { home, workshop, frame, table } = this.input;
    const { progress, context } = workshop;
    const totals = new DebiasTotals(decider, table);
    progress.begin('debias', writable.length);
    for (const source of writable) {
      context.signal.throwIfAborted();
      await assertHeld(frame.lock);
      let instant = false;
      if (!this.left.has(source.photo)) {
        await this.attempt(source, undefined, async () => {
          const own = sha256(JSON.stringify([science, source.source, source.before, source.tags, source.hints]));
          const done = await readMarsMade(home, source.photo);
          instant = done?.science === own && done.before === source.before;
          const regions = instant ? await readRegions(home, source.photo) : await this.decidePhoto(source, own, decider);
          const entry = this.input.manifest.get(source.photo);
          const settled = instant && sameChoices && (entry?.before === source.before || regions.length === 0);
          const mask = await source.read();
          const outcome = settled ? 'skipped' : await this.write(source, mask, regions, choices);
          totals.add(mask, regions, choices, outcome === 'written');
          await this.input.tell?.done(source.photo, outcome);
        });
      }
      progress.step(instant);
    }
    await this.addOthers(totals, new Set(writable.map(({ photo }) => photo)), choices);
    const classes = totals.classes();
    await writeClassEvidence(home, classes);
    frame.recorder.set({ debias: { ...totals.summary(classes), seconds: (performance.now() - this.started) / 1000 } });
    if (this.left.size > 0) frame.recorder.note(`${plural(this.left.size, 'photo')} not debiased: ${[...this.left].slice(0, MOST_NAMED).join(', ')}${this.left.size > MOST_NAMED ? ', …' : ''}`);
  }

  private async decidePhoto(source: DebiasSource, science: string, decider: PhotoDecider): Promise<RegionRecord[]> {
    const before = await source.bytes();
    if (sha256(before) !== source.before) throw new SeedMaskError('changed-during-run', 'its mask changed while it was debiased', source.photo);
    const { removed, similarity, regions } = await debiasPhoto(source, await source.read(), decider);
    await writeMars(this.input.home, source.photo, { science, before, removed, similarity, regions });
    return regions;
  }

  private async write(source: DebiasSource, mask: LabelMap, regions: readonly RegionRecord[], choices: Choices): Promise<'written' | 'kept' | 'skipped'> {
    const { root, home, manifest, workshop, frame } = this.input;
    const { writes } = source;
    const before = await readBefore(home, source.photo, source.before);
    if (!writes || !before) return 'skipped';
    const bytes = debiasedBytes(before, regions, choices, workshop.settings.removedAs);
    const made = { device: workshop.progress.device || 'none', run: frame.recorder.id, before: source.before };
    const outcome = await writeMask({ root, photo: source.photo, mask: writes.mask }, bytes, manifest, writes.making, made);
    const written = outcome === 'written' ? await maskFacts(root, writes.mask, bytes, decodeMask(bytes).labels, mask) : {};
    await recordFacts(home, source.photo, { ...written, ...regionFacts(regions) });
    return outcome;
  }

  /** Photos that this run was not asked for count in the summaries of classes as they were left. */
  private async addOthers(totals: DebiasTotals, done: ReadonlySet<string>, choices: Choices): Promise<void> {
    for (const { photo, writes, read } of this.input.sources) {
      if (!writes || done.has(photo)) continue;
      const made = await readMarsMade(this.input.home, photo);
      if (made) totals.add(await read(), await readRegions(this.input.home, photo), choices, false);
    }
  }

  /** What goes wrong with one photo is told, and its mask stays. */
  private async attempt(source: DebiasSource, store: CentroidStore | undefined, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.input.workshop.context.signal.throwIfAborted();
      if (isFatal(error)) throw error;
      store?.delete(source.photo);
      this.left.add(source.photo);
      const { recorder } = this.input.frame;
      if (!(error instanceof SeedMaskError)) throw error;
      if (this.input.tell) await this.input.tell.failed(source.photo, error);
      else recorder.log('warn', `${source.photo} is not debiased: ${describeError(error)}`);
    }
  }

  private *report(decisions: ClassDecisions): Generator<string> {
    if (decisions.size === 0) yield 'MARS: no mask has pixels of a class; nothing to debias';
    const masked = new Set(decisions.keys());
    const tagged = new Set(this.input.sources.flatMap(({ tags }) => tags));
    for (const id of tagged) {
      if (!masked.has(id) && decisions.size > 0) yield `MARS: class '${this.input.table.nameOf(id) ?? id}' is in no mask, so it has no prototype`;
    }
  }
}

/** The mask file that comes out. Where nothing is removed: the very bytes of the mask before. */
export function debiasedBytes(before: Uint8Array, regions: readonly RegionRecord[], choices: Choices, removedAs: Parameters<typeof applyChoices>[3]): Uint8Array {
  if (regions.every(region => choices.of(region) === 'restored')) return before;
  return encodeMask(applyChoices(decodeMask(before).labels, regions, choices, removedAs));
}

function gridOf({ height, width, assignment, clusters }: PhotoClusters): { height: number; width: number; first: Uint8Array; second: Uint8Array } {
  return {
    height,
    width,
    first: Uint8Array.from(assignment, index => clusters[index]?.classId ?? IGNORE),
    second: Uint8Array.from(assignment, index => clusters[index]?.cluster ?? IGNORE),
  };
}

/** The centroids of the last run, if they are of these features. */
async function readCentroids(home: string, dimensions: number): Promise<CentroidStore | undefined> {
  const file = centroidsFile(home);
  const bytes = await readFile(file).catch(() => undefined);
  if (!bytes) return undefined;
  try {
    const store = decodeCentroids(bytes, file);
    return store.dimensions === dimensions ? store : undefined;
  } catch (error) {
    if (error instanceof SeedMaskError) return undefined;
    throw error;
  }
}

async function saveCentroids(home: string, store: CentroidStore): Promise<void> {
  const file = centroidsFile(home);
  await makeFolderFor(file);
  await atomicWrite(file, encodeCentroids(store));
}
