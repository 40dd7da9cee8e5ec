/**
 * Debiasing beyond features: milliseconds a photo of each step, on made-up features of the preset's dimensions (the steps' time does not depend on what is in them), and
 * the state that a data set of 100,000 photos takes.
 *
 *     npm run bench -- --only mars
 */
import { QUICK } from '../models/presets';
import { encodeCentroids } from '../src/pipeline/mars/centroidFile';
import { CentroidStore } from '../src/pipeline/mars/centroidStore';
import { clusterPhoto, classesOf } from '../src/pipeline/mars/clusters';
import { debias } from '../src/pipeline/mars/debias';
import { Backgrounds } from '../src/pipeline/mars/distances';
import { explainPhoto } from '../src/pipeline/mars/evidence';
import { applyBudget, budgetPhotos, sampleScores, type ScoreSample } from '../src/pipeline/mars/lossBudget';
import type { LocalCluster, MarsSettings } from '../src/pipeline/mars/marsTypes';
import { decideClasses } from '../src/pipeline/mars/prototypes';
import { CellFeatures, similarityMap } from '../src/pipeline/mars/similarityMap';
import { OnnxHost } from '../src/engine/session';
import { Projector } from '../src/pipeline/featureSpace';
import type { LabelMap, Maps } from '../src/shared/maps';
import { markdown, median } from './measure';

const [GRID_HEIGHT, GRID_WIDTH] = [18, 24];
const [HEIGHT, WIDTH] = [375, 500];
const CLASSES = 20;
const MANY = 100_000;

const { space, ...settings } = QUICK.mars;
const DIMENSIONS = space.layers.reduce((sum, { dimensions }) => sum + dimensions, 0);

export async function marsReport(photos: number, progress: (line: string) => void): Promise<string> {
  const times = await stepTimes(photos);
  progress('  state of 100,000 photos');
  const state = stateOfMany();
  const rows = [...times].map(([step, values]) => [step, median(values).toFixed(1), Math.min(...values).toFixed(1)]);
  return [
    markdown(['ms a photo, beyond features', 'median', 'least'], rows),
    '',
    `State of ${MANY.toLocaleString('en-US')} photos, five clusters of ${DIMENSIONS} dimensions each: ${(state.bytes / 1e6).toFixed(0)} MB on disk, ${(state.memory / 1e6).toFixed(0)} MB in memory.`,
  ].join('\n');
}

async function stepTimes(photos: number): Promise<Map<string, number[]>> {
  const marsSettings: MarsSettings = settings;
  const times = new Map<string, number[]>();
  const timed = async <T>(step: string, work: () => T | Promise<T>): Promise<T> => {
    const start = performance.now();
    const result = await work();
    times.set(step, [...(times.get(step) ?? []), performance.now() - start]);
    return result;
  };
  const host = new OnnxHost('cpu');
  const channels = { deep: 2048, middle: 768, fine: 288 };
  const layers = space.layers.map(({ role, dimensions, weight }, i) => {
    const rows = Float32Array.from({ length: dimensions * channels[role] }, noise(i + 1));
    return { channels: channels[role], dimensions, weight, rows, mean: new Float32Array(channels[role]) };
  });
  const projector = new Projector(host, { layers, root: space.root });
  const store = new CentroidStore(DIMENSIONS);
  const all: { name: string; features: Maps; mask: LabelMap; tags: number[] }[] = [];
  for (let i = 0; i < photos; i++) {
    const raw = layers.map(({ channels: depth }, l): Maps => ({ data: Float32Array.from({ length: depth * GRID_HEIGHT * GRID_WIDTH }, noise(1000 * i + l)), channels: depth, height: GRID_HEIGHT, width: GRID_WIDTH }));
    const features = await timed('features into the space (pass 1 and 2)', () => projector.project(raw));
    const tags = [1 + (i % CLASSES), 1 + ((i * 7 + 3) % CLASSES)].sort((a, b) => a - b);
    const mask = maskOf(tags);
    const found = await timed('clusters (pass 1)', () => clusterPhoto(features, mask, marsSettings));
    all.push({ name: `${i}`.padStart(5, '0'), features, mask, tags });
    store.set(`${i}`.padStart(5, '0'), { key: '', tags: classesOf(mask, tags) }, found.clusters);
  }
  // As many backgrounds as the largest data sets compare with.
  for (let i = photos; i < marsSettings.mostBackgroundPhotos; i++) store.set(`${i}`.padStart(5, '0'), { key: '', tags: [1 + (i % CLASSES)] }, madeUp(i));
  const decided = await timed('decisions between the passes (once)', () => decideClasses(store, marsSettings));
  const sample: ScoreSample = new Map();
  const chosen = new Set(budgetPhotos(decided));
  for (const { name, features, mask, tags } of all) if (chosen.has(name)) sampleScores(sample, name, new CellFeatures(features), mask, tags, decided, marsSettings);
  // Made-up features are biased in nothing: let every class be judged all the same.
  const decisions = applyBudget(decided, sample, { ...marsSettings, onlyBiased: false });
  const backgrounds = Backgrounds.of(store, marsSettings.mostBackgroundPhotos);
  for (const { name, features, mask, tags } of all) {
    const cells = new CellFeatures(features);
    const similarity = await timed('similarity (pass 2)', () => similarityMap(cells, name, tags, decisions, marsSettings));
    if (!similarity) continue;
    const debiased = await timed('cut, regions (pass 2)', () => debias(mask, similarity, new Set(tags), { ...marsSettings, crf: null }, null));
    const provenance = { run: '', source: '', mask: '', model: '', version: '' };
    await timed('evidence (pass 2)', () => explainPhoto({ photo: name, tags, mask, cells, similarity, debiased, decisions, store, backgrounds, settings: marsSettings, provenance }));
  }
  await projector.release();
  return times;
}

function stateOfMany(): { bytes: number; memory: number } {
  const before = process.memoryUsage();
  const store = new CentroidStore(DIMENSIONS);
  const clusters = madeUp(1);
  for (let i = 0; i < MANY; i++) store.set(`folder/photo-${i}.jpg`, { key: 'k'.repeat(64), tags: [1 + (i % CLASSES)] }, clusters);
  const after = process.memoryUsage();
  return { bytes: encodeCentroids(store).length, memory: after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers };
}

/** Two clusters of background, three of classes. */
function madeUp(seed: number): LocalCluster[] {
  const next = noise(seed);
  return Array.from({ length: 5 }, (_, i) => ({ classId: i < 2 ? 0 : 1 + (seed % CLASSES), cluster: i % 3, cells: 50, centroid: Float32Array.from({ length: DIMENSIONS }, next) }));
}

/** Two boxes. */
function maskOf([first, second]: number[]): LabelMap {
  const data = new Uint8Array(HEIGHT * WIDTH);
  for (let y = 60; y < 300; y++) {
    data.fill(first, y * WIDTH + 40, y * WIDTH + 230);
    data.fill(second, y * WIDTH + 260, y * WIDTH + 460);
  }
  return { data, height: HEIGHT, width: WIDTH };
}

/** 0..1, the same for the same seed. */
function noise(seed: number): () => number {
  let state = Math.imul(seed + 1, 2654435761) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
