/**
 * The engine process that answers reviews, apart from the one that runs jobs. Through it the window says which photos have unsaved strokes (`reviewHold`): no run
 * writes these. The word is the window's: it outlives the process and ends with the window.
 */
import * as vscode from 'vscode';
import { describeError } from '../../shared/errors';
import type { Method, Params, Result } from '../../shared/protocol';
import { Engine } from '../engine';

/** A person looks at a mask for longer than a job pauses. */
const IDLE_MS = 10 * 60_000;

type ReviewMethod = Extract<Method, `review${string}`>;

export class ReviewEngine implements vscode.Disposable {
  readonly #engine: Engine;
  /** By root, then by the document that holds. */
  readonly #holds = new Map<string, Map<object, readonly string[]>>();
  /** What was told last, by root. */
  readonly #told = new Map<string, string>();
  #telling: Promise<void> = Promise.resolve();

  constructor(
    extensionPath: string,
    cacheDir: string,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.#engine = new Engine(extensionPath, cacheDir, log, IDLE_MS);
  }

  /** @throws SeedMaskError as the engine says. */
  request<M extends ReviewMethod>(method: M, params: Params<M>, signal?: AbortSignal): Promise<Result<M>> {
    return this.#engine.request(method, params, { ...(signal && { signal }) });
  }

  /** `holder` has unsaved strokes on these photos of `root`, and on no others. Resolves when that is on disk. */
  hold(root: string, holder: object, photos: readonly string[]): Promise<void> {
    const holders = this.#holds.get(root) ?? new Map<object, readonly string[]>();
    this.#holds.set(root, holders);
    if (photos.length > 0) holders.set(holder, photos);
    else holders.delete(holder);
    this.#telling = this.#telling.then(() => this.#tell(root));
    return this.#telling;
  }

  dispose(): Promise<void> {
    return this.#engine.dispose();
  }

  async #tell(root: string): Promise<void> {
    const photos = [...new Set([...(this.#holds.get(root)?.values() ?? [])].flat())].sort();
    const words = JSON.stringify(photos);
    if (words === (this.#told.get(root) ?? '[]')) return;
    try {
      await this.request('reviewHold', { root, photos });
      this.#told.set(root, words);
    } catch (error) {
      this.log.warn(`Photos with unsaved strokes could not be kept from runs: ${describeError(error)}`);
    }
  }
}
