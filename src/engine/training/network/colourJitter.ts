/**
 * Colours of a photo changed by chance: brightness, contrast, saturation and hue, in this order.
 *
 *     brightness  v b            contrast  (v - m) c + m, m the photo's mean grey            saturation  (v - grey) s + grey
 *     hue         the colour turned around the grey axis, by a share of a full turn
 *
 * with b, c, s uniform in 1 +- their range and the turn in +- its range; grey = 0.299 R + 0.587 G + 0.114 B.
 */
import type { Augmentation } from '../../../../models/networkPreset';
import type { RgbImage } from '../../../shared/maps';

type Ranges = NonNullable<Augmentation['jitter']>;

export function jitterColours(image: RgbImage, ranges: Ranges, random: () => number): RgbImage {
  const around = (middle: number, range: number): number => middle + (2 * random() - 1) * range;
  const [brightness, contrast, saturation, turn] = [around(1, ranges.brightness), around(1, ranges.contrast), around(1, ranges.saturation), around(0, ranges.hue)];
  const { data } = image;
  const grey = (i: number): number => 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
  let sum = 0;
  for (let i = 0; i < data.length; i += 3) sum += grey(i);
  const mean = (brightness * sum * 3) / data.length;
  const rotation = turned(turn * 2 * Math.PI);
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const own = (brightness * grey(i) - mean) * contrast + mean;
    const values = [0, 1, 2].map(c => ((brightness * data[i + c] - mean) * contrast + mean - own) * saturation + own);
    for (let c = 0; c < 3; c++) {
      const value = rotation[3 * c] * values[0] + rotation[3 * c + 1] * values[1] + rotation[3 * c + 2] * values[2];
      out[i + c] = Math.min(255, Math.max(0, Math.round(value)));
    }
  }
  return { ...image, data: out };
}

/** The rotation by `angle` around (1, 1, 1) (Rodrigues), row by row. */
function turned(angle: number): number[] {
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const same = (1 - cosine) / 3;
  const cross = Math.sqrt(1 / 3) * sine;
  return [cosine + same, same - cross, same + cross, same + cross, cosine + same, same - cross, same - cross, same + cross, cosine + same];
}
