/**
 * The front ends' half of the engine: a supervisor that starts the engine process when it is first needed, sends it typed requests, and sees
 * to it that every request ends. Cancel is asked for first; an engine that is deep in a model run cannot hear it and is killed after a grace
 * time. A crash rejects what was pending, except `generate` and `train`, which go on from where they were in a new process; three crashes without a
 * finished photo in between are the end. An idle engine is stopped, which gives back its memory, on the GPU too.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import * as v from 'valibot';
import { fromWireError } from './wireError';
import { SeedMaskError } from '../shared/errors';
import { fromEngineSchema, resultSchemas, type EngineEvent, type FromEngine, type Method, type Params, type Result, type ToEngine } from '../shared/protocol';

export interface EngineClientOptions {
  /** The engine's file (`dist/engine.js`). */
  entry: string;
  /** Node options for it; none by default. */
  execArgv?: readonly string[];
  /** Added to (or, where undefined, taken from) this process's environment. */
  env?: NodeJS.ProcessEnv;
  /** Folder for what belongs to no data set; the platform's cache folder by default. */
  cacheDir?: string;
  /** An engine without work is stopped after this time, in milliseconds. */
  idleMs?: number;
  /** Time between the request to cancel and the kill, in milliseconds. */
  graceMs?: number;
  /** Receives what the engine process prints, line by line. */
  log?(line: string): void;
}

export interface RequestOptions {
  onEvent?(event: EngineEvent): void;
  signal?: AbortSignal;
}

/** A job that ended this many processes in a row, without a photo finished in between, is given up. */
const MOST_CRASHES = 3;
const TAIL_LINES = 40;
const LAST_WORDS = 6;
/** A line of a native stack trace: nothing a person can read. */
const NATIVE_FRAME = /^\s*\d+: |^-{3,}/;
/** Time for the last words of a process that has ended, in milliseconds. */
const DRAIN_MS = 200;

interface Pending {
  id: number;
  method: Method;
  params: unknown;
  crashes: number;
  /** It has reported something: a job that can go on left its run on disk. */
  begun: boolean;
  cancelled: boolean;
  onEvent(event: EngineEvent): void;
  /** Validates, then resolves the request's promise. */
  succeed(result: unknown): void;
  /** Rejects the request's promise. */
  fail(error: Error): void;
}

interface Running {
  child: ChildProcess;
  libraryDir: string | undefined;
  /** The last lines it printed. */
  tail: string[];
  pending: Map<number, Pending>;
  /** We ended it: what it leaves pending is not its fault. */
  killed: boolean;
  /** Resolves when the process has ended and all it printed was read. */
  gone: Promise<void>;
}

export class EngineClient {
  private running: Running | undefined;
  private idle: NodeJS.Timeout | undefined;
  private nextId = 1;
  private disposed = false;

  constructor(private readonly options: EngineClientOptions) {}

  /** The engine's process id while one runs. */
  get pid(): number | undefined {
    return this.running?.child.pid;
  }

  /**
   * One request. Ends in the engine's answer, in the error it reported, or:
   * @throws SeedMaskError 'cancelled' after `signal` (a `generate` or `train` that could stop by itself resolves with its summary instead),
   *   'engine-gone' when the process died, 'bad-message' when the answer is not what the protocol says.
   */
  request<M extends Method>(method: M, params: Params<M>, { onEvent, signal }: RequestOptions = {}): Promise<Result<M>> {
    return new Promise<Result<M>>((resolve, reject) => {
      if (this.disposed) return reject(new SeedMaskError('engine-gone', 'the engine was shut down'));
      if (signal?.aborted) return reject(cancelledError());
      const finish = (): void => signal?.removeEventListener('abort', abort);
      const pending: Pending = {
        id: this.nextId++,
        method,
        params,
        crashes: 0,
        begun: false,
        cancelled: false,
        onEvent: event => onEvent?.(event),
        succeed: result => {
          finish();
          const checked = v.safeParse(resultSchemas[method], result);
          // One schema per method: the parsed value is that method's result.
          if (checked.success) resolve(checked.output as Result<M>);
          else reject(new SeedMaskError('bad-message', `the engine's answer to '${method}' is malformed: ${checked.issues[0].message}`));
        },
        fail: error => {
          finish();
          reject(error);
        },
      };
      const abort = (): void => this.cancel(pending);
      signal?.addEventListener('abort', abort, { once: true });
      this.post(pending);
    });
  }

