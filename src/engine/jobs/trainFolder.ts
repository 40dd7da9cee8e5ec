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
import type { ExportedNetwork } from '../../../models/exportNetwork';
import { atomicWrite } from '../../dataset/atomicWrite';
import { makeFolderFor } from '../../dataset/folder';
import type { Manifest } from '../../dataset/manifest';
import { listRuns, runPath } from '../../dataset/runs';
import { MODEL_FILE, writeTrainedModel, type TrainedRecord } from '../../dataset/trained';
import { Scg } from '../../pipeline/scg';
import { describeError, SeedMaskError } from '../../shared/errors';
import { lossText, plural } from '../../shared/runTexts';
import { usesCrf } from '../../shared/settings';
import type { TrainingLine } from '../../shared/training';
import type { OnnxHost } from '../session';
import { CheckpointStore, sameForm, type Checkpoint } from '../training/checkpoint';
import { exportTrained } from '../training/exportTrained';
import { MetricsFile } from '../training/metricsFile';
import { Samples } from '../training/samples';
import { Seeds } from '../training/seeds';
import { plannedStages, type LearntStage, type PlannedStage } from '../training/stages';
import { hashOf, saveTrained, trainingKey } from '../training/trainedNetworks';
import { trainingData } from '../training/trainingData';
import { runStage } from '../training/trainingLoop';
import type { ChainPart, TrainingData, TrainingPhoto, TrainingStage } from '../training/trainingStage';
import type { DataSet } from './dataSet';
import { ownSources, type DebiasSource } from './debiasSources';
import type { FolderLearning } from './folderLearning';
import { maskKeys } from './maskKey';
import type { Maker } from './photoMaker';
import { classCounts, debiases } from './plan';
import { assertHeld, isFatal, type Frame } from './recorded';
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
  const { sources, failed } = await learning.features(dataSet.tags.size);
  for (const [photo, error] of failed) frame.recorder.log('warn', `${photo} is not learnt from: ${describeError(error)}`);
  if (failed.size > 0) frame.recorder.note(`${plural(failed.size, 'photo')} could not be read and taught nothing: the log names them`);
  const learnt = await learning.learnt(dataSet.tags.size);
  const { device, extractor } = await workshop.open();
  frame.recorder.set({ device: device.report.label, photos: sources.size, untagged: dataSet.untagged.length });
  const persons = await personMasks(dataSet, input.manifest, sources, message => frame.recorder.log('info', message));
  if (persons.size > 0 && !input.goesOn) frame.recorder.note(`${plural(persons.size, 'mask')} that you made, changed or accepted ${persons.size === 1 ? 'teaches' : 'teach'} too`);
  const scg = new Scg(device.host, preset.scg);
  const training = new Training(
    input,
    { extractor, learnt, scg, preset, crf: usesCrf(settings), device: device.report.label, signal: workshop.context.signal },
    device.host,
    photosOf(dataSet, sources),
    persons,
  );
  try {
    return await training.run();
  } finally {
    await training.release();
    await Promise.allSettled([scg.release()]);
  }
}

/** What a stage learns from: first labels of the chain as it is by then. */
interface Lessons {
  seeds: Seeds;
  data: TrainingData;
  samples: Samples;
}

class Training {
  private readonly planned: readonly PlannedStage[];
  private readonly store: CheckpointStore;
  private readonly metrics: MetricsFile;
  /** Parts of the frozen chain that were learnt. */
  private readonly chain: ChainPart[] = [];
  private lessons: Lessons | undefined;
  /** Of training, before this process's part; and when this part began. */
  private before = 0;
  private readonly began = performance.now();
  private lastLoss: number | undefined;

  constructor(
    private readonly input: TrainInput,
    private readonly maker: Maker,
    private readonly host: OnnxHost,
    private readonly photos: readonly TrainingPhoto[],
    private readonly persons: ReadonlyMap<string, DebiasSource>,
  ) {
    const { dataSet: { root }, frame: { recorder }, workshop } = input;
    this.planned = plannedStages(workshop.preset);
    this.store = new CheckpointStore(runPath(root, recorder.id, 'checkpoints'));
    this.metrics = new MetricsFile(runPath(root, recorder.id, 'metrics.jsonl'));
  }

