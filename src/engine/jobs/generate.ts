/**
 * The main job: a folder of tagged photos in, one mask PNG per photo out. What is up to date or a person's is found first; the features of all tagged photos
 * are then extracted and the heads learnt; the masks come next, one photo after the other; last, what is biased is removed (debiasStage.ts). Nothing but the pooled
 * features (11 kB a photo) and centroids grows with the folder.
 *
 * Every photo ends as written, kept, skipped or failed with a reason. A full disk ends the run (it can be resumed); anything else that goes wrong with one
 * photo is that photo's failure.
 */
import { join } from 'node:path';
import type { Preset } from '../../../models/presets';
import { mergeClassTable, type ClassTable } from '../../dataset/classTable';
import { removeLeftovers } from '../../dataset/folder';
import { sha256, sha256OfFile } from '../../dataset/hash';
import { Manifest } from '../../dataset/manifest';
import { decideMask } from '../../dataset/maskStore';
import { tidyFacts } from '../../dataset/photoFacts';
import { lastUnfinished } from '../../dataset/runs';
import { inTurn } from '../../dataset/turn';
import { Scg } from '../../pipeline/scg';
import { describeError } from '../../shared/errors';
import type { Params, RunSummary } from '../../shared/protocol';
import { usesCrf, usesMars, type RunSettings } from '../../shared/settings';
import type { JobContext } from '../context';
import type { Engine } from '../engine';
import { loadRunModels, type RunModels } from '../photoFeatures';
import { Progress } from '../progress';
import { openDataSet, type DataSet } from './dataSet';
import { ownSources, type DebiasSource } from './debiasSources';
import { debiasStage } from './debiasStage';
import { lacksBefore, undoDebias } from './debiasUndo';
import { FolderLearning, type FolderFeatures } from './folderLearning';
import { MaskWriter, type MaskKey, type MaskTask, type WriterBase } from './maskWriter';
import { classCounts } from './plan';
import { assertHeld, isFatal, presetOf, recorded, type Frame } from './recorded';
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
    const models = await loadRunModels(weights, settings.backbone, settings.saliency, this.debiases(dataSet) ? settings.marsFeatures : undefined);
    const workshop = new Workshop(this.root, settings, this.preset, models, this.context, recorder, this.progress, this.frame.quarantine, this.engine);
    const manifest = await Manifest.open(this.root);
    try {
      const key = this.keys(models, dataSet.table);
      const sources = new Map<string, string>();
      const tasks = await this.tasks(dataSet, manifest, key, sources);
      const base: WriterBase = {
        root: this.root, outputs: dataSet.outputs, table: dataSet.table, hints: dataSet.hints, manifest, key, run: recorder.id,
        readOptions: photo => workshop.readOptions(photo), warn: message => recorder.log('warn', message),
      };
      if (tasks.some(({ tags }) => tags.length > 0)) await this.withModels(workshop, base, tasks, new FolderLearning(dataSet, workshop, this.engine, sources));
      else if (tasks.length > 0) await this.writeAll(new MaskWriter(base, undefined), tasks);
      await this.debias(dataSet, workshop, manifest, sources, only !== undefined, tasks.length > 0);
    } finally {
      await manifest.close();
      await workshop.release();
    }
  }

  /** Everything that a mask depends on besides its photo and tags: the models, the parameters and the ids of its tags. */
  private keys(models: RunModels, table: ClassTable): MaskKey {
    // Debiasing comes after the masks that these decide, and answers for itself.
    const { mars: _mars, training: _training, ...preset } = this.preset;
    const parameters = { pipeline: 1, backbone: models.backbone.sha256, saliency: models.saliency?.sha256 ?? null, crf: usesCrf(this.settings), preset };
    return (tags, hints) => sha256(JSON.stringify({ ...parameters, ids: [...tags].sort().map(tag => table.idOf(tag)), ...(hints && { hints }) }));
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

  private debiases(dataSet: DataSet): boolean {
    const backgrounds = [...dataSet.tags.values()].filter(tags => tags.length === 0).length;
    return usesMars(this.settings, classCounts(dataSet).map(({ photos }) => photos), backgrounds);
  }

  /** The last stage; where it is off, masks that were debiased before are as they were again. */
  private async debias(dataSet: DataSet, workshop: Workshop, manifest: Manifest, sources: ReadonlyMap<string, string>, some: boolean, stale: boolean): Promise<void> {
    const { root, frame } = this;
    const wanted = some ? new Set(dataSet.wanted) : undefined;
    if (!this.debiases(dataSet)) return undoDebias({ root, outputs: dataSet.outputs, wanted, manifest, frame });
    this.progress.begin('debias', 0);
    const own: DebiasSource[] = [];
    for await (const source of ownSources(dataSet, manifest, sources)) {
      this.context.signal.throwIfAborted();
      own.push(source);
    }
    if (own.length > 0) await debiasStage({ root, home: root, sources: own, wanted, table: dataSet.table, manifest, workshop, frame, stale });
  }

  private async withModels(workshop: Workshop, base: WriterBase, tasks: readonly MaskTask[], learning: FolderLearning): Promise<void> {
    const { device, extractor } = await workshop.open();
    const left = await this.withFeatures(tasks, await learning.features(tasks.length / 2));
    if (!left.some(({ tags }) => tags.length > 0)) return this.writeAll(new MaskWriter(base, undefined), left);
    const learnt = await learning.learnt(tasks.length / 2);
    const scg = new Scg(device.host, this.preset.scg);
    try {
      const writer = new MaskWriter(base, { extractor, learnt, scg, preset: this.preset, crf: usesCrf(this.settings), device: device.report.label, signal: this.context.signal });
      // Backwards: when the cache is smaller than the folder, the photos extracted last are the ones still in it.
      await this.writeAll(writer, [...left].reverse());
    } finally {
      // A lost device cannot let go of its sessions; what is to be told is how it was lost.
      await Promise.allSettled([scg.release()]);
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
