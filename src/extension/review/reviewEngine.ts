/**
 * The engine process that answers reviews, apart from the one that runs jobs. Through it the window says which photos have unsaved strokes (`reviewHold`): no run
 * writes these. The word holds while the process lives, so it lives as long as a review is open, and after a crash the word is given again.
 */
import * as vscode from 'vscode';
import { SeedMaskError } from '../../shared/errors';
import type { Method, Params, Result } from '../../shared/protocol';
import { Engine } from '../engine';

/** While a review is open the process is not to end by itself. */
const NEVER_MS = 2 ** 31 - 1;

type ReviewMethod = Extract<Method, `review${string}`>;

export class ReviewEngine implements vscode.Disposable {
  readonly #engine: Engine;
  /** By root, then by the document that holds. */
  readonly #holds = new Map<string, Map<object, readonly string[]>>();
  /** What the process was told last, by root. */
  readonly #told = new Map<string, string>();
  #telling: Promise<void> = Promise.resolve();
  #open = 0;

  constructor(
    extensionPath: string,
    cacheDir: string,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.#engine = new Engine(extensionPath, cacheDir, log, NEVER_MS);
  }

  /** A review is open until the result is disposed. */
  open(): vscode.Disposable {
    this.#open++;
    return new vscode.Disposable(() => {
      this.#open--;
      // The telling of what is held no more comes first.
      void this.#telling.then(async () => {
        if (this.#open === 0) await this.#engine.stop();
      });
    });
  }

  /** @throws SeedMaskError as the engine says. */
  async request<M extends ReviewMethod>(method: M, params: Params<M>, signal?: AbortSignal): Promise<Result<M>> {
    try {
      return await this.#engine.request(method, params, { ...(signal && { signal }) });
    } catch (error) {
      if (error instanceof SeedMaskError && error.reason === 'engine-gone') this.#giveWordAgain();
      throw error;
    }
  }

  /** `holder` has unsaved strokes on these photos of `root`, and on no others. */
  hold(root: string, holder: object, photos: readonly string[]): Promise<void> {
    const holders = this.#holds.get(root) ?? new Map<object, readonly string[]>();
    this.#holds.set(root, holders);
    if (photos.length > 0) holders.set(holder, photos);
    else holders.delete(holder);
    return this.#tell(root);
  }

  dispose(): Promise<void> {
    return this.#engine.dispose();
  }

  #giveWordAgain(): void {
    this.#told.clear();
    for (const root of this.#holds.keys()) void this.#tell(root);
  }

  #tell(root: string): Promise<void> {
    this.#telling = this.#telling.then(async () => {
      const photos = [...new Set([...(this.#holds.get(root)?.values() ?? [])].flat())].sort();
      const words = JSON.stringify(photos);
      if (words === (this.#told.get(root) ?? '[]')) return;
      this.#told.set(root, words);
      try {
        await this.#engine.request('reviewHold', { root, photos });
      } catch (error) {
        this.#told.delete(root);
        this.log.warn(`Photos with unsaved strokes could not be kept from runs: ${error instanceof Error ? error.message : String(error)}`);
      }
    });
    return this.#telling;
  }
}
