/**
 * Where the time of a photo goes once its features are cached: the engine's own mask writer as a whole, and the steps of `photoMask` and of the writer one by
 * one, in the order they have there. Heads are learnt from the photos first, as a run does.
 */
import { join } from 'node:path';
import { QUICK } from '../models/presets';
import { loadClassifier } from '../models/warmStart';
import { writeClassTable } from '../src/dataset/classTable';
import { sha256 } from '../src/dataset/hash';
import { writeLayers } from '../src/dataset/layers';
import { Manifest } from '../src/dataset/manifest';
import { encodeMask } from '../src/dataset/maskFile';
import { writeMask } from '../src/dataset/maskStore';
import { FeatureCache } from '../src/engine/featureCache';
import { readPhoto, resizePhoto } from '../src/engine/images';
import { openDataSet, type DataSet } from '../src/engine/jobs/dataSet';
import { MaskWriter } from '../src/engine/jobs/maskWriter';
import { camLayers, learnTags, PooledFeatures, type Learnt } from '../src/engine/learning';
import { FeatureExtractor, loadRunModels } from '../src/engine/photoFeatures';
import { OnnxHost } from '../src/engine/session';
import { certainFilter } from '../src/pipeline/certainFilter';
import { denseCrf } from '../src/pipeline/denseCrf';
import { pamrAffinity, pamrIterate } from '../src/pipeline/pamr';
import { maskAtSize } from '../src/pipeline/photoMask';
import { resizeBilinear } from '../src/pipeline/resize';
import { weighBySaliency } from '../src/pipeline/saliencyCue';
import { Scg } from '../src/pipeline/scg';
import { tagCam } from '../src/pipeline/tagCam';
import { zeroMaps } from '../src/shared/maps';
import { DEFAULT_SETTINGS } from '../src/shared/settings';
import { markdown, median, quantile, READ, timed, WEIGHTS } from './measure';

/** Milliseconds of each photo, by stage. */
export type StageTimes = ReadonlyMap<string, readonly number[]>;

const WHOLE = 'all after features, as the engine does it';
const WHOLE_CRF = 'the same with dense CRF';

interface Bench {
  dataSet: DataSet;
  manifest: Manifest;
  extractor: FeatureExtractor;
  learnt: Learnt;
  scg: Scg;
}

export async function measureStages(root: string, photos: readonly string[]): Promise<StageTimes> {
  const signal = new AbortController().signal;
  const host = new OnnxHost('cpu');
  const models = await loadRunModels(WEIGHTS, undefined, true);
  const extractor = await FeatureExtractor.open(models, QUICK, new FeatureCache(root, 4e9), host, () => undefined);
  const pooled = new PooledFeatures();
  for (const photo of photos) {
    const { image, sha256: hash } = await readPhoto(join(root, photo), READ);
    pooled.add(photo, await extractor.compute(image, hash));
  }
  const dataSet = await openDataSet(root, DEFAULT_SETTINGS, undefined, signal);
  await writeClassTable(root, dataSet.table);
  const { spec } = models.backbone;
  const classifier = spec.classifier && (await loadClassifier(spec.classifier, WEIGHTS));
  const classes = [...new Set([...dataSet.tags.values()].flat())];
  const learnt = await learnTags(host, { pooled, tags: dataSet.tags, classes, classifier, signal }, QUICK);
  const manifest = await Manifest.open(root);
  const bench = { dataSet, manifest, extractor, learnt, scg: new Scg(host, QUICK.scg) };

  const times = new Map<string, number[]>();
  const measure = async <T>(stage: string, body: () => T | Promise<T>): Promise<T> => {
    const { ms, result } = await timed(body);
    times.set(stage, [...(times.get(stage) ?? []), ms]);
    return result;
  };
  // Not timed: code gets compiled, graphs for SCG opened.
  for (const photo of photos.slice(0, 3)) for (const crf of [false, true]) await writerOf(bench, `warm ${crf}`, crf).write(taskOf(bench, photo));
  for (const [i, photo] of photos.entries()) {
    const turns = [
      () => measure(WHOLE, () => writerOf(bench, 'whole', false).write(taskOf(bench, photo))),
      () => measure(WHOLE_CRF, () => writerOf(bench, 'crf', true).write(taskOf(bench, photo))),
      () => oneByOne(bench, photo, measure),
    ];
    for (const turn of i % 2 === 0 ? turns : turns.toReversed()) await turn();
  }
  await manifest.close();
  await bench.scg.release();
  await extractor.release();
  return times;
}

