/**
 * Two painters exist, one on WebGL and one on the 2D canvas. Where WebGL would run on the processor, the 2D canvas is the faster one (docs/performance.md), so that is
 * taken there.
 */
import { GlPainter } from './glPainter';
import type { Painter } from './painter';
import { PlanePainter } from './planePainter';

/** The painter for a fresh canvas. `wanted` ('gl' or '2d') forces one, for comparisons. `lost`: the graphics processor forgot everything, it must be painted anew. */
export function choosePainter(canvas: HTMLCanvasElement, wanted: string | undefined, lost: () => void): Painter {
  const gl = wanted === '2d' ? null : canvas.getContext('webgl2', { alpha: true, antialias: false, depth: false, stencil: false, failIfMajorPerformanceCaveat: wanted !== 'gl' });
  return gl ? new GlPainter(gl, lost) : new PlanePainter(canvas);
}
