/**
 * What a command needs from the shell it runs in. Tests pass one of their own.
 */
import type { EngineClient } from '../engine/client';

export interface Io {
  /** Results. */
  out(text: string): void;
  /** Progress, warnings and errors. */
  err(text: string): void;
  /** Whether `err` is a terminal: progress is then one line that changes. */
  tty: boolean;
  /** The engine; started at its first request. */
  client: EngineClient;
  /** Aborted by Ctrl+C. */
  signal: AbortSignal;
}

export const EXIT = { ok: 0, failed: 1, usage: 2, cancelled: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What the person typed makes no sense; the message says what would. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** One command of `seedmask`. */
export interface Command {
  /** One line for the overview. */
  summary: string;
  help: string;
  /** @throws UsageError, SeedMaskError */
  run(args: readonly string[], io: Io): Promise<ExitCode>;
}
