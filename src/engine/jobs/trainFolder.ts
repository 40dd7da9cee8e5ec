/**
 * A training of a folder, within a run that holds its lock: first labels, then the preset's stages one after another from where an earlier attempt stopped, then the result
 * where `generate` finds it. What the run's folder holds of it:
 *
 *     preset.json       all numbers, as they were
 *     training.json     which training it is: one that goes on must be the same
 *     metrics.jsonl     curves and samples (metricsFile.ts)
 *     samples/          pictures of them
 *     checkpoints/      while it goes on (checkpoint.ts)
 */
import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import type { Preset } from '../../../models/presets';
import { atomicWrite } from '../../dataset/atomicWrite';
import { makeFolderFor } from '../../dataset/folder';
import type { Manifest } from '../../dataset/manifest';
import { listRuns, runPath } from '../../dataset/runs';
import type { TrainedRecord } from '../../dataset/trained';
import { Scg } from '../../pipeline/scg';
import { describeError, SeedMaskError } from '../../shared/errors';
import { lossText, plural } from '../../shared/runTexts';
import { usesCrf } from '../../shared/settings';
import type { TrainingLine } from '../../shared/training';
import { CheckpointStore, sameForm, type Checkpoint } from '../training/checkpoint';
import { MetricsFile } from '../training/metricsFile';
import { Samples } from '../training/samples';
import { Seeds } from '../training/seeds';
import { plannedStages, type LearntStage, type PlannedStage } from '../training/stages';
import { saveTrained, trainingKey } from '../training/trainedNetworks';
import { trainingData } from '../training/trainingData';
import { runStage } from '../training/trainingLoop';
import type { TrainingData, TrainingPhoto, TrainingStage } from '../training/trainingStage';
import type { DataSet } from './dataSet';
import { ownSources, type DebiasSource } from './debiasSources';
import type { FolderLearning } from './folderLearning';
import { maskKeys } from './maskKey';
import type { Maker } from './photoMaker';
import { classCounts, debiases } from './plan';
import { assertHeld, type Frame } from './recorded';
import type { Workshop } from './workshop';

export interface TrainInput {
  dataSet: DataSet;
  workshop: Workshop;
  learning: FolderLearning;
  /** Of the folder's masks. */
  manifest: Manifest;
  /** With the recorder of the training. */
  frame: Frame;
  /** An earlier attempt left checkpoints in the run's folder. */
  goesOn: boolean;
}

const markSchema = v.object({ key: v.string() });

/** Classes of the folder's photos, as networks have them. */
export function classesOf(dataSet: DataSet): TrainingData['classes'] {
  return classCounts(dataSet).map(({ id, name }) => ({ id, name }));
}

/** @throws SeedMaskError 'nothing-to-learn', 'numeric', 'disk-full', 'device-unavailable', 'locked', 'out-of-memory', 'cancelled' */
export async function trainFolder(input: TrainInput): Promise<TrainedRecord> {
  const { dataSet, workshop, learning, frame } = input;
  const { settings, preset } = workshop;
  const planned = plannedStages(preset);
  const features = await learning.features(dataSet.tags.size);
  const learnt = await learning.learnt(dataSet.tags.size);
  const { device, extractor } = await workshop.open();
  frame.recorder.set({ device: device.report.label });
  const scg = new Scg(device.host, preset.scg);
  let seeds: Seeds | undefined;
  try {
    const maker: Maker = { extractor, learnt, scg, preset, crf: usesCrf(settings), device: device.report.label, signal: workshop.context.signal };
    const log = (message: string): void => frame.recorder.log('info', message);
    const persons = await personMasks(dataSet, input.manifest, features.sources, log);
    seeds = await Seeds.make({
      root: dataSet.root, photos: photosOf(dataSet, features.sources), table: dataSet.table, persons, key: maskKeys(workshop.models, settings, preset, dataSet.table), maker, workshop, frame,
      debiases: debiases(dataSet, settings),
    });
    const data = trainingData({ workshop, host: device.host, maker, seeds, classes: classesOf(dataSet), persons, log });
    frame.recorder.set({ photos: data.photos.length, untagged: dataSet.untagged.length });
    if (!data.photos.some(({ ids }) => ids.length > 0)) throw new SeedMaskError('nothing-to-learn', 'no photo with tags has first labels');
    return await new Training(input, planned, data, maker, seeds.hash).run();
  } finally {
    await seeds?.close();
    await Promise.allSettled([scg.release()]);
  }
}

