/**
 * A cancellable notification around a short job.
 */
import * as vscode from 'vscode';

export function working<T>(title: string, job: (signal: AbortSignal) => Promise<T>): Thenable<T> {
  return vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title, cancellable: true }, (_, token) => {
    const abort = new AbortController();
    token.onCancellationRequested(() => abort.abort());
    return job(abort.signal);
  });
}
