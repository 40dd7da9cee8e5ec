/**
 * Two painters exist, one on WebGL and one on the 2D canvas. Where WebGL would run on the processor, the 2D canvas is the faster one (docs/performance.md), so that is
 * taken there.
 */
import { GlPainter } from './glPainter';
import type { Painter } from './painter';
import { PlanePainter } from './planePainter';

const WITHOUT_PROCESSOR = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/** The painter for a fresh canvas. `wanted` ('gl' or '2d') forces one, for comparisons. `lost`: the graphics processor forgot everything, it must be painted anew. */
export function choosePainter(canvas: HTMLCanvasElement, wanted: string | undefined, lost: () => void): Painter {
  const gl = wanted === 'gl' || (wanted !== '2d' && hasGraphicsProcessor()) ? canvas.getContext('webgl2', { alpha: true, antialias: false, depth: false, stencil: false }) : null;
  return gl ? new GlPainter(gl, lost) : new PlanePainter(canvas);
}

/** Whether WebGL runs on a graphics processor. Browsers that say they are slow there and those whose renderer is a known program on the processor have none. */
function hasGraphicsProcessor(): boolean {
  const gl = new OffscreenCanvas(1, 1).getContext('webgl2', { failIfMajorPerformanceCaveat: true });
  if (!gl) return false;
  const names = gl.getExtension('WEBGL_debug_renderer_info');
  const renderer = String(gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  gl.getExtension('WEBGL_lose_context')?.loseContext();
  return !WITHOUT_PROCESSOR.test(renderer);
}
