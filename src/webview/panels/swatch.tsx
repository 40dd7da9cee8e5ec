/**
 * A class as a small square, colour and pattern as on the canvas, so that classes are told apart without colours. Always stands beside the class's id and name.
 * Drawn in the document itself: the page's policy lets in no pictures as data.
 */
import { classColour, contrasting, PATTERN_BITS, PITCH, slotOf } from '../canvas/patterns';

const strokes = new Map<number, string>();

export function Swatch({ id }: { id: number }) {
  const colour = classColour(id);
  return (
    <svg class="swatch" viewBox={`0 0 ${PITCH} ${PITCH}`} shape-rendering="crispEdges" aria-hidden="true">
      <path fill={`rgb(${colour.join()})`} d={`M0 0h${PITCH}v${PITCH}h-${PITCH}z`} />
      {id > 0 && <path fill={`rgb(${contrasting(colour).join()})`} fill-opacity="0.55" d={strokesOf(slotOf(id))} />}
    </svg>
  );
}

/** The strokes of a pattern as a path of pixels. */
function strokesOf(slot: number): string {
  let path = strokes.get(slot);
  if (path === undefined) {
    const bits = PATTERN_BITS.subarray(slot * PITCH * PITCH, (slot + 1) * PITCH * PITCH);
    path = Array.from(bits, (bit, i) => (bit ? `M${i % PITCH} ${Math.floor(i / PITCH)}h1v1h-1z` : '')).join('');
    strokes.set(slot, path);
  }
  return path;
}
