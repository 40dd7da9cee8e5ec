/**
 * The device and the models of a run, opened when something first needs them: a run with nothing to do starts neither. Features come from here, whatever stage asks.
 */
import { join } from 'node:path';
import type { BackboneSpec } from '../../../models/catalog';
import type { LoadedModel } from '../../../models/loadModel';
import type { Preset } from '../../../models/presets';
import type { RunSettings } from '../../shared/settings';
import type { JobContext } from '../context';
import type { OpenDevice } from '../devices';
import type { Engine } from '../engine';
import { FeatureCache } from '../featureCache';
import { readPhoto, type Photo, type ReadOptions } from '../images';
import { FeatureExtractor, type PhotoFeatures, type RunModels } from '../photoFeatures';
import type { Progress } from '../progress';
import type { Quarantine } from '../quarantine';
import type { RunRecorder } from './recorder';

export interface Opened {
  device: OpenDevice;
  extractor: FeatureExtractor;
}

export class Workshop {
  private opening: Promise<Opened> | undefined;

  constructor(
    readonly root: string,
    readonly settings: RunSettings,
    readonly preset: Preset,
    readonly models: RunModels,
    readonly context: JobContext,
    readonly recorder: RunRecorder,
    readonly progress: Progress,
    readonly quarantine: Quarantine,
    private readonly engine: Engine,
  ) {}

  /** Of the program. */
  get version(): string {
    return this.engine.version;
  }

  /** @throws SeedMaskError 'device-unavailable', 'bad-model' */
  open(): Promise<Opened> {
    return (this.opening ??= this.start());
  }

  /** Features from the cache, or computed; by the run's models, or by an extractor of `extractorOf`. `instant`: it took no work. @throws SeedMaskError with the reason why this photo has none. */
  async features(photo: string, source: string, other?: FeatureExtractor): Promise<{ features: PhotoFeatures; instant: boolean }> {
    const extractor = other ?? (await this.open()).extractor;
    const known = await extractor.cached(source);
    if (known) return { features: known, instant: true };
    await this.quarantine.enter(photo);
    const { image, sha256 } = await this.read(photo);
    return { features: await extractor.compute(image, sha256, this.context.signal), instant: false };
  }

  /** Another model of photos on the same device and cache; it sees the preset's first view alone. The caller releases it. @throws SeedMaskError 'device-unavailable', 'bad-model' */
  async extractorOf(backbone: LoadedModel<BackboneSpec>): Promise<FeatureExtractor> {
    const { device } = await this.open();
    return this.extractor({ backbone }, { ...this.preset, views: this.preset.views.slice(0, 1) }, device);
  }

  read(photo: string): Promise<Photo> {
    return readPhoto(join(this.root, photo), this.readOptions(photo));
  }

  readOptions(photo: string): ReadOptions {
    return { maxMegapixels: this.settings.maxMegapixels, salvage: this.settings.salvageDamaged, name: photo };
  }

  /** A lost device cannot let go of its sessions; what is to be told is how it was lost. */
  async release(): Promise<void> {
    await this.opening?.then(({ extractor }) => extractor.release()).catch(() => undefined);
  }

  private async start(): Promise<Opened> {
    const { recorder, progress, settings, context, models } = this;
    progress.begin('device', 0);
    const device = await this.engine.device({ ...settings, marsFeatures: models.uss && settings.marsFeatures }, context.signal);
    progress.device = device.report.label;
    recorder.set({ device: device.report.label });
    for (const { ok, device: name, detail } of device.report.tried) if (!ok) recorder.log('info', `${name}: ${detail}`);
    return { device, extractor: await this.extractor(this.models, this.preset, device) };
  }

  private extractor(models: RunModels, preset: Preset, { host }: OpenDevice): Promise<FeatureExtractor> {
    const { recorder, settings, root } = this;
    const cache = new FeatureCache(root, settings.cacheLimitMb * 1e6);
    return FeatureExtractor.open(models, preset, cache, host, batch => recorder.log('warn', `the device ran out of memory: batches of ${batch} from here on`));
  }
}