  async run(): Promise<TrainedRecord> {
    const { dataSet, workshop, frame: { recorder } } = this.input;
    const { preset, models } = workshop;
    const classes = classesOf(dataSet);
    const key = trainingKey(preset, classes, models);
    const finished = await this.start(key);
    const from = await this.store.newest(finished.length);
    this.before = from?.seconds ?? (await this.metrics.read()).findLast(line => line.type === 'metrics')?.seconds ?? 0;
    let lessons = await this.learnFrom('seeds', []);
    for (const [index, planned] of this.planned.entries()) {
      if (index >= finished.length) finished.push({ name: planned.name, state: await this.stage(index, planned, finished, from?.position.stage === index ? from : undefined, lessons) });
      const learnt = finished.slice(0, index + 1);
      const part = await planned.chain?.(lessons.data, learnt);
      if (!part) continue;
      this.chain.push(part);
      if (index + 1 < this.planned.length) lessons = await this.learnFrom(`seeds-${planned.name}`, learnt);
    }
    const record = await saveTrained(dataSet.root, {
      key, run: recorder.id, time: new Date().toISOString(), preset: { ...preset }, classes: [...classes], photos: lessons.data.photos.length, device: this.maker.device,
      models: { backbone: models.backbone.sha256, saliency: models.saliency?.sha256 ?? null },
    }, finished);
    const home = await this.takeHome(record, finished, lessons.data);
    await this.store.removeAll();
    return home;
  }

  /** The network as one file for other programs. That this network cannot be one is no failure of the training. */
  private async takeHome(record: TrainedRecord, stages: readonly LearntStage[], data: TrainingData): Promise<TrainedRecord> {
    const { dataSet: { root }, frame: { recorder }, workshop: { preset } } = this.input;
    let exported: ExportedNetwork | undefined;
    try {
      exported = await exportTrained(preset, data, stages, `SeedMask, preset ${preset.name}, ${plural(record.photos, 'photo')}`);
    } catch (error) {
      data.signal.throwIfAborted();
      if (!(error instanceof SeedMaskError) || isFatal(error)) throw error;
      recorder.note(`the network cannot be taken home as one file: ${error.message}`);
    }
    if (!exported) return record;
    const written = await writeTrainedModel(root, record, exported.model);
    const size = exported.size ? `; it takes photos of ${exported.size.width} x ${exported.size.height} alone` : '';
    recorder.note(`the network by itself, for other programs: .seedmask/trained/${MODEL_FILE} (docs/training.md)${size}`);
    return written;
  }

  async release(): Promise<void> {
    await Promise.allSettled([this.lessons?.seeds.close(), ...this.chain.map(part => part.release())]);
  }

  /** First labels of the chain with the parts that were learnt by now. @throws SeedMaskError 'nothing-to-learn' */
  private async learnFrom(name: string, learnt: readonly LearntStage[]): Promise<Lessons> {
    const { dataSet, workshop, frame } = this.input;
    const { root, table } = dataSet;
    const { settings, preset, models } = workshop;
    await this.lessons?.seeds.close();
    this.lessons = undefined;
    const maker = { ...this.maker, chain: [...this.chain] };
    const key = maskKeys(models, settings, preset, table, learnt.length > 0 ? hashOf(learnt) : undefined);
    const { persons, host } = this;
    const seeds = await Seeds.make({ root, name, photos: this.photos, table, persons, key, maker, workshop, frame, debiases: debiases(dataSet, settings) });
    const data = trainingData({ workshop, host, maker, seeds, classes: classesOf(dataSet), persons, log: message => frame.recorder.log('info', message) });
    const samples = new Samples(runPath(root, frame.recorder.id), data, maker, workshop, preset.training?.samples ?? 0, sample => this.tell({ type: 'sample', ...sample }));
    this.lessons = { seeds, data, samples };
    if (!data.photos.some(({ ids }) => ids.length > 0)) throw new SeedMaskError('nothing-to-learn', 'no photo with tags has first labels');
    frame.recorder.set({ photos: data.photos.length });
    return this.lessons;
  }

