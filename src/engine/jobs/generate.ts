/**
 * The main job: a folder of tagged photos in, one mask PNG per photo out. What is up to date or a person's is found first; the features of all tagged photos
 * are then extracted and the heads learnt; the masks come last, one photo after the other. Nothing but the pooled features (11 kB a photo) grows with
 * the folder.
 *
 * Every photo ends as written, kept, skipped or failed with a reason. A full disk ends the run (it can be resumed); anything else that goes wrong with one
 * photo is that photo's failure.
 */
import { join } from 'node:path';
import { QUICK, type Preset } from '../../../models/presets';
import { loadClassifier } from '../../../models/warmStart';
import { writeClassTable, type ClassTable } from '../../dataset/classTable';
import { removeLeftovers } from '../../dataset/folder';
import { sha256, sha256OfFile } from '../../dataset/hash';
import { acquireLock, type Lock } from '../../dataset/lock';
import { Manifest } from '../../dataset/manifest';
import { decideMask } from '../../dataset/maskStore';
import { lastUnfinished } from '../../dataset/runs';
import { Scg } from '../../pipeline/scg';
import { SeedMaskError, describeError } from '../../shared/errors';
import type { Params, RunSummary } from '../../shared/protocol';
import type { GraphHost } from '../../shared/graph';
import { usesCrf, type RunSettings } from '../../shared/settings';
import type { JobContext } from '../context';
import type { Engine } from '../engine';
import { FeatureCache } from '../featureCache';
import { readPhoto, type ReadOptions } from '../images';
import { learnTags, PooledFeatures, type Learnt } from '../learning';
import { FeatureExtractor, loadRunModels, type PhotoFeatures, type RunModels } from '../photoFeatures';
import { Progress } from '../progress';
import { Quarantine } from '../quarantine';
import { openDataSet, type DataSet } from './dataSet';
import { MaskWriter, type MaskKey, type MaskTask, type WriterBase } from './maskWriter';
import { classCounts, knownTo, unteachable } from './plan';
import { RunRecorder } from './recorder';

export async function generate(params: Params<'generate'>, context: JobContext, engine: Engine): Promise<RunSummary> {
  const { root } = params;
  const unfinished = params.resume ? await lastUnfinished(root) : undefined;
  const settings = unfinished?.settings ?? params.settings;
  const only = unfinished ? unfinished.photos : params.photos;
  const preset = presetOf(settings);

  const lock = await acquireLock(root);
  try {
    const recorder = await RunRecorder.start(root, settings, only, context);
    const quarantine = await Quarantine.open(root, params.crashed ?? false);
    try {
      await new Generation(root, settings, preset, context, engine, lock, recorder, quarantine).run(only);
      await quarantine.close();
      return await recorder.end('done');
    } catch (error) {
      await quarantine.close();
      if (context.signal.aborted) return await recorder.end('cancelled');
      return await recorder.end('failed', describeError(error));
    }
  } finally {
    await lock.release();
  }
}

/** @throws SeedMaskError 'unavailable' for presets that come with training. */
function presetOf({ preset }: RunSettings): Preset {
  if (preset === 'quick') return QUICK;
  throw new SeedMaskError('unavailable', `the preset '${preset}' comes with training, which this version does not have; use 'quick'`);
}

class Generation {
  private readonly progress: Progress;

  constructor(
    private readonly root: string,
    private readonly settings: RunSettings,
    private readonly preset: Preset,
    private readonly context: JobContext,
    private readonly engine: Engine,
    private readonly lock: Lock,
    private readonly recorder: RunRecorder,
    private readonly quarantine: Quarantine,
  ) {
    this.progress = new Progress(event => context.emit(event));
  }

