/**
 * Fully connected CRF by mean field (Kraehenbuehl & Koltun, NIPS 2011): labels that agree with the scores and with pixels near by
 * and of like colour.
 *
 *     U = -log(clip(p, 1e-5, 1));  Q <- softmax(-U);  10 times: Q <- softmax(-U + sum_m w_m K_m Q)
 *     K = D^-1/2 k D^-1/2,  k(i, j) = exp(-|f_i - f_j|^2 / 2) with k(i, i) = 1,  D = row sums of k
 *     gaussian: f = (x, y) / sxy;   bilateral: f = (x, y) / sxy ++ (r, g, b) / srgb;   Potts model of weight w
 *
 * Fast: the gaussian as two passes over rows and columns, cut off at 4 deviations, the bilateral on a permutohedral lattice. The
 * reference adds up all pairs. The constants are the authors' (pydensecrf conventions).
 */
import { IGNORE, zeroMaps, type LabelMap, type Maps, type RgbImage } from '../shared/maps';
import { PermutohedralLattice, type GaussianFilter } from './permutohedral';

export interface CrfParameters {
  iterations: number;
  /** Smoothness: standard deviation in pixels, and weight. */
  gaussian: { xy: number; weight: number };
  /** Appearance: standard deviations in pixels and in 8-bit colour steps, and weight. */
  bilateral: { xy: number; rgb: number; weight: number };
}

export const CRF_PARAMETERS = {
  /** RecurSeed + EdgePredictMix and MARS (DeepLab's constants). */
  rsepm: { iterations: 10, gaussian: { xy: 1, weight: 3 }, bilateral: { xy: 67, rgb: 3, weight: 4 } },
  /** AffinityNet. */
  psa: { iterations: 10, gaussian: { xy: 3, weight: 3 }, bilateral: { xy: 80, rgb: 13, weight: 10 } },
  /** IRNet's and Puzzle-CAM's confident labels. */
  irn: { iterations: 10, gaussian: { xy: 3, weight: 3 }, bilateral: { xy: 50, rgb: 5, weight: 10 } },
  /** Puzzle-CAM's segmentation. */
  puzzle: { iterations: 10, gaussian: { xy: 3, weight: 3 }, bilateral: { xy: 80, rgb: 13, weight: 10 } },
} as const satisfies Record<string, CrfParameters>;

/** Smallest probability that the unary term sees. */
const LEAST = 1e-5;
/** Coordinates of a pixel in the bilateral kernel. */
const FEATURES = 5;

/**
 * Refined probabilities of L x H x W `probabilities` on the photo of the same size; each pixel's sum to 1. Channels: background, for
 * which see `withBackground`, and the classes that are present; leave others out, time grows with L. Time: about 1 s for 500 x 375 and
 * three labels, several for pure noise.
 * @throws if the sizes differ or there is no channel.
 */
export function denseCrf(image: RgbImage, probabilities: Maps, parameters: CrfParameters, method: 'fast' | 'exact' = 'fast'): Maps {
  const { height, width, channels: labels } = probabilities;
  if (image.height !== height || image.width !== width) {
    throw new Error(`dense CRF: photo of ${image.height} x ${image.width} for probabilities of ${height} x ${width}`);
  }
  if (labels === 0) throw new Error('dense CRF: no label to choose from');
  const size = height * width;
  const negativeUnary = new Float32Array(size * labels);
  for (let l = 0; l < labels; l++) {
    for (let p = 0; p < size; p++) negativeUnary[p * labels + l] = Math.log(Math.min(1, Math.max(LEAST, probabilities.data[l * size + p])));
  }
  const kernels = kernelsOf(image, parameters, method).map(({ filter, weight }) => new NormalisedKernel(filter, weight, size));
  const q = new Float32Array(negativeUnary);
  softmax(q, labels);
  const energy = new Float32Array(q.length);
  for (let iteration = 0; iteration < parameters.iterations; iteration++) {
    energy.set(negativeUnary);
    for (const kernel of kernels) kernel.addMessages(q, labels, energy);
    softmax(energy, labels);
    q.set(energy);
  }
  const out = zeroMaps(labels, height, width);
  for (let l = 0; l < labels; l++) {
    for (let p = 0; p < size; p++) out.data[l * size + p] = q[p * labels + l];
  }
  return out;
}

/**
 * Probabilities whose -log is the unary term of hard labels: `certainty` for the label of a pixel (0.7 in IRNet), the rest shared
 * by the other labels, all alike where the label is 255. Channel k stands for `ids[k]`.
 * @throws for a label that is not among the ids.
 */
export function probabilitiesFromLabels(labels: LabelMap, ids: readonly number[], certainty = 0.7): Maps {
  const size = labels.height * labels.width;
  const out = zeroMaps(ids.length, labels.height, labels.width);
  const channel = new Int16Array(256).fill(-1);
  ids.forEach((id, k) => (channel[id] = k));
  const other = ids.length > 1 ? (1 - certainty) / (ids.length - 1) : 0;
  for (let p = 0; p < size; p++) {
    const own = channel[labels.data[p]];
    if (own < 0 && labels.data[p] !== IGNORE) throw new Error(`dense CRF: label ${labels.data[p]} is not among ${ids.join(', ')}`);
    for (let k = 0; k < ids.length; k++) out.data[k * size + p] = own < 0 ? 1 / ids.length : k === own ? certainty : other;
  }
  return out;
}

function kernelsOf(image: RgbImage, { gaussian, bilateral }: CrfParameters, method: 'fast' | 'exact'): { filter: GaussianFilter; weight: number }[] {
  const alike = features(image, bilateral.xy, bilateral.rgb);
  return method === 'fast'
    ? [
        { filter: new SeparableGaussian(image.height, image.width, gaussian.xy), weight: gaussian.weight },
        { filter: new PermutohedralLattice(alike, image.height * image.width, FEATURES), weight: bilateral.weight },
      ]
    : [
        { filter: new ExactGaussian(features(image, gaussian.xy, Infinity)), weight: gaussian.weight },
        { filter: new ExactGaussian(alike), weight: bilateral.weight },
      ];
}

