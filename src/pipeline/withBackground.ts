/**
 * A background score beside class scores: (1 - max_k cam_k)^exponent. The larger the exponent, the smaller a class score beats it
 * (0.382 at 2, 0.2755 at 4, 0.1228 at 16, 0.0770 at 32). RecurSeed uses 2 before its CRF, AffinityNet 4, 16 and 32, MARS 1.
 */
import { zeroMaps, type Maps } from '../shared/maps';

/** K + 1 maps: (1 - max_k cam_k)^exponent, then the K `cams`; all in [0, 1]. */
export function withBackground(cams: Maps, exponent: number): Maps {
  const { channels, height, width } = cams;
  const size = height * width;
  const out = zeroMaps(channels + 1, height, width);
  out.data.set(cams.data, size);
  for (let p = 0; p < size; p++) {
    let best = 0;
    for (let k = 0; k < channels; k++) best = Math.max(best, cams.data[k * size + p]);
    out.data[p] = Math.max(0, 1 - best) ** exponent;
  }
  return out;
}
