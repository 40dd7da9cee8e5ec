/**
 * What one photo costs, by stage:
 *
 *     tsx bench/photo.ts [FOLDER [photos]]
 *
 * FOLDER has `images/` and `tags.json` (without it: the demo's photos at 375 px). Two questions: what the engine adds to the runtime's own time for the features
 * (goal: 1.2 x), and how long everything after the features takes (goal: 0.5 s). Medians over the photos; what is compared takes turns, in alternating order.
 */
import { join } from 'node:path';
import type * as ort from 'onnxruntime-node';
import { QUICK } from '../models/presets';
import { FeatureCache } from '../src/engine/featureCache';
import { readPhoto } from '../src/engine/images';
import { FeatureExtractor, loadRunModels, type RunModels } from '../src/engine/photoFeatures';
import { loadRuntime, OnnxHost, type OpenGraph } from '../src/engine/session';
import { floats, type Tensor } from '../src/shared/graph';
import { inFolder, machine, makeDataSet, markdown, median, READ, timed, WEIGHTS } from './measure';
import { measureStages, stageTable } from './stages';

type Feeds = Record<string, Tensor>;

/** Medians in milliseconds. */
export interface FeatureTimes {
  name: string;
  /** `FeatureExtractor.compute`: resizing, the model runs, the mean with the mirrored twin, rounding, and the cache file. */
  ours: number;
  /** The same tensors through bare `session.run`. */
  bare: number;
  /** Median of the photos' ratios. */
  ratio: number;
}

/** A host that remembers what its graphs were fed. */
class RecordingHost extends OnnxHost {
  readonly fed: { model: string; feeds: Feeds; outputs: readonly string[] }[] = [];

  override async open(model: Uint8Array | string): Promise<OpenGraph> {
    const graph = await super.open(model);
    return {
      ...graph,
      run: (feeds, outputs = graph.outputs) => {
        this.fed.push({ model: graph.modelHash, feeds, outputs });
        return graph.run(feeds, outputs);
      },
    };
  }
}

/** Features at one scale with flip against bare runs; with the backbone alone, and with saliency. */
export async function measureFeatures(root: string, photos: readonly string[]): Promise<FeatureTimes[]> {
  const rows: FeatureTimes[] = [];
  for (const saliency of [false, true]) {
    const models = await loadRunModels(WEIGHTS, undefined, saliency);
    const preset = { ...QUICK, views: QUICK.views.slice(0, 1) };
    const host = new RecordingHost('cpu');
    const extractor = await FeatureExtractor.open(models, preset, new FeatureCache(join(root, String(saliency)), 1e9), host, () => undefined);
    const bare = await bareSessions(models);
    const times: { ours: number; bare: number }[] = [];
    for (const [i, name] of photos.entries()) {
      const { image, sha256 } = await readPhoto(join(root, name), READ);
      host.fed.length = 0;
      // Not timed: the first run of a size allocates. (Keys of its own: what is cached is not computed.)
      await extractor.compute(image, `${sha256} first`);
      const fed = [...host.fed];
      await bare.run(fed);
      const ours = async () => (await timed(() => extractor.compute(image, sha256))).ms;
      const theirs = async () => (await timed(() => bare.run(fed))).ms;
      // Object literals are evaluated in order: the turns alternate.
      times.push(i % 2 === 0 ? { ours: await ours(), bare: await theirs() } : { bare: await theirs(), ours: await ours() });
    }
    await extractor.release();
    await bare.release();
    rows.push({
      name: saliency ? 'features and saliency' : 'features, one scale with flip',
      ours: median(times.map(time => time.ours)),
      bare: median(times.map(time => time.bare)),
      ratio: median(times.map(time => time.ours / time.bare)),
    });
  }
  return rows;
}

/** ONNX Runtime and nothing else, with the options the engine's sessions have. */
async function bareSessions(models: RunModels): Promise<{ run(fed: RecordingHost['fed']): Promise<void>; release(): Promise<void> }> {
  const runtime = await loadRuntime();
  const sessions = new Map<string, ort.InferenceSession>();
  for (const model of [models.backbone, models.saliency]) {
    if (model) sessions.set(model.sha256, await runtime.InferenceSession.create(model.bytes, { executionProviders: ['cpu'], enableMemPattern: false, logSeverityLevel: 3 }));
  }
  return {
    async run(fed) {
      for (const { model, feeds, outputs } of fed) {
        const session = sessions.get(model);
        if (!session) throw new Error(`no bare session of the model ${model}`);
        await session.run(Object.fromEntries(Object.keys(feeds).map(name => [name, new runtime.Tensor('float32', floats(feeds, name).data, feeds[name].dims)])), outputs);
      }
    },
    async release() {
      for (const session of sessions.values()) await session.release();
    },
  };
}

export function featureTable(rows: readonly FeatureTimes[]): string {
  return markdown(['', 'engine, ms', 'bare session.run, ms', 'ratio'], rows.map(({ name, ours, bare, ratio }) => [name, ours.toFixed(0), bare.toFixed(0), ratio.toFixed(2)]));
}

/** Both questions on one data set, as tables. */
export async function photoReport(source: string | undefined, most: number): Promise<string> {
  return inFolder(async folder => {
    const root = join(folder, 'photos');
    const photos = await makeDataSet(root, source, most);
    const features = await measureFeatures(root, photos);
    const stages = await measureStages(root, photos);
    return [`${photos.length} photos.`, '', featureTable(features), '', stageTable(stages)].join('\n');
  });
}

async function main(): Promise<void> {
  const [source, most = '40'] = process.argv.slice(2);
  const before = machine();
  console.log(`${await photoReport(source, Number(most))}\n\nBefore: ${before}\nAfter:  ${machine()}`);
}

if (process.argv[1] === import.meta.filename) void main();
