/**
 * The page's end of the wire to the extension: asks with an id and waits for the one answer or error, and hands on what the extension tells. Answers and tells are
 * validated; an answer that nobody waits for any more is dropped.
 */
import * as v from 'valibot';
import { ERROR_REASONS, SeedMaskError, type ErrorReason } from '../shared/errors';
import { asks, tells, toPageSchema, type Ask, type AskParams, type AskResult, type Tell, type TellParams, type ToHost } from '../shared/pageMessages';

/** How messages leave and come in: VS Code's message channel, or a test's. */
export interface Wire {
  post(message: ToHost): void;
  /** @returns stops listening */
  listen(receive: (message: unknown) => void): () => void;
}

export type Listener = { [T in Tell]: (params: TellParams<T>) => void };

interface Waiting {
  ask: Ask;
  resolve(result: unknown): void;
  reject(error: SeedMaskError): void;
}

export class HostClient {
  private readonly waiting = new Map<number, Waiting>();
  private readonly stop: () => void;
  private lastId = 0;
  private gone = false;

  /** `faulty` hears of messages that are not what the protocol says. */
  constructor(
    private readonly wire: Wire,
    private readonly listener: Listener,
    private readonly faulty: (text: string) => void,
  ) {
    this.stop = wire.listen(message => this.receive(message));
  }

  /** @throws SeedMaskError the extension's reason; 'bad-message' when the answer is not what it should be; 'cancelled' when the page goes away. */
  ask<A extends Ask>(ask: A, params: AskParams<A>): Promise<AskResult<A>> {
    if (this.gone) return Promise.reject(new SeedMaskError('cancelled', 'the page is closed'));
    const id = ++this.lastId;
    return new Promise<AskResult<A>>((resolve, reject) => {
      // `receive` has checked the result with the schema of this ask.
      this.waiting.set(id, { ask, resolve: result => resolve(result as AskResult<A>), reject });
      this.wire.post({ type: 'ask', id, ask, params });
    });
  }

  /** Nothing is heard any more; everything that is waited for fails. */
  dispose(): void {
    this.gone = true;
    this.stop();
    for (const { reject } of this.waiting.values()) reject(new SeedMaskError('cancelled', 'the page is closed'));
    this.waiting.clear();
  }

  private receive(message: unknown): void {
    const parsed = v.safeParse(toPageSchema, message);
    if (!parsed.success) return this.faulty('A message from the extension could not be read.');
    const received = parsed.output;
    if (received.type === 'tell') return this.told(received.tell, received.params);
    const waiting = this.waiting.get(received.id);
    if (!waiting) return;
    this.waiting.delete(received.id);
    if (received.type === 'error') return waiting.reject(new SeedMaskError(reasonOf(received.reason), received.message));
    const result = v.safeParse(asks[waiting.ask].result, received.result);
    if (result.success) waiting.resolve(result.output);
    else waiting.reject(new SeedMaskError('bad-message', `the answer to '${waiting.ask}' is not what it should be: ${v.summarize(result.issues)}`));
  }

  private told<T extends Tell>(tell: T, params: unknown): void {
    const parsed = v.safeParse(tells[tell], params);
    // The schema of this tell has made the parameters.
    if (parsed.success) this.listener[tell](parsed.output as TellParams<T>);
    else this.faulty(`What the extension said of '${tell}' could not be read.`);
  }
}

function reasonOf(text: string): ErrorReason {
  return ERROR_REASONS.find(reason => reason === text) ?? 'io';
}
