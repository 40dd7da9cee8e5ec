/**
 * What the tags of a whole folder teach about frozen features: features of all tagged photos, from the cache or computed, and heads learnt on their means. Done once in
 * a run, whoever asks first (a training, masks).
 */
import { join } from 'node:path';
import { loadClassifier } from '../../../models/warmStart';
import { sha256OfFile } from '../../dataset/hash';
import { learnTags, PooledFeatures, type Learnt } from '../learning';
import type { Engine } from '../engine';
import type { DataSet } from './dataSet';
import { classCounts, knownTo, unteachable } from './plan';
import { isFatal } from './recorded';
import type { Workshop } from './workshop';

export interface FolderFeatures {
  pooled: PooledFeatures;
  /** Hashes of the tagged photos that have features. */
  sources: ReadonlyMap<string, string>;
  /** Why the others have none. */
  failed: ReadonlyMap<string, unknown>;
}

export class FolderLearning {
  private extracting: Promise<FolderFeatures> | undefined;
  private learning: Promise<Learnt> | undefined;

  /** @param sources hashes of photos that are known already */
  constructor(
    private readonly dataSet: DataSet,
    private readonly workshop: Workshop,
    private readonly engine: Engine,
    private readonly sources: ReadonlyMap<string, string>,
  ) {}

  /** @param later work that follows, in photos. @throws SeedMaskError 'device-unavailable', 'disk-full', 'cancelled' */
  features(later: number): Promise<FolderFeatures> {
    return (this.extracting ??= this.extract(later));
  }

  /** @throws SeedMaskError as `features`; 'nothing-to-learn' where no photo has any, 'numeric' */
  learnt(later: number): Promise<Learnt> {
    return (this.learning ??= this.features(later).then(({ pooled }) => this.learn(pooled)));
  }

  private async extract(later: number): Promise<FolderFeatures> {
    const { workshop, dataSet } = this;
    const { progress, context, quarantine } = workshop;
    const pooled = new PooledFeatures();
    const sources = new Map<string, string>();
    const failed = new Map<string, unknown>();
    const photos = [...dataSet.tags.keys()];
    await workshop.open();
    progress.begin('features', photos.length, later);
    for (const photo of photos) {
      context.signal.throwIfAborted();
      let instant = false;
      try {
        const source = this.sources.get(photo) ?? (await sha256OfFile(join(dataSet.root, photo), photo));
        const found = await workshop.features(photo, source);
        instant = found.instant;
        pooled.add(photo, found.features);
        sources.set(photo, source);
      } catch (error) {
        context.signal.throwIfAborted();
        if (isFatal(error)) throw error;
        failed.set(photo, error);
      }
      progress.step(instant);
    }
    await quarantine.leave();
    return { pooled, sources, failed };
  }

  private async learn(pooled: PooledFeatures): Promise<Learnt> {
    const { dataSet, workshop, engine: { weightsFolder } } = this;
    const { models, preset, settings, recorder, progress, context } = workshop;
    const { device } = await workshop.open();
    const { spec } = models.backbone;
    const counts = classCounts(dataSet);
    progress.begin('learn', 0);
    const knows = await knownTo(settings.backbone, weightsFolder);
    for (const { name, photos } of counts) {
      if (photos < preset.learning.minPhotos && !knows(name)) recorder.note(`class '${name}': ${unteachable(photos)}`);
    }
    const classifier = spec.classifier && preset.learning.warmStart ? await loadClassifier(spec.classifier, weightsFolder) : undefined;
    return learnTags(device.host, { pooled, tags: dataSet.tags, classes: counts.map(({ name }) => name), classifier, signal: context.signal }, preset);
  }
}