  async run(only: readonly string[] | undefined): Promise<void> {
    const { recorder, settings } = this;
    this.progress.begin('scan', 0);
    const dataSet = await openDataSet(this.root, settings, only, this.context.signal);
    recorder.set({ photos: dataSet.wanted.length, untagged: dataSet.untagged.length });
    for (const note of dataSet.notes) recorder.note(note);
    for (const failure of dataSet.refused) await recorder.refuse(failure);
    if (dataSet.wanted.length === 0) {
      if (dataSet.untagged.length > 0) recorder.note(`${only ? 'none of these photos' : 'no photo of this folder'} has tags`);
      return;
    }
    await writeClassTable(this.root, dataSet.table);
    await removeLeftovers(this.root, dataSet.wanted);

    const weights = this.engine.weightsFolder;
    const models = await loadRunModels(weights, settings.backbone, settings.saliency);
    const manifest = await Manifest.open(this.root);
    try {
      const key = this.keys(models, dataSet.table);
      const sources = new Map<string, string>();
      const tasks = await this.tasks(dataSet, manifest, key, sources);
      if (tasks.length === 0) return;
      if (tasks.some(({ tags }) => tags.length > 0)) await this.withModels(dataSet, models, manifest, key, tasks, sources, weights);
      else await this.writeAll(new MaskWriter(this.writerBase(dataSet, manifest, key), undefined), tasks);
    } finally {
      await manifest.close();
    }
  }