/** x, y, r, g, b of each pixel, in standard deviations. */
function features({ data, height, width }: RgbImage, xy: number, rgb: number): Float32Array {
  const out = new Float32Array(height * width * FEATURES);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i += FEATURES) {
      const colour = (y * width + x) * 3;
      out[i] = x / xy;
      out[i + 1] = y / xy;
      out[i + 2] = data[colour] / rgb;
      out[i + 3] = data[colour + 1] / rgb;
      out[i + 4] = data[colour + 2] / rgb;
    }
  }
  return out;
}

/** w D^-1/2 k D^-1/2 */
class NormalisedKernel {
  /** D^-1/2, and w K applied to a map of ones. */
  private readonly scale: Float32Array;
  private readonly ofOnes: Float32Array;

  constructor(
    private readonly kernel: GaussianFilter,
    private readonly weight: number,
    private readonly size: number,
  ) {
    this.scale = new Float32Array(size);
    this.ofOnes = new Float32Array(size);
    kernel.filter(new Float32Array(size).fill(1), 1, this.scale);
    for (let p = 0; p < size; p++) this.scale[p] = 1 / Math.sqrt(this.scale[p] + 1e-20);
    kernel.filter(this.scale, 1, this.ofOnes);
    for (let p = 0; p < size; p++) this.ofOnes[p] *= weight * this.scale[p];
  }

  /** Adds w K Q to `energy`. The labels' messages sum to w K 1, since Q sums to 1: the last one needs no filtering. */
  addMessages(q: Float32Array, labels: number, energy: Float32Array): void {
    const { size, scale, weight } = this;
    const filtered = labels - 1;
    const values = new Float32Array(size * filtered);
    const messages = new Float32Array(size * filtered);
    for (let p = 0; p < size; p++) {
      for (let l = 0; l < filtered; l++) values[p * filtered + l] = q[p * labels + l] * scale[p];
    }
    this.kernel.filter(values, filtered, messages);
    for (let p = 0; p < size; p++) {
      let rest = this.ofOnes[p];
      for (let l = 0; l < filtered; l++) {
        const message = weight * scale[p] * messages[p * filtered + l];
        energy[p * labels + l] += message;
        rest -= message;
      }
      energy[p * labels + filtered] += rest;
    }
  }
}

/** In place, over each run of `labels` values. */
function softmax(values: Float32Array, labels: number): void {
  for (let first = 0; first < values.length; first += labels) {
    let largest = -Infinity;
    for (let l = first; l < first + labels; l++) if (values[l] > largest) largest = values[l];
    let sum = 0;
    for (let l = first; l < first + labels; l++) sum += values[l] = Math.exp(values[l] - largest);
    for (let l = first; l < first + labels; l++) values[l] /= sum;
  }
}

/** k of pixel positions, along rows and then along columns, on a grid with a rim of zeros as wide as the taps reach. */
class SeparableGaussian implements GaussianFilter {
  /** exp(-t^2 / 2 sxy^2) for t = 0, 1, ... */
  private readonly taps: Float64Array;
  private readonly rim: number;
  private readonly stride: number;

  constructor(
    private readonly height: number,
    private readonly width: number,
    deviation: number,
  ) {
    this.rim = Math.ceil(4 * deviation);
    this.stride = width + 2 * this.rim;
    this.taps = Float64Array.from({ length: this.rim + 1 }, (_, t) => Math.exp(-0.5 * (t / deviation) ** 2));
  }

  filter(values: Float32Array, channels: number, out: Float32Array): void {
    const { height, width, rim, stride } = this;
    const row = width * channels;
    const padded = new Float32Array(stride * (height + 2 * rim) * channels);
    const rows = new Float32Array(padded.length);
    const start = (y: number) => ((y + rim) * stride + rim) * channels;
    for (let y = 0; y < height; y++) padded.set(values.subarray(y * row, (y + 1) * row), start(y));
    for (let y = 0; y < height; y++) this.smooth(padded, start(y), channels, rows, start(y), row);
    for (let y = 0; y < height; y++) this.smooth(rows, start(y), stride * channels, out, y * row, row);
  }

  /** `length` values from `source`, each with its neighbours that lie multiples of `jump` away. */
  private smooth(from: Float32Array, source: number, jump: number, to: Float32Array, target: number, length: number): void {
    const { taps } = this;
    for (let i = 0; i < length; i++) {
      let sum = from[source + i];
      for (let t = 1, far = jump; t < taps.length; t++, far += jump) {
        sum += taps[t] * (from[source + i - far] + from[source + i + far]);
      }
      to[target + i] = sum;
    }
  }
}

/** k by adding up all pairs. */
class ExactGaussian implements GaussianFilter {
  constructor(private readonly features: Float32Array) {}

  filter(values: Float32Array, channels: number, out: Float32Array): void {
    const { features } = this;
    const sums = new Float64Array(values.length);
    for (let i = 0; i < values.length / channels; i++) {
      for (let j = 0; j <= i; j++) {
        let distance = 0;
        for (let k = 0; k < FEATURES; k++) distance += (features[i * FEATURES + k] - features[j * FEATURES + k]) ** 2;
        const near = Math.exp(-0.5 * distance);
        for (let c = 0; c < channels; c++) {
          sums[i * channels + c] += near * values[j * channels + c];
          if (j < i) sums[j * channels + c] += near * values[i * channels + c];
        }
      }
    }
    out.set(sums);
  }
}
