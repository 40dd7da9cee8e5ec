/**
 * One review page's end of the wire: what it asks is checked, given to the handler of its name, and answered or refused, always; what it is told is dropped when it
 * is gone or hidden (it asks for everything again when it is shown).
 */
import * as v from 'valibot';
import * as vscode from 'vscode';
import { describeError, SeedMaskError } from '../../shared/errors';
import { asks, toHostSchema, type Ask, type AskParams, type AskResult, type Tell, type TellParams, type ToPage } from '../../shared/pageMessages';

/** Larger messages are refused, in bytes. */
export const MOST_BYTES = 64 * 2 ** 20;

/** One handler for every ask. */
export type AskHandlers = { [A in Ask]: (params: AskParams<A>, page: PageLink) => Promise<AskResult<A>> | AskResult<A> };

export class PageLink implements vscode.Disposable {
  /** Index of the photo that the page shows. */
  current: number;
  #ready = false;
  #gone = false;
  readonly #parts: vscode.Disposable[];

  constructor(
    readonly panel: vscode.WebviewPanel,
    private readonly handlers: AskHandlers,
    current: number,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.current = current;
    this.#parts = [
      panel.webview.onDidReceiveMessage((message: unknown) => this.receive(message)),
      panel.onDidDispose(() => this.dispose()),
      // A hidden page is no more; the one that comes back asks for everything.
      panel.onDidChangeViewState(() => (this.#ready &&= panel.visible)),
    ];
  }

  /** Whether the page has asked for what there is: only then it hears what changes. */
  get isReady(): boolean {
    return this.#ready;
  }

  tell<T extends Tell>(tell: T, params: TellParams<T>): void {
    if (this.#ready) this.#post({ type: 'tell', tell, params });
  }

  /** Takes one message as the page posted it. Never throws; resolves with what it was answered, if it could be. */
  async receive(message: unknown): Promise<ToPage | undefined> {
    const id = idOf(message);
    try {
      if (sizeOf(message, MOST_BYTES) > MOST_BYTES) throw new SeedMaskError('too-large', `a message of the page is larger than ${MOST_BYTES / 2 ** 20} MB`);
      const parsed = v.safeParse(toHostSchema, message);
      if (!parsed.success) throw new SeedMaskError('bad-message', `the page sent a malformed message: ${parsed.issues[0].message}`);
      const result = await this.#answer(parsed.output.ask, parsed.output.params);
      if (parsed.output.ask === 'ready') this.#ready = true;
      return this.#post({ type: 'answer', id: parsed.output.id, result });
    } catch (error) {
      const known = error instanceof SeedMaskError;
      if (!known) this.log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
      else if (error.reason !== 'cancelled') this.log.warn(`Review: ${describeError(error)}`);
      return id === undefined ? undefined : this.#post({ type: 'error', id, reason: known ? error.reason : 'bug', message: describeError(error) });
    }
  }

  dispose(): void {
    this.#gone = true;
    vscode.Disposable.from(...this.#parts).dispose();
  }

  #answer<A extends Ask>(ask: A, params: unknown): Promise<AskResult<A>> | AskResult<A> {
    const checked = v.safeParse(asks[ask].params, params);
    if (!checked.success) throw new SeedMaskError('bad-message', `the page asked '${ask}' malformed: ${v.getDotPath(checked.issues[0]) ?? ''} ${checked.issues[0].message}`);
    // The table is typed by ask; TypeScript cannot follow one key through two of its tables.
    return this.handlers[ask](checked.output as AskParams<A>, this);
  }

  #post(message: ToPage): ToPage {
    if (!this.#gone) void this.panel.webview.postMessage(exact(message));
    return message;
  }
}

/** The id that a message can be answered to, however malformed the rest is. */
function idOf(message: unknown): number | undefined {
  const id: unknown = typeof message === 'object' && message !== null ? (message as Record<string, unknown>)['id'] : undefined;
  return typeof id === 'number' && Number.isInteger(id) && id >= 0 ? id : undefined;
}

/** Bytes of what a message holds, roughly; counting ends above `limit`. */
function sizeOf(value: unknown, limit: number): number {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength;
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let size = 8;
  for (const part of Object.values(value)) {
    size += sizeOf(part, limit - size);
    if (size > limit) break;
  }
  return size;
}

/** The same value, each byte array with a buffer of exactly its size: a view would drag the whole message of the engine along. */
function exact(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.byteLength === value.buffer.byteLength ? value : new Uint8Array(value);
  if (Array.isArray(value)) return value.map(exact);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, exact(part)]));
}