  /** Everything that a mask depends on besides its photo and tags: the models, the parameters and the ids of its tags. */
  private keys(models: RunModels, table: ClassTable): MaskKey {
    const parameters = { pipeline: 1, backbone: models.backbone.sha256, saliency: models.saliency?.sha256 ?? null, crf: usesCrf(this.settings), preset: this.preset };
    return tags => sha256(JSON.stringify({ ...parameters, ids: [...tags].sort().map(tag => table.idOf(tag)) }));
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
        const decision = await decideMask({ root: this.root, photo, mask: dataSet.outputs.get(photo) ?? '' }, manifest, { source, tags, key: key(tags) });
        if (decision === 'write') tasks.push({ photo, tags });
        else await this.recorder.count(photo, decision === 'keep' ? 'kept' : 'skipped');
      } catch (error) {
        await this.recorder.fail(photo, error);
      }
      this.progress.step();
    }
    return tasks;
  }

  private async withModels(dataSet: DataSet, models: RunModels, manifest: Manifest, key: MaskKey, tasks: readonly MaskTask[], sources: Map<string, string>, weights: string): Promise<void> {
    const { recorder, settings, context } = this;
    this.progress.begin('device', 0);
    const device = await this.engine.device(settings, context.signal);
    this.progress.device = device.report.label;
    recorder.set({ device: device.report.label });
    for (const { ok, device: name, detail } of device.report.tried) if (!ok) recorder.log('info', `${name}: ${detail}`);

    const cache = new FeatureCache(this.root, settings.cacheLimitMb * 1e6);
    const extractor = await FeatureExtractor.open(models, this.preset, cache, device.host, batch => recorder.log('warn', `the device ran out of memory: batches of ${batch} from here on`));
    const scg = new Scg(device.host, this.preset.scg);
    try {
      const { pooled, left } = await this.extract(dataSet, extractor, sources, tasks);
      const base = this.writerBase(dataSet, manifest, key);
      if (!left.some(({ tags }) => tags.length > 0)) return await this.writeAll(new MaskWriter(base, undefined), left);
      const learnt = await this.learn(dataSet, pooled, device.host, models, weights);
      const writer = new MaskWriter(base, { extractor, learnt, scg, preset: this.preset, crf: usesCrf(settings), device: device.report.label, signal: context.signal });
      // Backwards: when the cache is smaller than the folder, the photos extracted last are the ones still in it.
      await this.writeAll(writer, [...left].reverse());
    } finally {
      // A lost device cannot let go of its sessions; what is to be told is how it was lost.
      await Promise.allSettled([scg.release(), extractor.release()]);
    }
  }

  /** Pooled features of all tagged photos, and the tasks that are left: a photo without features fails if its mask needs them. */
  private async extract(dataSet: DataSet, extractor: FeatureExtractor, sources: ReadonlyMap<string, string>, tasks: readonly MaskTask[]): Promise<{ pooled: PooledFeatures; left: MaskTask[] }> {
    const pooled = new PooledFeatures();
    const needed = new Set(tasks.filter(({ tags }) => tags.length > 0).map(({ photo }) => photo));
    const failed = new Set<string>();
    const photos = [...dataSet.tags.keys()];
    this.progress.begin('features', photos.length, tasks.length / 2);
    for (const photo of photos) {
      this.context.signal.throwIfAborted();
      let instant = false;
      try {
        const source = sources.get(photo) ?? (await sha256OfFile(join(this.root, photo), photo));
        const known = await extractor.cached(source);
        instant = known !== undefined;
        pooled.add(photo, known ?? (await this.compute(extractor, photo)));
      } catch (error) {
        this.context.signal.throwIfAborted();
        if (isFatal(error)) throw error;
        failed.add(photo);
        if (needed.has(photo)) await this.recorder.fail(photo, error);
        else this.recorder.log('warn', `${photo} is not learnt from: ${describeError(error)}`);
      }
      this.progress.step(instant);
    }
    await this.quarantine.leave();
    return { pooled, left: tasks.filter(({ photo }) => !(failed.has(photo) && needed.has(photo))) };
  }

  private async compute(extractor: FeatureExtractor, photo: string): Promise<PhotoFeatures> {
    await this.quarantine.enter(photo);
    const { image, sha256: hash } = await readPhoto(join(this.root, photo), this.readOptions(photo));
    return extractor.compute(image, hash, this.context.signal);
  }

  private async learn(dataSet: DataSet, pooled: PooledFeatures, host: GraphHost, models: RunModels, weights: string): Promise<Learnt> {
    const { spec } = models.backbone;
    const counts = classCounts(dataSet);
    this.progress.begin('learn', 0);
    const knows = await knownTo(this.settings.backbone, weights);
    for (const { name, photos } of counts) {
      if (photos < this.preset.learning.minPhotos && !knows(name)) this.recorder.note(`class '${name}': ${unteachable(photos)}`);
    }
    const classifier = spec.classifier && this.preset.learning.warmStart ? await loadClassifier(spec.classifier, weights) : undefined;
    return learnTags(host, { pooled, tags: dataSet.tags, classes: counts.map(({ name }) => name), classifier, signal: this.context.signal }, this.preset);
  }

  private async writeAll(writer: MaskWriter, tasks: readonly MaskTask[]): Promise<void> {
    this.progress.begin('masks', tasks.length);
    for (const task of tasks) {
      this.context.signal.throwIfAborted();
      if (!(await this.lock.held())) throw new SeedMaskError('locked', 'another run took this folder over while this one slept');
      try {
        await this.quarantine.enter(task.photo);
        await this.recorder.count(task.photo, await writer.write(task));
      } catch (error) {
        this.context.signal.throwIfAborted();
        if (isFatal(error)) throw error;
        await this.recorder.fail(task.photo, error);
      }
      this.progress.step();
    }
  }

  private writerBase(dataSet: DataSet, manifest: Manifest, key: MaskKey): WriterBase {
    return { root: this.root, outputs: dataSet.outputs, table: dataSet.table, manifest, key, run: this.recorder.id, readOptions: (photo: string) => this.readOptions(photo), warn: (message: string) => this.recorder.log('warn', message) };
  }

  private readOptions(photo: string): ReadOptions {
    return { maxMegapixels: this.settings.maxMegapixels, salvage: this.settings.salvageDamaged, name: photo };
  }
}

/** What the next photo would run into as well. */
function isFatal(error: unknown): boolean {
  return error instanceof SeedMaskError && (error.reason === 'disk-full' || error.reason === 'device-unavailable');
}
