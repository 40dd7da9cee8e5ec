/** Real photos through the real backbone: heads of Puzzle-CAM and networks of affinities learn from their features. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { QUICK, type Preset } from '../../../models/presets';
import type { AffinityPreset, PuzzlePreset } from '../../../models/trainingPreset';
import { FeatureCache } from '../../../src/engine/featureCache';
import { readPhoto, resizePhoto } from '../../../src/engine/images';
import { camLayers, learnTags, PooledFeatures } from '../../../src/engine/learning';
import { FeatureExtractor, loadRunModels } from '../../../src/engine/photoFeatures';
import { OnnxHost } from '../../../src/engine/session';
import { AffinityStage } from '../../../src/engine/training/affinity/affinityStage';
import { PuzzleHeadStage } from '../../../src/engine/training/puzzle/puzzleHeadStage';
import type { TrainingData, TrainingPhoto, TrainingStage } from '../../../src/engine/training/trainingStage';
import { thresholdMask } from '../../../src/pipeline/photoMask';
import { resizeBilinear } from '../../../src/pipeline/resize';
import { tagCam } from '../../../src/pipeline/tagCam';
import { makePhotoFolder } from '../../photos';

const REPOSITORY = join(import.meta.dirname, '../../..');
const PRESET: Preset = { ...QUICK, views: [{ longSide: 160, flip: false }] };
const root = mkdtempSync(join(tmpdir(), 'seedmask-frozen-'));
let extractor: FeatureExtractor;
let data: TrainingData;

before(async () => {
  const { tags } = makePhotoFolder(REPOSITORY, root);
  const host = new OnnxHost('cpu');
  const models = await loadRunModels(join(REPOSITORY, 'models/weights'), undefined, false);
  extractor = await FeatureExtractor.open(models, PRESET, new FeatureCache(root, 1e9), host, () => undefined);
  const names = [...new Set(Object.values(tags).flat())].sort();
  const read = (photo: string) => readPhoto(join(root, photo), { maxMegapixels: 100, salvage: false });
  const photos: TrainingPhoto[] = [];
  const pooled = new PooledFeatures();
  for (const photo of readdirSync(root).filter(name => name in tags).sort()) {
    const { image, sha256 } = await read(photo);
    pooled.add(photo, await extractor.compute(image, sha256));
    photos.push({ photo, sha256, tags: tags[photo], ids: tags[photo].map(tag => names.indexOf(tag) + 1) });
  }
  const { signal } = new AbortController();
  const learnt = await learnTags(host, { pooled, tags: new Map(Object.entries(tags)), classes: names, signal }, { ...PRESET, learning: { ...PRESET.learning, minPhotos: 1 } });
  const features: TrainingData['features'] = async ({ photo, sha256 }) => (await extractor.cached(sha256)) ?? extractor.compute((await read(photo)).image, sha256);
  data = {
    photos, classes: names.map((name, i) => ({ id: i + 1, name })), host, model: models.backbone, learnt, features, signal, log: () => undefined,
    tiles: ({ photo, sha256 }, perSide) => extractor.tiles(async () => (await read(photo)).image, sha256, perSide),
    extract: (image, content) => extractor.extract(image, content),
    image: async ({ photo }) => resizePhoto((await read(photo)).image, 160, 120),
    async seed(photo) {
      const scores = resizeBilinear(tagCam(camLayers(await features(photo), learnt, photo.tags)), 60, 80);
      return { scores, mask: thresholdMask(scores, photo.ids, 0.3) };
    },
    mask: () => Promise.reject(new Error('no masks here')),
    certain: () => Promise.resolve(undefined),
  };
});
after(async () => {
  await extractor.release();
  rmSync(root, { recursive: true, force: true });
});

/** Mean loss by name of the first and the last epoch. */
async function ends(stage: TrainingStage, names: readonly string[]): Promise<[number, number]> {
  const means: number[] = [];
  for (let epoch = 1; epoch <= stage.epochs; epoch++) {
    await stage.beginEpoch(epoch);
    let sum = 0;
    for (let step = 0; step < stage.stepsPerEpoch; step++) {
      const losses = await stage.step(epoch, step);
      sum += names.reduce((total, name) => total + losses[name], 0) / stage.stepsPerEpoch;
    }
    means.push(sum);
  }
  await stage.release();
  return [means[0], means[means.length - 1]];
}

test('Puzzle-CAM: tags of photos and tiles are learnt, and their maps grow alike', async () => {
  const section: PuzzlePreset = { what: 'heads', epochs: 10, batch: 4, rate: 1e-3, weightDecay: 1e-4, alpha: 1, ramp: 0, heads: { layers: ['deep', 'middle'], units: 16, tiles: 2 } };
  for (const names of [['classification', 'tilesClassification'], ['reconstruction']]) {
    const [first, last] = await ends(await PuzzleHeadStage.open(data, PRESET, section), names);
    assert.ok(last < 0.9 * first, `${names.join()} ${first} ${last}`);
  }
});

const AFFINITY: AffinityPreset = {
  kind: 'affinityNet', epochs: 12, batch: 2, rate: 0.05, weightDecay: 5e-4, momentum: 0.9, layers: [{ role: 'deep', channels: 16 }, { role: 'middle', channels: 16 }], colour: 8, features: 16,
  grid: 2, crop: 8, radius: 4, labels: { foreground: 0.4, background: 0.12 },
};

for (const section of [AFFINITY, { ...AFFINITY, kind: 'irnet', rate: 0.1 } as const]) {
  test(`${section.kind}: affinities of confident labels are learnt`, async () => {
    const [first, last] = await ends(await AffinityStage.open(data, PRESET, section), ['total']);
    assert.ok(last < 0.85 * first, `${first} ${last}`);
  });
}
