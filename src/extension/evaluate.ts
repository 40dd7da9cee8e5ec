/**
 * *Evaluate Against Masks…*: scores the masks beside the photos against a folder of true masks and shows the figures as a document.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Result } from '../shared/protocol';
import { progressLine } from '../shared/runTexts';
import { settingsFor } from './generate';
import { scoresReport } from './reportText';
import type { Services } from './services';

/** @throws SeedMaskError for masks that cannot be read or do not fit. */
export async function evaluate({ engine, reports, log }: Services, root: string, truth: string): Promise<Result<'evaluate'>> {
  const options: vscode.ProgressOptions = { location: vscode.ProgressLocation.Notification, title: `SeedMask: measuring ${basename(root)}`, cancellable: true };
  const result = await vscode.window.withProgress(options, (progress, token) => {
    const abort = new AbortController();
    token.onCancellationRequested(() => abort.abort());
    return engine.request('evaluate', { root, truth, settings: settingsFor(root), stages: true }, {
      signal: abort.signal,
      onEvent: event => event.type === 'progress' && progress.report({ message: progressLine(event) }),
    });
  });
  for (const { stage, miou, photos } of result.scores) log.info(`${root}: ${stage} ${miou.toFixed(1)} mIoU on ${photos} photos`);
  await reports.show(`SeedMask ${basename(root)} scores`, scoresReport(result, root, truth));
  return result;
}
