/**
 * What every engine job is given besides its parameters: a way to report, and a way to learn that it was cancelled.
 */
import type { EngineEvent } from '../shared/protocol';

export interface JobContext {
  emit(event: EngineEvent): void;
  /** Aborted when the person cancels; jobs look at it between two model runs. */
  signal: AbortSignal;
}
