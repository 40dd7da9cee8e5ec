/**
 * A job as a person sees it while it runs: one notification with the progress and a cancel button, a status bar item, and at its end whatever the job has to tell.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { SeedMaskError } from '../shared/errors';
import type { EngineEvent, RunSummary } from '../shared/protocol';
import type { Shares } from './progressText';
import type { Services } from './services';

/** Notifications are redrawn at most this often, in ms. */
const REDRAW_MS = 150;

export interface Job {
  root: string;
  /** What the run's summary says of it. */
  facts?: Pick<RunSummary, 'job' | 'preset'>;
  shares: Shares;
  ask(options: { signal: AbortSignal; onEvent: (event: EngineEvent) => void }): Promise<RunSummary>;
  /** Its end; not waited for. @param firstWritten the first photo whose mask was written */
  ended(summary: RunSummary, firstWritten: string | undefined): unknown;
  /** It was cancelled and the engine could not stop by itself: there is no summary. Not waited for. */
  cancelled(): unknown;
}

/**
 * @returns the run's summary; undefined when it was cancelled before it could leave one.
 * @throws SeedMaskError when it could not start or a run lives already
 */
export async function runJob(services: Services, { root, facts, shares, ask, ended, cancelled }: Job): Promise<RunSummary | undefined> {
  const { run, log, runsView, dataSets } = services;
  if (run.summary) throw new SeedMaskError('locked', `a run on ${basename(run.summary.root)} is under way in this window`);
  const signal = run.start(root, facts, shares);
  let firstWritten: string | undefined;
  try {
    await dataSets.remember(root);
    const options: vscode.ProgressOptions = { location: vscode.ProgressLocation.Notification, title: `SeedMask: ${basename(root)}`, cancellable: true };
    const summary = await vscode.window.withProgress(options, (progress, token) => {
      token.onCancellationRequested(() => run.cancel());
      progress.report({ message: 'starting the engine' });
      let shown = 0;
      let drawn = 0;
      return ask({
        signal,
        onEvent: event => {
          run.event(event);
          if (event.type === 'photo') {
            if (event.state === 'written') firstWritten ??= event.photo;
            if (event.state === 'failed') log.warn(`${event.photo}: ${event.message ?? 'failed'}`);
          }
          if (event.type !== 'progress') return;
          const now = Date.now();
          if (now - drawn < REDRAW_MS && event.done < event.total) return;
          drawn = now;
          const percent = 100 * run.share;
          progress.report({ message: run.line, increment: percent - shown });
          shown = percent;
        },
      });
    });
    for (const note of summary.notes) log.info(note);
    void ended(summary, firstWritten);
    return summary;
  } catch (error) {
    if (!(error instanceof SeedMaskError && error.reason === 'cancelled')) throw error;
    log.info(`Cancelled: ${root}`);
    void cancelled();
    return undefined;
  } finally {
    run.end();
    void runsView.refresh();
  }
}
