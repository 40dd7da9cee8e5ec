/**
 * An engine of the window: started at the first request, restarted on demand, killed with the window. ONNX Runtime and sharp live in
 * that process only; this side passes paths and settings. There is one for jobs, and one for reviews, which a run does not keep waiting.
 */
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { EngineClient, RequestOptions } from '../engine/client';
import type { Method, Params, Result } from '../shared/protocol';

export class Engine implements vscode.Disposable {
  #client: Promise<EngineClient> | undefined;
  #disposed = false;

  constructor(
    private readonly extensionPath: string,
    /** Folder for what belongs to no data set: the extension's global storage. */
    private readonly cacheDir: string,
    private readonly log: vscode.LogOutputChannel,
    /** Time without work after which the process is ended, in ms; the client's own by default. */
    private readonly idleMs?: number,
  ) {}

  /**
   * One job of the engine. Its log lines go to the channel, whoever else listens.
   * @throws SeedMaskError when the engine says so, when it was cancelled ('cancelled') or ended ('engine-gone').
   */
  async request<M extends Method>(method: M, params: Params<M>, { onEvent, signal }: RequestOptions = {}): Promise<Result<M>> {
    const client = await (this.#client ??= this.#start());
    return client.request(method, params, {
      ...(signal && { signal }),
      onEvent: event => {
        if (event.type === 'log') this.log[event.level](event.message);
        onEvent?.(event);
      },
    });
  }

  /** Ends the process; the next request starts a new one. Requests under way are rejected. */
  async stop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await (await client?.catch(() => undefined))?.dispose();
  }

  /** Resolves when the process has gone. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.stop();
  }

  async #start(): Promise<EngineClient> {
    const { EngineClient } = await import('../engine/client');
    if (this.#disposed) throw new vscode.CancellationError();
    return new EngineClient({ entry: join(this.extensionPath, 'dist', 'engine.js'), cacheDir: this.cacheDir, log: line => this.log.debug(line), ...(this.idleMs !== undefined && { idleMs: this.idleMs }) });
  }
}
