/**
 * The random walk's rows of the table: from an edge map and three maps to the walked maps, as IRNet and Puzzle-CAM use it. PyTorch
 * as published squares a dense matrix (minutes and gigabytes on the larger grid, hence on the small one only), and in the fastest form
 * found there, sparse by shifted views.
 */
import { IRN_WALK, irnWalk } from '../src/pipeline/randomWalk';
import { zeroMaps, type Maps } from '../src/shared/maps';
import type { OperatorRow } from './operators';

/** A row on the grid of `image` (3 x H x W in 0..1), whose colours serve as maps and whose gradients as edges. */
export function randomWalkRow(image: Maps, operators: readonly string[]): OperatorRow {
  const edge = gradients(image);
  const { height, width, channels } = image;
  return {
    name: `random walk ${width} x ${height}, ${channels} maps`,
    operators,
    inputs: { edge: { data: edge.data, shape: [1, height, width] }, maps: { data: image.data, shape: [channels, height, width] } },
    parameters: { ...IRN_WALK },
    run: () => Promise.resolve(irnWalk(edge, image).data),
  };
}

/** The largest difference of any colour to the pixel on the right or below, four times over and at most 1. */
function gradients(image: Maps): Maps {
  const { height, width, channels } = image;
  const out = zeroMaps(1, height, width);
  for (let c = 0; c < channels; c++) {
    for (let p = 0; p < height * width; p++) {
      const here = image.data[c * height * width + p];
      const right = p % width + 1 < width ? image.data[c * height * width + p + 1] : here;
      const below = p + width < height * width ? image.data[c * height * width + p + width] : here;
      out.data[p] = Math.min(1, Math.max(out.data[p], 4 * Math.abs(here - right), 4 * Math.abs(here - below)));
    }
  }
  return out;
}