class Training {
  private readonly folder: string;
  private readonly store: CheckpointStore;
  private readonly metrics: MetricsFile;
  private readonly samples: Samples;
  private readonly preset: Preset;
  /** Of training, before this process's part; and when this part began. */
  private before = 0;
  private readonly began = performance.now();
  private lastLoss: number | undefined;

  constructor(
    private readonly input: TrainInput,
    private readonly planned: readonly PlannedStage[],
    private readonly data: TrainingData,
    private readonly maker: Maker,
    private readonly dataHash: string,
  ) {
    const { dataSet: { root }, frame: { recorder }, workshop } = input;
    this.preset = workshop.preset;
    this.folder = runPath(root, recorder.id);
    this.store = new CheckpointStore(runPath(root, recorder.id, 'checkpoints'));
    this.metrics = new MetricsFile(runPath(root, recorder.id, 'metrics.jsonl'));
    this.samples = new Samples(this.folder, data, maker, workshop, this.preset.training?.samples ?? 0, sample => this.tell({ type: 'sample', ...sample }));
  }

  async run(): Promise<TrainedRecord> {
    const { dataSet: { root }, workshop, frame: { recorder } } = this.input;
    const key = trainingKey(this.preset, this.data.classes, workshop.models);
    const finished = await this.start(key);
    const from = await this.store.newest(finished.length);
    this.before = from?.seconds ?? (await this.metrics.read()).findLast(line => line.type === 'metrics')?.seconds ?? 0;
    for (const [index, planned] of this.planned.entries()) {
      if (index < finished.length) continue;
      const state = await this.stage(index, planned, finished, from?.position.stage === index ? from : undefined);
      finished.push({ name: planned.name, state });
    }
    const record = await saveTrained(root, {
      key, run: recorder.id, time: new Date().toISOString(), preset: { ...this.preset }, classes: [...this.data.classes], photos: this.data.photos.length, device: this.maker.device,
      models: { backbone: workshop.models.backbone.sha256, saliency: workshop.models.saliency?.sha256 ?? null },
    }, finished);
    await this.store.removeAll();
    return record;
  }

  /** What earlier attempts have finished; nothing where this is a new training. */
  private async start(key: string): Promise<LearntStage[]> {
    const { dataSet: { root }, frame: { recorder }, goesOn } = this.input;
    const mark = goesOn ? await trainingMark(root, recorder.id) : undefined;
    if (mark === key) {
      const finished = await this.store.finished();
      if (finished.every(({ name }, i) => name === this.planned[i]?.name)) return finished;
    }
    if (goesOn) recorder.note('the training begins again: classes, models or the preset are not what they were');
    // Only the newest training can go on.
    for (const { summary: { id, job } } of await listRuns(root)) if (job === 'train') await new CheckpointStore(runPath(root, id, 'checkpoints')).removeAll();
    await this.metrics.clear();
    await makeFolderFor(runPath(root, recorder.id, 'preset.json'));
    await atomicWrite(runPath(root, recorder.id, 'preset.json'), `${JSON.stringify(this.preset, undefined, 1)}\n`);
    await atomicWrite(runPath(root, recorder.id, 'training.json'), `${JSON.stringify({ key } satisfies v.InferInput<typeof markSchema>)}\n`);
    return [];
  }

