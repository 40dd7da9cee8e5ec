/**
 * Commands of training: to start and resume one, to make masks by what it learnt, and to look at its curves.
 */
import * as vscode from 'vscode';
import { SeedMaskError } from '../../shared/errors';
import type { RunSummary } from '../../shared/protocol';
import { pickRun, refuseSecondRun } from '../pickRun';
import type { RunNode } from '../runsView';
import type { Services } from '../services';
import { working } from '../working';

type Handler = (services: Services, ...args: never[]) => unknown;

/** Work, so they need trust. */
export const TRAINING_WORK: Record<string, Handler> = {
  train: async (services, ...[clicked]: [clicked?: vscode.Uri]): Promise<RunSummary | undefined> => {
    const { folderTargets } = await import('../target');
    const { settingsFor } = await import('../generate');
    const { chooseTraining } = await import('./chooseTraining');
    const { train } = await import('./train');
    refuseSecondRun(services);
    const [root] = (await folderTargets(services.dataSets, 'Train on Folder', clicked)) ?? [];
    if (root === undefined) return undefined;
    const start = settingsFor(root);
    const plan = await working('SeedMask: reading the folder', signal => services.engine.request('plan', { root, settings: start }, { signal }));
    if (plan.photos === 0) throw new SeedMaskError('no-photos', `${root} holds no tagged photos`);
    const settings = await chooseTraining(root, start, plan);
    return settings && train(services, root, settings);
  },

  resumeTraining: async (services, from?: RunNode | string): Promise<RunSummary | undefined> => {
    const { settingsFor } = await import('../generate');
    const { train } = await import('./train');
    refuseSecondRun(services);
    const root = typeof from === 'string' ? from : from?.run.root;
    const trainings = await services.runsView.resumableTrainings();
    const run = root === undefined ? await pickRun(trainings, 'training') : trainings.find(one => one.root === root);
    if (!run) {
      if (root !== undefined) throw new SeedMaskError('unavailable', 'there is no training to resume', root);
      return undefined;
    }
    return train(services, run.root, settingsFor(run.root), run);
  },

  generateTrained: async (services, root: string, run: string): Promise<RunSummary | undefined> => {
    refuseSecondRun(services);
    return (await import('./train')).generateTrained(services, root, run);
  },
};

/** Only looks. */
export const TRAINING_SHOW: Record<string, Handler> = {
  showTraining: async ({ run, runsView, trainings }, node?: RunNode) => {
    const live = run.summary;
    const wanted = node?.run ?? (live && (live.job === 'train' || run.training.stages.length > 0) ? live : undefined) ?? (await newest(runsView.runs));
    if (wanted?.id === 'current') trainings.showBegun(wanted.root);
    else if (wanted) trainings.show(wanted.root, wanted.id);
  },
};

/** The newest training of each data set, one of them chosen. @throws SeedMaskError when there is none */
function newest(runs: readonly RunSummary[]): Promise<RunSummary | undefined> {
  const byRoot = new Map<string, RunSummary>();
  for (const run of runs) if (run.job === 'train' && !byRoot.has(run.root)) byRoot.set(run.root, run);
  if (byRoot.size === 0) throw new SeedMaskError('unavailable', 'nothing was trained in this workspace yet');
  return pickRun([...byRoot.values()], 'training', 'Show which training?');
}
