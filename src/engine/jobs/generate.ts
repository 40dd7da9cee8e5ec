/**
 * The main job: a folder of tagged photos in, one mask PNG per photo out. Where the preset trains and nothing that was trained fits, that comes first. What is up to date or
 * a person's is found then; the features of all tagged photos are extracted and the heads learnt; the masks come next, one photo after the other; last, what is biased is removed (debiasStage.ts). Nothing but the pooled
 * features (11 kB a photo) and centroids grows with the folder.
 *
 * Every photo ends as written, kept, skipped or failed with a reason. A full disk ends the run (it can be resumed); anything else that goes wrong with one
 * photo is that photo's failure.
 */
import { join } from 'node:path';
import type { Preset } from '../../../models/presets';
import { mergeClassTable } from '../../dataset/classTable';
import { removeLeftovers } from '../../dataset/folder';
import { sha256OfFile } from '../../dataset/hash';
import { Manifest } from '../../dataset/manifest';
import { decideMask } from '../../dataset/maskStore';
import { tidyFacts } from '../../dataset/photoFacts';
import { lastUnfinished, lastUnfinishedTraining } from '../../dataset/runs';
import type { TrainedRecord } from '../../dataset/trained';
import { inTurn } from '../../dataset/turn';
import { Scg } from '../../pipeline/scg';
import { describeError } from '../../shared/errors';
import type { Params, RunSummary } from '../../shared/protocol';
import { usesCrf, type RunSettings } from '../../shared/settings';
import type { JobContext } from '../context';
import type { Engine } from '../engine';
import { loadRunModels } from '../photoFeatures';
import { Progress } from '../progress';
import { plannedStages } from '../training/stages';
import { fittingTraining, loadTrained, openTrained, trainingKey, type TrainedNetworks } from '../training/trainedNetworks';
import type { ScoringData } from '../training/trainingStage';
import { openDataSet, type DataSet } from './dataSet';
import { ownSources, type DebiasSource } from './debiasSources';
import { debiasStage } from './debiasStage';
import { lacksBefore, undoDebias } from './debiasUndo';
import { FolderLearning, type FolderFeatures } from './folderLearning';
import { maskKeys } from './maskKey';
import { MaskWriter, type MaskKey, type MaskTask, type WriterBase } from './maskWriter';
import { debiases } from './plan';
import { assertHeld, isFatal, presetOf, recorded, type Frame } from './recorded';
import { RunRecorder } from './recorder';
import { classesOf, trainFolder, trainingMark } from './trainFolder';
import { Workshop } from './workshop';

export async function generate(params: Params<'generate'>, context: JobContext, engine: Engine): Promise<RunSummary> {
  const { root } = params;
  const unfinished = params.resume ? await lastUnfinished(root) : undefined;
  const settings = unfinished?.settings ?? params.settings;
  const only = unfinished ? unfinished.photos : params.photos;
  const preset = await presetOf(settings);
  return recorded({ root, settings, ...(only && { only }), crashed: params.crashed ?? false }, context, frame => new Generation(root, settings, preset, context, engine, frame).run(only));
}

class Generation {
  private readonly progress: Progress;

  constructor(
    private readonly root: string,
    private readonly settings: RunSettings,
    private readonly preset: Preset,
    private readonly context: JobContext,
    private readonly engine: Engine,
    private readonly frame: Frame,
  ) {
    this.progress = new Progress(event => context.emit(event));
  }

