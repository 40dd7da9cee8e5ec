/**
 * The engine's side of the wire: validates what arrives, gives it to the handler of its method, and ends every request in exactly one reply
 * or error. Jobs that write (generate, debias, train, evaluate, clearCache) run one after another, and so do a person's words (reviewSave, …), beside them; questions (plan, runs,
 * device, diagnose, reviewPhoto, …) run at once.
 */
import * as v from 'valibot';
import type { JobContext } from './context';
import type { Engine } from './engine';
import { toWireError } from './wireError';
import { SeedMaskError } from '../shared/errors';
import { requestSchemas, toEngineSchema, type FromEngine, type Method, type Params, type Result } from '../shared/protocol';

/** A job for every method of the protocol. */
export type Handlers = { [M in Method]: (params: Params<M>, context: JobContext, engine: Engine) => Promise<Result<M>> };

/** Methods of one name take turns. */
const TURNS: { readonly [M in Method]?: 'jobs' | 'words' } = {
  generate: 'jobs', debias: 'jobs', train: 'jobs', debiasChoices: 'jobs', evaluate: 'jobs', clearCache: 'jobs', reviewSave: 'words', reviewMark: 'words', reviewTags: 'words', reviewHold: 'words',
};

export class Dispatcher {
  private readonly running = new Map<number, AbortController>();
  private readonly turns = new Map<string, Promise<unknown>>();

  constructor(
    private readonly handlers: Handlers,
    private readonly engine: Engine,
    private readonly send: (message: FromEngine) => void,
    /** Told whenever the last running request has been answered. */
    private readonly onIdle: () => void = () => undefined,
  ) {}

  /** Takes one message as it came from the wire. Never throws. */
  receive(message: unknown): void {
    const parsed = v.safeParse(toEngineSchema, message);
    if (!parsed.success) return this.refuse(message, problemsOf(parsed.issues));
    const { id, type } = parsed.output;
    if (type === 'cancel') return this.running.get(id)?.abort();
    if (this.running.has(id)) return void process.stderr.write(`request ${id} is running already\n`);
    void this.answer(id, parsed.output.method, parsed.output.params);
  }

  /** Asks every running job to stop. */
  cancelAll(): void {
    for (const controller of this.running.values()) controller.abort();
  }

  private async answer<M extends Method>(id: number, method: M, params: unknown): Promise<void> {
    const controller = new AbortController();
    this.running.set(id, controller);
    const context: JobContext = { emit: event => this.send({ type: 'event', id, event }), signal: controller.signal };
    const job = async (): Promise<Result<M>> => {
      controller.signal.throwIfAborted();
      const checked = v.safeParse(requestSchemas[method], params);
      if (!checked.success) throw new SeedMaskError('bad-message', `${method}: ${problemsOf(checked.issues)}`);
      // The table is typed by method; TypeScript cannot follow one key through two of its tables.
      return this.handlers[method](checked.output as Params<M>, context, this.engine);
    };
    try {
      const turn = TURNS[method];
      const result = await (turn ? this.inTurn(turn, job) : job());
      this.send({ type: 'reply', id, result });
    } catch (error) {
      const wire = toWireError(error);
      if (wire.reason === 'bug') process.stderr.write(`${method}: ${error instanceof Error ? error.stack : String(error)}\n`);
      this.send({ type: 'error', id, ...wire });
    } finally {
      this.running.delete(id);
      if (this.running.size === 0) this.onIdle();
    }
  }

  private inTurn<T>(turn: string, job: () => Promise<T>): Promise<T> {
    const mine = (this.turns.get(turn) ?? Promise.resolve()).then(job);
    this.turns.set(turn, mine.catch(() => undefined));
    return mine;
  }

  /** A message that is none: answered when it carries an id one can answer to. */
  private refuse(message: unknown, why: string): void {
    const id: unknown = typeof message === 'object' && message !== null ? (message as Record<string, unknown>)['id'] : undefined;
    if (typeof id === 'number' && id >= 0 && !this.running.has(id)) this.send({ type: 'error', id, reason: 'bad-message', message: why });
    else process.stderr.write(`a message was refused: ${why}\n`);
  }
}

/** The first few of a validator's complaints, with where they apply. */
export function problemsOf(issues: readonly v.BaseIssue<unknown>[]): string {
  return issues.slice(0, 3).map(issue => `${v.getDotPath(issue) ?? 'message'}: ${issue.message}`).join('; ');
}
