/**
 * Scores masks against true masks: those beside the photos, or a folder of somebody's predictions. Ids are matched by class name where the truth brings a
 * `classes.json` (in its folder or one up), else taken as they are. With `stages`, the CAMs and refined maps that the run left are scored as well, each at
 * its own background score, so that one sees what every step gave; masks as they were before debiasing, too. With `leak`, see leak.ts.
 */
import { join } from 'node:path';
import { readClassTable, type ClassTable } from '../../dataset/classTable';
import { homeOf } from '../../dataset/debiased';
import { readClassEvidence, readMarsLayers } from '../../dataset/evidenceStore';
import { readLayers, type Layers } from '../../dataset/layers';
import { planOutputs } from '../../dataset/outputs';
import { isInside } from '../../dataset/paths';
import { scanPhotos } from '../../dataset/scan';
import { idMap, readMaskFile, readNamedMask, relabel } from '../../dataset/trueMasks';
import { Confusion } from '../../pipeline/metrics';
import { maskAtSize } from '../../pipeline/photoMask';
import { SeedMaskError } from '../../shared/errors';
import { IGNORE, type LabelMap, type Maps } from '../../shared/maps';
import type { Params, Result, Scores } from '../../shared/protocol';
import { plural } from '../../shared/runTexts';
import type { JobContext } from '../context';
import { Progress } from '../progress';
import { LeakMeter, SelectedClusters } from './leak';

const STAGE_NAMES = ['CAM', 'refined (SCG, PAMR)', 'before MARS', 'mask'] as const;
type Stage = (typeof STAGE_NAMES)[number];

export async function evaluate({ root, photos, settings, truth, predictions, stages, leak }: Params<'evaluate'>, { emit, signal }: JobContext): Promise<Result<'evaluate'>> {
  const scan = await scanPhotos(root, { outputName: settings.outputName, signal });
  // Masks to compare with may lie below the photos' folder, under any name: they are no photos.
  const masks = [truth, ...(predictions === undefined ? [] : [predictions]), ...(leak ? [leak.truth] : [])].filter(folder => isInside(root, folder) && !isInside(folder, root));
  const wanted = (photos ?? scan.photos).filter(photo => !masks.some(folder => isInside(folder, join(root, photo))));
  const outputs = planOutputs(scan.photos, settings.outputName).outputs;
  const ours = await readClassTable(root);
  const theirs = await readClassTable(truth);
  const named = theirs.classes.length > 1 ? theirs : ours;
  const toTruth = idMap(predictions ? named : ours, named);
  // Without names anywhere, every id is a class.
  const classes = named.classes.length > 1 ? Math.max(...named.classes.map(({ id }) => id)) + 1 : IGNORE;
  const home = await homeOf(root, settings.outputName);
  const debiased = predictions === undefined && (await readClassEvidence(home)).length > 0;
  const meter = leak && (await LeakMeter.open(leak, named));
  const selected = debiased && (stages || leak) ? await SelectedClusters.open(home) : undefined;
  const notes: string[] = [];
  const measured = new Map<Stage, { confusion: Confusion; photos: number }>();
  const entry = (stage: Stage) => {
    const found = measured.get(stage) ?? { confusion: new Confusion(classes), photos: 0 };
    measured.set(stage, found);
    return found;
  };

  const progress = new Progress(emit);
  progress.begin('evaluate', wanted.length);
  let withoutTruth = 0;
  let withoutMask = 0;
  let unscored = 0;
  for (const photo of wanted) {
    signal.throwIfAborted();
    try {
      const trueMask = await readNamedMask(truth, photo);
      if (!trueMask) withoutTruth++;
      else {
        const output = outputs.get(photo);
        const found = predictions ? await readNamedMask(predictions, photo) : output === undefined ? undefined : await readMaskFile(join(root, output));
        const mask = found ?? background(trueMask);
        count(entry('mask'), relabel(mask, toTruth), trueMask, photo);
        if (!found) withoutMask++;
        const before = debiased ? (await readMarsLayers(home, photo))?.before ?? mask : mask;
        if (selected) {
          count(entry('before MARS'), relabel(before, toTruth), trueMask, photo);
          await selected.add(photo, trueMask, toTruth);
        }
        const around = meter && leak && (await readNamedMask(leak.truth, photo));
        if (meter && around) meter.add(relabel(before, toTruth), relabel(mask, toTruth), trueMask, sameSize(around, trueMask, photo));
        const layers = stages ? await readLayers(root, photo) : undefined;
        for (const [stage, maps, threshold] of layers ? layerStages(layers) : []) {
          const ids = (layers as Layers).info.classes.map(({ id }) => id);
          count(entry(stage), relabel(maskAtSize(maps, ids, threshold, trueMask.height, trueMask.width), toTruth), trueMask, photo);
        }
        if (stages && !layers) {
          if (mask.data.some(id => id !== 0)) notes.push(`${photo}: its layers are not there; its CAM and refined maps count as empty`);
          for (const stage of STAGE_NAMES.slice(0, 2)) count(entry(stage), background(trueMask), trueMask, photo);
        }
      }
    } catch (error) {
      if (!(error instanceof SeedMaskError)) throw error;
      unscored++;
      notes.push(`${photo}: ${error.message}`);
    }
    progress.step();
  }
  if (withoutMask === (measured.get('mask')?.photos ?? 0)) {
    const [why = 'they are matched by name without extension'] = notes;
    throw new SeedMaskError('no-photos', `no photo has both a mask and a true mask that fit (${why})`, truth);
  }
  if (withoutMask > 0) notes.push(`${plural(withoutMask, 'photo')} without a mask: counted as background`);
  if (withoutTruth > 0) notes.push(`${plural(withoutTruth, 'photo')} without a true mask: left out`);
  return {
    scores: STAGE_NAMES.flatMap(stage => toScores(stage, measured.get(stage), named)),
    ...(meter && { leaks: meter.leaks(), lost: meter.lost() }),
    ...(selected && { selected: { clusters: selected.clusters, right: selected.right } }),
    unscored,
    notes: notes.slice(0, 200),
  };
}

