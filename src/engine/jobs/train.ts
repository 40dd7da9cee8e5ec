/**
 * Trains the networks of a preset on a folder of tagged photos. Writes no masks: `generate` with the same preset uses what was learnt. A training that goes on does so in the
 * run that it began in, with the settings and numbers that it began with.
 */
import { readFile } from 'node:fs/promises';
import { parsePreset, type Preset } from '../../../models/presets';
import { mergeClassTable } from '../../dataset/classTable';
import { removeLeftovers } from '../../dataset/folder';
import { Manifest } from '../../dataset/manifest';
import { lastUnfinishedTraining, runPath, type RunRecord } from '../../dataset/runs';
import { inTurn } from '../../dataset/turn';
import { SeedMaskError } from '../../shared/errors';
import type { Params, RunSummary } from '../../shared/protocol';
import type { RunSettings } from '../../shared/settings';
import type { JobContext } from '../context';
import type { Engine } from '../engine';
import { loadRunModels } from '../photoFeatures';
import { Progress } from '../progress';
import { plannedStages } from '../training/stages';
import { openDataSet } from './dataSet';
import { FolderLearning } from './folderLearning';
import { debiases } from './plan';
import { presetOf, recorded, type Frame } from './recorded';
import { trainFolder } from './trainFolder';
import { Workshop } from './workshop';

/** @throws SeedMaskError 'unavailable' where the preset trains nothing, 'bad-settings', 'locked' */
export async function train(params: Params<'train'>, context: JobContext, engine: Engine): Promise<RunSummary> {
  const { root } = params;
  const unfinished = params.resume ? await lastUnfinishedTraining(root) : undefined;
  const settings = unfinished?.settings ?? params.settings;
  const preset = unfinished ? await presetOfTraining(root, unfinished) : await presetOf(settings);
  if (plannedStages(preset).length === 0) throw new SeedMaskError('unavailable', `the preset '${preset.name}' trains nothing: it makes masks as it is`);
  return recorded({ root, settings, job: 'train', crashed: params.crashed ?? false, ...(unfinished && { goesOn: unfinished.summary }) }, context, frame =>
    new TrainingRun(root, settings, preset, context, engine, frame).run({ goesOn: unfinished !== undefined, resumed: params.resume ?? false, crashed: params.crashed ?? false }),
  );
}

/** The numbers that a training began with, whatever its preset's file says by now. */
export async function presetOfTraining(root: string, { settings, summary: { id } }: RunRecord): Promise<Preset> {
  const file = runPath(root, id, 'preset.json');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? presetOf(settings) : parsePreset(text, file);
}

class TrainingRun {
  constructor(
    private readonly root: string,
    private readonly settings: RunSettings,
    private readonly preset: Preset,
    private readonly context: JobContext,
    private readonly engine: Engine,
    private readonly frame: Frame,
  ) {}

  async run({ goesOn, resumed, crashed }: { goesOn: boolean; resumed: boolean; crashed: boolean }): Promise<void> {
    const { root, settings, preset, context, engine, frame } = this;
    const { recorder, quarantine } = frame;
    if (resumed && !goesOn) recorder.note('no training of this folder was stopped: this is a new one');
    if (crashed) recorder.note('the engine fell while it trained; the training went on from what was kept');
    const progress = new Progress(event => context.emit(event));
    progress.begin('scan', 0);
    const dataSet = await openDataSet(root, settings, undefined, context.signal);
    for (const note of dataSet.notes) if (!goesOn) recorder.note(note);
    if (![...dataSet.tags.values()].some(tags => tags.length > 0)) throw new SeedMaskError('nothing-to-learn', 'no photo of this folder has tags');
    await inTurn(root, () => mergeClassTable(root, dataSet.table));
    await removeLeftovers(root, dataSet.wanted);
    const models = await loadRunModels(engine.weightsFolder, settings.backbone, settings.saliency, debiases(dataSet, settings) ? settings.marsFeatures : undefined);
    const workshop = new Workshop(root, settings, preset, models, context, recorder, progress, quarantine, engine);
    const manifest = await Manifest.open(root);
    try {
      await trainFolder({ dataSet, workshop, learning: new FolderLearning(dataSet, workshop, engine, new Map()), manifest, frame, goesOn });
    } finally {
      await manifest.close();
      await workshop.release();
    }
  }
}