  private async stage(index: number, planned: PlannedStage, finished: readonly LearntStage[], checkpoint: Checkpoint | undefined): Promise<LearntStage['state']> {
    const { workshop: { progress, context: { signal } }, frame: { recorder, lock } } = this.input;
    const stage = await planned.open(this.data, finished);
    try {
      const from = checkpoint && sameForm(checkpoint.state, stage.state) ? checkpoint : undefined;
      await this.tellStart(stage, index, checkpoint, from);
      const state = await runStage(stage, {
        index, store: this.store, ...(from && { from }), checkpointEvery: this.preset.training?.checkpointEvery ?? 1, data: this.dataHash, progress, signal,
        seconds: () => this.before + (performance.now() - this.began) / 1000,
        assertHeld: () => assertHeld(lock),
        onMetrics: metrics => this.tell({ type: 'metrics', ...metrics }),
        onEpoch: epoch => this.samples.after(stage, epoch),
      });
      recorder.note(`${planned.name}: ${plural(state.steps, 'step')} of training${this.lastLoss === undefined ? '' : `, loss ${lossText(this.lastLoss)}`}`);
      return state;
    } finally {
      await Promise.allSettled([stage.release()]);
    }
  }

  private async tellStart(stage: TrainingStage, index: number, found: Checkpoint | undefined, from: Checkpoint | undefined): Promise<void> {
    const { recorder } = this.input.frame;
    if (found && !from) recorder.note(`stage '${stage.name}' begins again: its network is not what it was`);
    if (from && from.data !== this.dataHash) recorder.note('photos, tags or masks changed since the training stopped: it goes on with them as they are');
    if (from) recorder.log('info', `stage '${stage.name}' goes on at epoch ${from.position.epoch}, step ${from.position.step + 1}`);
    await this.metrics.backTo(from?.position ?? { stage: index, name: stage.name, epoch: 0, step: 0 }, from ? (from.position.epoch - 1) * stage.stepsPerEpoch + from.position.step : 0);
    if (!from && index === 0) await this.samples.first(stage.name);
  }

  /** On disk first: a page that is told may read it there. */
  private async tell(line: TrainingLine): Promise<void> {
    const { workshop: { context }, frame: { recorder } } = this.input;
    await this.metrics.add(line);
    if (line.type === 'metrics') {
      const { type, ...metrics } = line;
      this.lastLoss = metrics.losses['total'];
      context.emit({ type, run: recorder.id, metrics });
    } else {
      const { type, ...sample } = line;
      context.emit({ type, run: recorder.id, sample });
    }
  }
}

/** The masks that a person made or accepted, of photos that have any. */
async function personMasks(dataSet: DataSet, manifest: Manifest, sources: ReadonlyMap<string, string>, log: (message: string) => void): Promise<Map<string, DebiasSource>> {
  const masks = new Map<string, DebiasSource>();
  for await (const source of ownSources(dataSet, manifest, sources)) {
    if (source.writes) continue;
    try {
      await source.read();
      masks.set(source.photo, source);
    } catch (error) {
      if (!(error instanceof SeedMaskError)) throw error;
      log(`${source.photo}: its mask teaches nothing: ${describeError(error)}`);
    }
  }
  return masks;
}

function photosOf({ tags, table, hints }: DataSet, sources: ReadonlyMap<string, string>): TrainingPhoto[] {
  return [...sources].map(([photo, sha256]) => {
    const names = tags.get(photo) ?? [];
    const own = hints.get(photo);
    return { photo, sha256, tags: names, ids: names.flatMap(name => table.idOf(name) ?? []), ...(own && { hints: own }) };
  });
}

/** Which training a run is (`trainingKey`); nothing if it is none, or came not so far. */
export async function trainingMark(root: string, run: string): Promise<string | undefined> {
  try {
    return v.parse(markSchema, JSON.parse(await readFile(runPath(root, run, 'training.json'), 'utf8'))).key;
  } catch {
    return undefined;
  }
}