  async run(only: readonly string[] | undefined): Promise<void> {
    const { settings } = this;
    const { recorder } = this.frame;
    this.progress.begin('scan', 0);
    const dataSet = await openDataSet(this.root, settings, only, this.context.signal);
    recorder.set({ photos: dataSet.wanted.length, untagged: dataSet.untagged.length });
    for (const note of dataSet.notes) recorder.note(note);
    for (const failure of dataSet.refused) await recorder.refuse(failure);
    if (dataSet.wanted.length === 0) {
      if (dataSet.untagged.length > 0) recorder.note(`${only ? 'none of these photos' : 'no photo of this folder'} has tags`);
      return;
    }
    await inTurn(this.root, () => mergeClassTable(this.root, dataSet.table));
    await removeLeftovers(this.root, dataSet.wanted);
    await tidyFacts(this.root);

    const weights = this.engine.weightsFolder;
    const models = await loadRunModels(weights, settings.backbone, settings.saliency, debiases(dataSet, settings) ? settings.marsFeatures : undefined);
    const workshop = new Workshop(this.root, settings, this.preset, models, this.context, recorder, this.progress, this.frame.quarantine, this.engine);
    const manifest = await Manifest.open(this.root);
    try {
      const sources = new Map<string, string>();
      const learning = new FolderLearning(dataSet, workshop, this.engine, sources);
      const trained = await this.trained(dataSet, workshop, learning, manifest);
      const key = maskKeys(models, settings, this.preset, dataSet.table, trained?.parameters.sha256);
      const tasks = await this.tasks(dataSet, manifest, key, sources);
      const base: WriterBase = {
        root: this.root, outputs: dataSet.outputs, table: dataSet.table, hints: dataSet.hints, manifest, key, run: recorder.id,
        readOptions: photo => workshop.readOptions(photo), warn: message => recorder.log('warn', message),
      };
      if (tasks.some(({ tags }) => tags.length > 0)) await this.withModels(workshop, base, tasks, learning, trained);
      else if (tasks.length > 0) await this.writeAll(new MaskWriter(base, undefined), tasks);
      await this.debias(dataSet, workshop, manifest, sources, only !== undefined, tasks.length > 0);
    } finally {
      await manifest.close();
      await workshop.release();
    }
  }

  /** What was trained with this preset, if it trains anything; where nothing fits, it is trained first. */
  private async trained(dataSet: DataSet, workshop: Workshop, learning: FolderLearning, manifest: Manifest): Promise<TrainedRecord | undefined> {
    const { root, settings, frame } = this;
    const { recorder, lock, quarantine } = frame;
    const classes = classesOf(dataSet);
    if (plannedStages(this.preset).length === 0 || classes.length === 0) return undefined;
    const key = trainingKey(this.preset, classes, workshop.models);
    const fitting = await fittingTraining(root, key);
    if (fitting) return fitting;
    const left = await lastUnfinishedTraining(root);
    const goesOn = left !== undefined && (await trainingMark(root, left.summary.id)) === key;
    recorder.note(`nothing that was trained here fits this run${goesOn ? ': an earlier training goes on first' : ': the run trains first'}`);
    const training = await RunRecorder.start({ root, settings, job: 'train', lock: lock.token, ...(goesOn && { goesOn: left.summary }) }, this.context);
    try {
      const record = await trainFolder({ dataSet, workshop, learning, manifest, frame: { lock, quarantine, recorder: training }, goesOn });
      await training.end('done');
      return record;
    } catch (error) {
      await training.end(this.context.signal.aborted ? 'cancelled' : 'failed', this.context.signal.aborted ? undefined : describeError(error));
      throw error;
    }
  }

  /** The photos that need a mask; the others are counted. */
  private async tasks(dataSet: DataSet, manifest: Manifest, key: MaskKey, sources: Map<string, string>): Promise<MaskTask[]> {
    const tasks: MaskTask[] = [];
    const photos = dataSet.wanted.filter(photo => dataSet.outputs.has(photo));
    this.progress.begin('scan', photos.length);
    for (const photo of photos) {
      this.context.signal.throwIfAborted();
      try {
        const tags = dataSet.tags.get(photo) ?? [];
        const source = await sha256OfFile(join(this.root, photo), photo);
        sources.set(photo, source);
        const decision = await decideMask({ root: this.root, photo, mask: dataSet.outputs.get(photo) ?? '' }, manifest, { source, tags, key: key(tags, dataSet.hints.get(photo)) });
        // A debiased mask whose mask before is lost cannot be debiased again, nor restored.
        const lost = decision === 'skip' && (await lacksBefore(this.root, photo, manifest));
        if (decision === 'write' || lost) tasks.push({ photo, tags });
        else await this.frame.recorder.count(photo, decision === 'keep' ? 'kept' : 'skipped');
      } catch (error) {
        await this.frame.recorder.fail(photo, error);
      }
      this.progress.step();
    }
    return tasks;
  }

