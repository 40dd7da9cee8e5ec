/**
 * The line between the two sides of a swipe comparison: dragged with the pointer, moved with the arrow keys.
 */
import type { ReviewPage } from '../core';

/** Of the canvas' width, for each press of an arrow key. */
const STEP = 0.02;

export function SwipeHandle({ page }: { page: ReviewPage }) {
  const compare = page.looks.compare.value;
  if (compare.mode !== 'swipe') return null;
  const moveTo = (at: number): void => void (page.looks.compare.value = { ...compare, at: Math.min(1, Math.max(0, at)) });
  const drag = (event: PointerEvent): void => {
    const handle = event.currentTarget;
    if (!(handle instanceof HTMLElement) || !handle.hasPointerCapture(event.pointerId)) return;
    const { left, width } = handle.parentElement!.getBoundingClientRect();
    moveTo((event.clientX - left) / width);
  };
  return (
    <div
      class="swipe"
      style={{ left: `${compare.at * 100}%` }}
      role="slider"
      tabIndex={0}
      aria-label={`Between ${compare.left} and ${compare.right}`}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(compare.at * 100)}
      onPointerDown={event => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={drag}
      onKeyDown={event => {
        const step = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
        if (step !== undefined) moveTo(compare.at + step);
      }}
    />
  );
}
