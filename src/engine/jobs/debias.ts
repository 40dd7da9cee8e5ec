/**
 * Debiasing alone: of SeedMask's own masks, in place; or of masks from anywhere (SAM's, somebody's), whose debiased versions get a name of their own beside the photos.
 * Masks that are not ours are never written over. A run that was cancelled is gone on with by running it again.
 */
import { DEBIASED_NAME, debiasedHome, isMaskOf, maskInput, writeDebiasedRecord } from '../../dataset/debiased';
import { Manifest } from '../../dataset/manifest';
import { checkPattern, planOutputs } from '../../dataset/outputs';
import { mergeClassTable } from '../../dataset/classTable';
import { removeLeftovers } from '../../dataset/folder';
import { inTurn } from '../../dataset/turn';
import { SeedMaskError } from '../../shared/errors';
import type { Params, RunSummary } from '../../shared/protocol';
import { plural } from '../../shared/runTexts';
import type { JobContext } from '../context';
import type { Engine } from '../engine';
import { loadRunModels } from '../photoFeatures';
import { Progress } from '../progress';
import { openDataSet, type DataSet } from './dataSet';
import { foreignSources, ownSources, type DebiasSource } from './debiasSources';
import { debiasStage } from './debiasStage';
import { presetOf, recorded, type Frame } from './recorded';
import { Workshop } from './workshop';

export async function debias({ root, photos, settings, masks, debiasedName }: Params<'debias'>, context: JobContext, engine: Engine): Promise<RunSummary> {
  const preset = await presetOf(settings);
  const name = debiasedName || DEBIASED_NAME;
  checkPattern(name);
  if (masks !== undefined && name === settings.outputName) {
    throw new SeedMaskError('bad-settings', `'${name}' is the name of SeedMask's own masks; debiased masks from elsewhere need another, like ${DEBIASED_NAME}`);
  }
  return recorded({ root, settings, ...(photos && { only: photos }), crashed: false, job: 'debias' }, context, async frame => {
    const { recorder } = frame;
    const progress = new Progress(event => context.emit(event));
    progress.begin('scan', 0);
    const models = await loadRunModels(engine.weightsFolder, settings.backbone, false, settings.marsFeatures);
    const workshop = new Workshop(root, settings, preset, models, context, recorder, progress, frame.quarantine, engine);
    const dataSet = await openDataSet(root, settings, photos, context.signal);
    for (const note of dataSet.notes) recorder.note(note);
    await removeLeftovers(root, dataSet.wanted);
    try {
      await (masks === undefined ? debiasOwn(dataSet, photos, workshop, frame) : debiasForeign(dataSet, masks, name, workshop, frame));
    } finally {
      await workshop.release();
    }
  });
}

async function debiasOwn(dataSet: DataSet, only: readonly string[] | undefined, workshop: Workshop, frame: Frame): Promise<void> {
  const { root } = dataSet;
  const { recorder } = frame;
  const manifest = await Manifest.open(root);
  try {
    const sources = await collected(ownSources(dataSet, manifest, new Map()), workshop);
    const wanted = only && new Set(dataSet.wanted);
    const meant = sources.filter(({ photo }) => wanted?.has(photo) ?? true);
    recorder.set({ photos: meant.length });
    for (const { photo, writes } of meant) if (!writes) await recorder.count(photo, 'kept');
    if (!meant.some(({ writes }) => writes)) {
      recorder.note(sources.length === 0 ? 'there are no masks beside the photos; give --masks to debias masks from elsewhere' : 'no mask here is SeedMask\'s own; --masks {stem}.mask.png debiases them under another name');
      return;
    }
    await debiasStage({ root, home: root, sources, wanted, table: dataSet.table, manifest, workshop, frame, stale: false, tell: recorderTells(frame) });
  } finally {
    await manifest.close();
  }
}

async function debiasForeign(dataSet: DataSet, masks: string, name: string, workshop: Workshop, frame: Frame): Promise<void> {
  const { root } = dataSet;
  const { recorder } = frame;
  const input = await maskInput(root, masks);
  const all = [...dataSet.wanted, ...dataSet.untagged].filter(photo => !isMaskOf(masks, photo) && !isMaskOf(name, photo)).sort();
  const { outputs, refused } = planOutputs(all, name);
  for (const failure of refused) await recorder.refuse(failure);
  const home = debiasedHome(root);
  await inTurn(root, () => mergeClassTable(root, dataSet.table));
  await writeDebiasedRecord(root, { masks, outputName: name });
  const manifest = await Manifest.open(home);
  try {
    const sources = await collected(foreignSources({ ...dataSet, wanted: all }, input, outputs), workshop);
    recorder.set({ photos: sources.length, untagged: all.length - sources.length });
    if (sources.length === 0) throw new SeedMaskError('no-photos', `none of the ${plural(all.length, 'photo')} has a mask there`, masks);
    if (sources.length < all.length) recorder.note(`${plural(all.length - sources.length, 'photo')} without a mask: left out`);
    await debiasStage({ root, home, sources, wanted: undefined, table: dataSet.table, manifest, workshop, frame, stale: false, tell: recorderTells(frame) });
  } finally {
    await manifest.close();
  }
}

async function collected(sources: AsyncIterable<DebiasSource>, { context, progress }: Workshop): Promise<DebiasSource[]> {
  const all: DebiasSource[] = [];
  progress.begin('scan', 0);
  for await (const source of sources) {
    context.signal.throwIfAborted();
    all.push(source);
  }
  return all;
}

function recorderTells({ recorder }: Frame): { done(photo: string, outcome: 'written' | 'kept' | 'skipped'): Promise<void>; failed(photo: string, error: unknown): Promise<void> } {
  return { done: (photo, outcome) => recorder.count(photo, outcome), failed: (photo, error) => recorder.fail(photo, error) };
}