/** @throws SeedMaskError 'bad-mask' if the two differ in size */
function sameSize(around: LabelMap, truth: LabelMap, photo: string): LabelMap {
  if (around.width === truth.width && around.height === truth.height) return around;
  throw new SeedMaskError('bad-mask', `the true mask of surroundings is ${around.width} x ${around.height}, the true mask ${truth.width} x ${truth.height}`, photo);
}

function* layerStages({ info, cams, refined }: Layers): Generator<[Stage, Maps, number]> {
  yield ['CAM', cams, info.thresholds['cam'] ?? 0.25];
  yield ['refined (SCG, PAMR)', refined, info.thresholds['refined'] ?? 0.25];
}

/** @throws SeedMaskError 'bad-mask' where they do not fit; nothing is counted then. */
function count(target: { confusion: Confusion; photos: number }, prediction: LabelMap, truth: LabelMap, photo: string): void {
  if (prediction.width !== truth.width || prediction.height !== truth.height) {
    throw new SeedMaskError('bad-mask', `the mask is ${prediction.width} x ${prediction.height}, the true mask ${truth.width} x ${truth.height}`, photo);
  }
  for (const [name, { data }] of [['mask', prediction], ['true mask', truth]] as const) {
    const beyond = data.find(id => id !== IGNORE && id >= target.confusion.classes);
    if (beyond !== undefined) throw new SeedMaskError('bad-mask', `the ${name} holds the id ${beyond}, which the table of classes does not have`, photo);
  }
  target.confusion.add(prediction, truth);
  target.photos++;
}

function toScores(stage: Stage, found: { confusion: Confusion; photos: number } | undefined, table: ClassTable): Scores[] {
  if (!found) return [];
  const { miou, fp, fn, classes } = found.confusion.scores();
  return [{
    stage,
    photos: found.photos,
    miou,
    fp,
    fn,
    classes: classes.flatMap(({ id, iou, fp: classFp, fn: classFn }) => {
      const name = table.nameOf(id) ?? (iou === null ? undefined : `class ${id}`);
      return name === undefined ? [] : [{ id, name, iou, fp: classFp, fn: classFn }];
    }),
  }];
}

/** What a photo without a mask counts as. */
function background({ width, height }: LabelMap): LabelMap {
  return { data: new Uint8Array(width * height), width, height };
}