/** A writer with a key of its own, so that masks of other writers are out of date. */
function writerOf({ dataSet, manifest, extractor, learnt, scg }: Bench, name: string, crf: boolean): MaskWriter {
  const base = { root: dataSet.root, outputs: dataSet.outputs, table: dataSet.table, manifest, key: () => sha256(name), run: 'bench', readOptions: () => READ, warn: (message: string) => console.warn(message) };
  return new MaskWriter(base, { extractor, learnt, scg, preset: QUICK, crf, device: 'CPU', signal: new AbortController().signal });
}

function taskOf({ dataSet }: Bench, photo: string): { photo: string; tags: readonly string[] } {
  return { photo, tags: dataSet.tags.get(photo) ?? [] };
}

/** The steps of `MaskWriter.write` and `photoMask`. */
async function oneByOne(bench: Bench, photo: string, measure: <T>(stage: string, body: () => T | Promise<T>) => Promise<T>): Promise<void> {
  const { dataSet, manifest, extractor, learnt, scg } = bench;
  const { tags } = taskOf(bench, photo);
  const { root, table } = dataSet;
  const ids = tags.map(tag => table.idOf(tag) ?? 0);
  const { image, width, height, sha256: source } = await measure('read and decode the photo', () => readPhoto(join(root, photo), READ));
  const features = await measure('read cached features', () => extractor.cached(source));
  if (!features?.saliency) throw new Error(`${photo}: its features are not in the cache`);
  const { saliency } = features;

  const layers = camLayers(features, learnt, tags);
  const cam = await measure('CAM', () => tagCam(layers));
  const spread = await measure('SCG', () => scg.run([resizeBilinear(layers[layers.length > 1 ? 1 : 0].views[0], cam.height, cam.width)], cam));
  const scale = Math.min(1, QUICK.pamr.longSide / Math.max(width, height));
  const small = await resizePhoto(image, Math.round(width * scale), Math.round(height * scale));
  const affinity = await measure('PAMR: affinity', () => pamrAffinity(small, { dilations: QUICK.pamr.dilations }));
  const refined = await measure('PAMR: iterations', () => {
    const mean = { ...cam, data: cam.data.map((value, i) => (value + spread.data[i]) / 2) };
    return pamrIterate(affinity, resizeBilinear(mean, small.height, small.width), QUICK.pamr.iterations);
  });
  affinity.release();
  const scores = await measure('saliency cue', () => weighBySaliency(refined, resizeBilinear(saliency, small.height, small.width), QUICK.saliency, QUICK.mask.threshold));
  const mask = await measure('mask: upsample and threshold', () => maskAtSize(scores, ids, QUICK.saliency.threshold, height, width));
  const seed = await measure('seed: certain filter', () => certainFilter(refined, ids, QUICK.certainFilter));
  await measure('dense CRF (when asked for)', () => {
    const probabilities = zeroMaps(scores.channels + 1, scores.height, scores.width);
    probabilities.data.fill(QUICK.saliency.threshold).set(scores.data, scores.height * scores.width);
    return denseCrf(small, probabilities, QUICK.crf);
  });
  const bytes = await measure('PNG: encode', () => encodeMask(mask));
  const key = sha256('steps');
  await measure('write layers', () =>
    writeLayers(root, photo, { info: { thresholds: {}, model: key, classes: tags.map((name, i) => ({ id: ids[i], name })) }, cams: cam, refined, seed }),
  );
  await measure('write mask and manifest', () =>
    writeMask({ root, photo, mask: dataSet.outputs.get(photo) ?? '' }, bytes, manifest, { source, tags, key }, { device: 'CPU', run: 'bench' }),
  );
}

/** Medians and 95 % of each stage, in the order of the steps, the wholes last. */
export function stageTable(times: StageTimes): string {
  const steps = [...times.keys()].filter(name => name !== WHOLE && name !== WHOLE_CRF);
  return markdown(
    ['stage', 'median, ms', '95 % below, ms'],
    [...steps, WHOLE, WHOLE_CRF].map(name => {
      const values = times.get(name) ?? [];
      return [name, median(values).toFixed(1), quantile(values, 0.95).toFixed(1)];
    }),
  );
}