  /** Stops the engine; what is pending is cancelled, then rejected. Resolves when the process has gone. */
  async dispose(): Promise<void> {
    this.disposed = true;
    clearTimeout(this.idle);
    const { running } = this;
    if (!running) return;
    for (const pending of running.pending.values()) this.cancel(pending);
    if (running.pending.size === 0) this.stop(running);
    await running.gone;
  }

  private post(pending: Pending): void {
    clearTimeout(this.idle);
    const running = this.engineFor(libraryDirOf(pending.params));
    running.pending.set(pending.id, pending);
    this.tell(running, { type: 'request', id: pending.id, method: pending.method, params: pending.params });
  }

  private tell(running: Running, message: ToEngine): void {
    // A failed send means that the process is going: its end follows and settles everything.
    if (running.child.connected) running.child.send(message, () => undefined);
  }

  /** The running engine, or a new one: also when other libraries must be found than the (idle) one was started with. */
  private engineFor(libraryDir: string | undefined): Running {
    const { running } = this;
    if (running) {
      if (libraryDir === undefined || libraryDir === running.libraryDir || running.pending.size > 0) return running;
      this.stop(running);
    }
    return (this.running = this.start(libraryDir));
  }

  private start(libraryDir: string | undefined): Running {
    const { entry, execArgv = [], env, cacheDir, log } = this.options;
    const child = fork(entry, [], {
      execArgv: [...execArgv],
      cwd: dirname(entry),
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        ...process.env,
        // The runtime reports home unless told not to before it loads.
        ORT_DISABLE_TELEMETRY: '1',
        ELECTRON_RUN_AS_NODE: '1',
        ...(cacheDir !== undefined && { SEEDMASK_CACHE_DIR: cacheDir }),
        ...(libraryDir !== undefined && { LD_LIBRARY_PATH: [libraryDir, process.env['LD_LIBRARY_PATH']].filter(Boolean).join(delimiter) }),
        ...env,
      },
    });
    const end = endOf(child);
    const running: Running = { child, libraryDir, tail: [], pending: new Map(), killed: false, gone: end.then(() => undefined) };
    const print = (line: string): void => {
      running.tail.push(line);
      if (running.tail.length > TAIL_LINES) running.tail.shift();
      log?.(line);
    };
    for (const stream of [child.stdout, child.stderr]) if (stream) readLines(stream, print);
    child.on('message', message => this.receive(running, message));
    child.once('error', error => print(error.message));
    void end.then(how => this.ended(running, how));
    return running;
  }

  private receive(running: Running, message: unknown): void {
    const parsed = v.safeParse(fromEngineSchema, message);
    if (!parsed.success) return this.refuse(running, message);
    const received: FromEngine = parsed.output;
    if (received.type === 'ready') return;
    const pending = running.pending.get(received.id);
    // Unknown ids are late answers to requests that have ended.
    if (!pending) return;
    if (received.type === 'event') return this.passOn(pending, received.event);
    this.settle(running, pending);
    if (received.type === 'reply') pending.succeed(received.result);
    else pending.fail(fromWireError(received));
  }

  private passOn(pending: Pending, event: EngineEvent): void {
    pending.begun = true;
    if (event.type === 'photo' && (event.state === 'written' || event.state === 'failed')) pending.crashes = 0;
    pending.onEvent(event);
  }

  /** A message that is none. If it was meant to end a request, the request ends here. */
  private refuse(running: Running, message: unknown): void {
    this.options.log?.('the engine sent a malformed message');
    const { id, type } = typeof message === 'object' && message !== null ? (message as Record<string, unknown>) : {};
    const pending = typeof id === 'number' && type !== 'event' ? running.pending.get(id) : undefined;
    if (!pending) return;
    this.settle(running, pending);
    pending.fail(new SeedMaskError('bad-message', `the engine's answer to '${pending.method}' is malformed`));
  }

  private cancel(pending: Pending): void {
    const { running } = this;
    if (!running?.pending.has(pending.id)) return;
    pending.cancelled = true;
    this.tell(running, { type: 'cancel', id: pending.id });
    setTimeout(() => {
      if (!running.pending.has(pending.id)) return;
      this.settle(running, pending);
      pending.fail(cancelledError());
      this.kill(running);
    }, this.options.graceMs ?? 600);
  }

  /** Takes an ended request off the list; the last one leaves the engine idle. */
  private settle(running: Running, pending: Pending): void {
    running.pending.delete(pending.id);
    if (running.pending.size > 0 || running !== this.running) return;
    if (this.disposed) return this.stop(running);
    this.idle = setTimeout(() => this.stop(running), this.options.idleMs ?? 60_000);
    this.idle.unref();
  }

  /** Lets an engine without work go: it ends when its channel closes, by force if it does not. */
  private stop(running: Running): void {
    this.forget(running);
    if (running.child.connected) running.child.disconnect();
    const force = setTimeout(() => running.child.kill('SIGKILL'), 2000);
    void running.gone.then(() => clearTimeout(force));
  }

  private kill(running: Running): void {
    running.killed = true;
    this.forget(running);
    running.child.kill('SIGKILL');
  }

  private forget(running: Running): void {
    if (this.running !== running) return;
    clearTimeout(this.idle);
    this.running = undefined;
  }

  /** The process has gone: every request it owed an answer ends, or goes on in another process. */
  private ended(running: Running, how: string): void {
    this.forget(running);
    const owed = [...running.pending.values()];
    running.pending.clear();
    for (const pending of owed) {
      if (pending.cancelled) pending.fail(cancelledError());
      else if (this.disposed) pending.fail(new SeedMaskError('engine-gone', 'the engine was shut down'));
      else if (running.killed) this.goOn(pending, false);
      else this.crashed(pending, running, how);
    }
  }

  private crashed(pending: Pending, running: Running, how: string): void {
    pending.crashes++;
    const last = running.tail.filter(line => !NATIVE_FRAME.test(line)).slice(-LAST_WORDS).join('\n');
    const message = `the engine process ${how}${last && `; the last it printed:\n${last}`}`;
    if (!goesOn(pending) || pending.crashes >= MOST_CRASHES) return pending.fail(new SeedMaskError('engine-gone', message));
    pending.onEvent({ type: 'log', level: 'warn', message: `${message}\nthe run goes on in a new process` });
    this.goOn(pending, true);
  }

  /** Sends a request again, to a new process. `crashed`: the old one was not ended by us. */
  private goOn(pending: Pending, crashed: boolean): void {
    if (goesOn(pending) && pending.begun) pending.params = { ...(pending.params as Params<'generate' | 'train'>), resume: true, crashed };
    this.post(pending);
  }
}

