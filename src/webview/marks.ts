/**
 * Times of the page, left as measures of the browser's own performance timeline (`performance.getEntriesByType('measure')`), where `bench/review.ts` and the UI
 * tests read them. Names: 'seedmask:load' (a photo asked for -> ready), 'seedmask:next' (a move in the queue -> on screen), 'seedmask:stroke' (a pointer event of
 * a stroke -> on screen), 'seedmask:frame' (the work of one frame).
 */
export type TimedPart = 'load' | 'next' | 'stroke' | 'frame';

/** Older measures are dropped, so that an afternoon of work does not fill memory. */
const MOST_ENTRIES = 4000;
let entries = 0;

/** From `start` (performance.now()) to now. */
export function measured(part: TimedPart, start: number): void {
  if (++entries > MOST_ENTRIES) {
    performance.clearMeasures();
    entries = 1;
  }
  performance.measure(`seedmask:${part}`, { start, end: performance.now() });
}