  /** The last stage; where it is off, masks that were debiased before are as they were again. */
  private async debias(dataSet: DataSet, workshop: Workshop, manifest: Manifest, sources: ReadonlyMap<string, string>, some: boolean, stale: boolean): Promise<void> {
    const { root, frame } = this;
    const wanted = some ? new Set(dataSet.wanted) : undefined;
    if (!debiases(dataSet, this.settings)) return undoDebias({ root, outputs: dataSet.outputs, wanted, manifest, frame });
    this.progress.begin('debias', 0);
    const own: DebiasSource[] = [];
    for await (const source of ownSources(dataSet, manifest, sources)) {
      this.context.signal.throwIfAborted();
      own.push(source);
    }
    if (own.length > 0) await debiasStage({ root, home: root, sources: own, wanted, table: dataSet.table, manifest, workshop, frame, stale });
  }

  private async withModels(workshop: Workshop, base: WriterBase, tasks: readonly MaskTask[], learning: FolderLearning, trained: TrainedRecord | undefined): Promise<void> {
    const { device, extractor } = await workshop.open();
    const left = await this.withFeatures(tasks, await learning.features(tasks.length / 2));
    if (!left.some(({ tags }) => tags.length > 0)) return this.writeAll(new MaskWriter(base, undefined), left);
    const learnt = await learning.learnt(tasks.length / 2);
    const scg = new Scg(device.host, this.preset.scg);
    let networks: TrainedNetworks | undefined;
    try {
      const { signal } = this.context;
      if (trained) {
        const data: ScoringData = { host: device.host, model: workshop.models.backbone, classes: trained.classes, learnt, signal, extract: (image, content) => extractor.extract(image, content, signal) };
        networks = await openTrained(this.preset, data, await loadTrained(this.root, trained));
      }
      const writer = new MaskWriter(base, { extractor, learnt, scg, preset: this.preset, crf: usesCrf(this.settings, networks?.scorer !== undefined), device: device.report.label, signal, ...networks });
      // Backwards: when the cache is smaller than the folder, the photos extracted last are the ones still in it.
      await this.writeAll(writer, [...left].reverse());
    } finally {
      // A lost device cannot let go of its sessions; what is to be told is how it was lost.
      await Promise.allSettled([scg.release(), networks?.release()]);
    }
  }

  /** The tasks that are left: a photo without features fails if its mask needs them. */
  private async withFeatures(tasks: readonly MaskTask[], { failed }: FolderFeatures): Promise<MaskTask[]> {
    const needed = new Set(tasks.filter(({ tags }) => tags.length > 0).map(({ photo }) => photo));
    for (const [photo, error] of failed) {
      if (needed.has(photo)) await this.frame.recorder.fail(photo, error);
      else this.frame.recorder.log('warn', `${photo} is not learnt from: ${describeError(error)}`);
    }
    return tasks.filter(({ photo }) => !(failed.has(photo) && needed.has(photo)));
  }

  private async writeAll(writer: MaskWriter, tasks: readonly MaskTask[]): Promise<void> {
    this.progress.begin('masks', tasks.length);
    for (const task of tasks) {
      this.context.signal.throwIfAborted();
      await assertHeld(this.frame.lock);
      try {
        await this.frame.quarantine.enter(task.photo);
        await this.frame.recorder.count(task.photo, await writer.write(task));
      } catch (error) {
        this.context.signal.throwIfAborted();
        if (isFatal(error)) throw error;
        await this.frame.recorder.fail(task.photo, error);
      }
      this.progress.step();
    }
  }
}