/** Jobs that are gone on with in another process. */
function goesOn({ method }: Pending): boolean {
  return method === 'generate' || method === 'train';
}

function cancelledError(): SeedMaskError {
  return new SeedMaskError('cancelled', 'cancelled');
}

/** The folder of device libraries that a request's settings name, if they do. */
function libraryDirOf(params: unknown): string | undefined {
  const { settings, cudaProviderDir } = params as { settings?: { cudaProviderDir?: string }; cudaProviderDir?: string };
  return process.platform === 'linux' ? (settings?.cudaProviderDir ?? cudaProviderDir) : undefined;
}

/**
 * How a process ended, in words, once it has and its streams were read to their ends. (The event 'close' would say so, were it not missing
 * after a disconnect from our side.)
 */
function endOf(child: ChildProcess): Promise<string> {
  const drained = Promise.all([child.stdout, child.stderr].map(stream => new Promise<void>(resolve => void (stream ? stream.once('close', resolve) : resolve()))));
  const exited = new Promise<string>(resolve => {
    child.once('exit', (code, signal) => resolve(signal ? `was ended by ${signal}` : `ended with code ${code}`));
    child.once('error', () => child.pid === undefined && resolve('could not be started'));
  });
  return exited.then(async how => {
    let cap: NodeJS.Timeout | undefined;
    // A grandchild may hold the streams open.
    await Promise.race([drained, new Promise(resolve => (cap = setTimeout(resolve, DRAIN_MS)))]);
    clearTimeout(cap);
    return how;
  });
}

function readLines(stream: NodeJS.ReadableStream, print: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split(/\r?\n/);
    // A process that prints without line ends must not fill our memory.
    rest = (lines.pop() ?? '').slice(-4096);
    for (const line of lines) if (line.trim() !== '') print(line.slice(0, 4096));
  });
  stream.on('end', () => {
    if (rest.trim() !== '') print(rest);
  });
}
