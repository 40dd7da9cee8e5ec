/**
 * *Train on Folder…* and *Resume Training*: a training as a person sees it, with its curves in a tab from the start and one summary at its end that leads to masks.
 */
import * as vscode from 'vscode';
import { SeedMaskError } from '../../shared/errors';
import type { RunSummary } from '../../shared/protocol';
import type { RunSettings } from '../../shared/settings';
import { TrainingHistory } from '../../shared/trainingHistory';
import { generate, settingsFor } from '../generate';
import { TRAINING_SHARES, trainingSummaryLine } from '../progressText';
import { runJob } from '../runJob';
import type { Services } from '../services';
import { readLines, readRecord } from './runFiles';

const GENERATE = 'Generate Masks';
const RESUME = 'Resume Training';
const CURVES = 'Show Curves';
const LOG = 'Show Log';

/**
 * Trains on a folder. The summary message is shown, not waited for.
 * @param resumed the run to go on with; its own settings hold
 * @returns the run's summary; undefined when it was cancelled before it could leave one.
 * @throws SeedMaskError when the training could not start or a run lives already.
 */
export async function train(services: Services, root: string, settings: RunSettings, resumed?: RunSummary): Promise<RunSummary | undefined> {
  const preset = resumed?.preset ?? settings.preset;
  services.log.info(`${resumed ? 'Resuming the training' : `Training with the preset '${settings.presetFile ?? preset}'`} on ${root}`);
  const params = { root, settings, ...(resumed && { resume: true }) };
  const end = runJob(services, {
    root,
    facts: { job: 'train', preset },
    shares: TRAINING_SHARES,
    ask: options => services.engine.request('train', params, options),
    ended: summary => showSummary(services, summary),
    cancelled: () => offerResume(root),
  });
  const panel = services.run.summary?.root === root ? services.trainings.showBegun(root, resumed?.id) : undefined;
  const summary = await end;
  // One that ended before its first word got no id from it.
  if (summary && panel?.run === undefined) await panel?.begin(summary.id);
  return summary;
}

/** Makes masks by what a training has learnt: with its preset and what else it was made for. @throws SeedMaskError 'unavailable' when its record is gone */
export async function generateTrained(services: Services, root: string, run: string): Promise<RunSummary | undefined> {
  const record = await readRecord(root, run);
  if (!record) throw new SeedMaskError('unavailable', 'the record of this training cannot be read any more; generate masks with its preset instead');
  const { preset, presetFile, saliency, backbone } = record.settings;
  const { presetFile: _file, backbone: _backbone, ...own } = settingsFor(root);
  return generate(services, { root }, { ...own, preset, saliency, ...(presetFile !== undefined && { presetFile }), ...(backbone !== undefined && { backbone }) });
}

async function showSummary(services: Services, summary: RunSummary): Promise<void> {
  const { root, id, state } = summary;
  const history = new TrainingHistory();
  for (const line of await readLines(root, id)) history.add(line);
  const text = trainingSummaryLine(summary, history.stages);
  services.log.info(text);
  const buttons = [...(state === 'done' ? [GENERATE] : [RESUME]), CURVES, LOG];
  const choice = await (state === 'failed' || summary.failed.length > 0 ? vscode.window.showWarningMessage : vscode.window.showInformationMessage)(text, ...buttons);
  if (choice === GENERATE) await vscode.commands.executeCommand('seedmask.generateTrained', root, id);
  else if (choice === RESUME) await vscode.commands.executeCommand('seedmask.resumeTraining', root);
  else if (choice === CURVES) services.trainings.show(root, id);
  else if (choice === LOG) services.log.show(true);
}

/** After an engine that could not stop by itself: it left no summary. */
async function offerResume(root: string): Promise<void> {
  const choice = await vscode.window.showInformationMessage('SeedMask: the training was cancelled. It can be resumed from its last checkpoint.', RESUME);
  if (choice === RESUME) await vscode.commands.executeCommand('seedmask.resumeTraining', root);
}