  /** What earlier attempts have finished; nothing where this is a new training. */
  private async start(key: string): Promise<LearntStage[]> {
    const { dataSet: { root }, frame: { recorder }, goesOn } = this.input;
    const mark = goesOn ? await trainingMark(root, recorder.id) : undefined;
    if (mark === key) {
      const finished = await this.store.finished();
      if (finished.every(({ name }, i) => name === this.planned[i]?.name)) return finished;
    }
    // Without a mark it was stopped before it had learnt anything.
    if (mark !== undefined) recorder.note('the training begins again: classes, models or the preset are not what they were');
    // Only the newest training can go on.
    for (const { summary: { id, job } } of await listRuns(root)) if (job === 'train') await new CheckpointStore(runPath(root, id, 'checkpoints')).removeAll();
    await this.metrics.clear();
    await makeFolderFor(runPath(root, recorder.id, 'preset.json'));
    await atomicWrite(runPath(root, recorder.id, 'preset.json'), `${JSON.stringify(this.input.workshop.preset, undefined, 1)}\n`);
    await atomicWrite(runPath(root, recorder.id, 'training.json'), `${JSON.stringify({ key } satisfies v.InferInput<typeof markSchema>)}\n`);
    return [];
  }

  private async stage(index: number, planned: PlannedStage, finished: readonly LearntStage[], checkpoint: Checkpoint | undefined, { data, seeds, samples }: Lessons): Promise<LearntStage['state']> {
    const { workshop: { progress, preset, context: { signal } }, frame: { recorder, lock } } = this.input;
    progress.begin('train', 0);
    const stage = await planned.open(data, finished);
    try {
      const from = checkpoint && sameForm(checkpoint.state, stage.state) ? checkpoint : undefined;
      await this.tellStart(stage, index, checkpoint, from);
      if (!from && index === 0) await samples.first(stage.name);
      const state = await runStage(stage, {
        index, store: this.store, ...(from && { from }), checkpointEvery: preset.training?.checkpointEvery ?? 1, data: seeds.hash, progress, signal,
        seconds: () => this.before + (performance.now() - this.began) / 1000,
        assertHeld: () => assertHeld(lock),
        onMetrics: metrics => this.tell({ type: 'metrics', ...metrics }),
        onEpoch: async epoch => {
          const own = await planned.chain?.(data, [...finished, { name: planned.name, state: stage.state }]);
          try {
            await samples.after(stage, epoch, own);
          } finally {
            await own?.release();
          }
        },
      });
      recorder.note(`${planned.name}: ${plural(stage.epochs * stage.stepsPerEpoch, 'step')} of training${this.lastLoss === undefined ? '' : `, loss ${lossText(this.lastLoss)}`}`);
      return state;
    } finally {
      await Promise.allSettled([stage.release()]);
    }
  }

  private async tellStart(stage: TrainingStage, index: number, found: Checkpoint | undefined, from: Checkpoint | undefined): Promise<void> {
    const { recorder } = this.input.frame;
    if (found && !from) recorder.note(`stage '${stage.name}' begins again: its network is not what it was`);
    if (from && from.data !== this.lessons?.seeds.hash) recorder.note('photos, tags or masks changed since the training stopped: it goes on with them as they are');
    if (from) recorder.log('info', `stage '${stage.name}' goes on at epoch ${from.position.epoch}, step ${from.position.step + 1}`);
    await this.metrics.backTo(from?.position ?? { stage: index, name: stage.name, epoch: 0, step: 0 }, from ? (from.position.epoch - 1) * stage.stepsPerEpoch + from.position.step : 0);
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
