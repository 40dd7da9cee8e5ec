/**
 * Batches that fit: a batch that runs out of memory is run again in halves, and the size that worked is kept for the rest.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SeedMaskError } from '../shared/errors';
import type { GraphRunner, Tensor } from '../shared/graph';

export interface BatchOptions {
  /** Largest number of items in one run. */
  maxBatch: number;
  /** The outputs that are wanted; default: all. */
  outputs?: readonly string[];
  signal?: AbortSignal;
  /** Told when the device forced smaller batches. */
  onShrink?(batch: number): void;
}

/**
 * Runs `items` in batches, in order.
 * @param makeFeeds the feeds of one batch
 * @param splitOutputs the outputs of one batch as one result per item
 * @returns a result per item, and the batch size that fitted in the end
 * @throws SeedMaskError 'out-of-memory' when even one item does not fit; what the graph throws; the signal's reason
 */
export async function runBatched<Item, Output>(
  runner: GraphRunner,
  items: readonly Item[],
  makeFeeds: (batch: readonly Item[]) => Record<string, Tensor>,
  splitOutputs: (outputs: Record<string, Tensor>, batch: readonly Item[]) => Output[],
  { maxBatch, outputs, signal, onShrink }: BatchOptions,
): Promise<{ results: Output[]; batch: number }> {
  const results: Output[] = [];
  let batch = Math.max(1, Math.min(maxBatch, items.length));
  while (results.length < items.length) {
    // A run blocks the thread; between two of them a cancel gets its chance to arrive.
    await nextTurn();
    signal?.throwIfAborted();
    const part = items.slice(results.length, results.length + batch);
    try {
      results.push(...splitOutputs(await runner.run(makeFeeds(part), outputs), part));
    } catch (error) {
      if (!(error instanceof SeedMaskError && error.reason === 'out-of-memory') || part.length === 1) throw error;
      batch = Math.ceil(part.length / 2);
      onShrink?.(batch);
    }
  }
  return { results, batch };
}
