/**
 * Between photos and backbones, whatever their layout: photos become the input tensor (normalised, mirrored border), outputs become
 * score maps on the half-pixel grid (cell i is centred on stride * (i + 1/2)), so that nothing behind it knows which model ran.
 * The mirrored border and the 2 x 2 average of Inception V3 are derived from its layers (`inception/convert.ts`).
 */
import { SeedMaskError } from '../src/shared/errors';
import { floats, type Tensor } from '../src/shared/graph';
import { zeroMaps, type Maps, type RgbImage } from '../src/shared/maps';
import type { BackboneOutput, BackboneSpec, UssSpec } from './catalog';

type PixelRule = Pick<BackboneSpec['input'], 'layout' | 'scale' | 'mean' | 'std'>;
export type Border = BackboneSpec['input']['pad'];

const NO_BORDER: Border = { left: 0, top: 0, right: 0, bottom: 0 };

/**
 * Photos of one size as one tensor; `flip` mirrors them left to right (before the border is added).
 * @throws if the photos differ in size. A border may be longer than the photo: mirrors repeat.
 */
export function imageTensor(photos: readonly RgbImage[], rule: PixelRule, pad: Border = NO_BORDER, flip = false): Tensor {
  const [{ width, height }] = photos;
  if (photos.some(photo => photo.width !== width || photo.height !== height)) throw new Error('photos of one batch must have one size');
  const columns = mirrored(width, pad.left, pad.right, flip);
  const rows = mirrored(height, pad.top, pad.bottom, false);
  const area = rows.length * columns.length;
  const data = new Float32Array(photos.length * 3 * area);
  const [cellStep, channelStep] = rule.layout === 'NHWC' ? [3, 1] : [1, area];
  const tables = rule.mean.map((mean, c) => Float32Array.from({ length: 256 }, (_, p) => (p / rule.scale - mean) / rule.std[c]));
  photos.forEach((photo, n) => {
    let cell = n * 3 * area;
    for (const y of rows) {
      for (const x of columns) {
        const from = (y * width + x) * 3;
        for (let c = 0; c < 3; c++) data[cell + c * channelStep] = tables[c][photo.data[from + c]];
        cell += cellStep;
      }
    }
  });
  const dims = rule.layout === 'NHWC' ? [photos.length, rows.length, columns.length, 3] : [photos.length, 3, rows.length, columns.length];
  return { dims, data };
}

/** The input of a backbone. @throws if the photos' size is no multiple of what it wants. */
export function backboneInput({ input }: Pick<BackboneSpec, 'input'>, photos: readonly RgbImage[], flip = false): Record<string, Tensor> {
  const [{ width, height }] = photos;
  if (width % input.multiple || height % input.multiple) throw new Error(`${width} x ${height} is no multiple of ${input.multiple}`);
  return { [input.name]: imageTensor(photos, input, input.pad, flip) };
}

/** Source positions of a line with a border that mirrors without repeating the edge. */
function mirrored(length: number, before: number, after: number, flip: boolean): number[] {
  const period = Math.max(1, 2 * (length - 1));
  return Array.from({ length: before + length + after }, (_, i) => {
    const phase = (((i - before) % period) + period) % period;
    const position = phase < length ? phase : period - phase;
    return flip ? length - 1 - position : position;
  });
}

/** The input of a head on features: maps of one photo, as they come from the backbone. @throws SeedMaskError 'bad-model' if the layer has other channels. */
export function featureInput(spec: Extract<UssSpec, { from: 'features' }>, maps: Maps): Record<string, Tensor> {
  const { name, channels, role } = spec.input;
  if (maps.channels !== channels) throw new SeedMaskError('bad-model', `'${spec.name}' wants ${channels} channels, the ${role} layer of the backbone has ${maps.channels}`);
  return { [name]: { dims: [1, channels, maps.height, maps.width], data: maps.data } };
}

/**
 * One output of a run as maps, one per photo: channels x height/stride x width/stride; they may share the output's memory.
 * @param size of the photos that were fed, in pixels (without border).
 * @throws SeedMaskError 'bad-model' if the output's shape is not what its description says.
 */
export function decodeOutput(spec: Pick<BackboneSpec, 'name'> & { input: Pick<BackboneSpec['input'], 'layout'> }, output: Omit<BackboneOutput, 'role'>, results: Record<string, Tensor>, size: Size): Maps[] {
  const extra = output.smooth2x2 ? 1 : 0;
  const grid = { height: size.height / output.stride + extra, width: size.width / output.stride + extra };
  const maps = decodeCells(spec.name, spec.input.layout, output, results, grid, `${size.width} x ${size.height} pixels`);
  return output.smooth2x2 ? maps.map(averaged2x2) : maps;
}

/**
 * The features of a run of a model of unsupervised features, one map per photo.
 * @param size of what was fed: the photos in pixels (without border), or the layer's maps in cells
 * @throws SeedMaskError 'bad-model' if the output's shape is not what its description says.
 */
export function decodeUss(spec: UssSpec, results: Record<string, Tensor>, size: Size): Maps[] {
  if (spec.from === 'photo') return decodeOutput(spec, spec.output, results, size);
  return decodeCells(spec.name, 'NCHW', spec.output, results, size, `${size.width} x ${size.height} cells`);
}

interface Size {
  width: number;
  height: number;
}

type Layout = BackboneSpec['input']['layout'];
type Cells = Pick<BackboneOutput, 'name' | 'kind' | 'channels' | 'skipTokens'>;

function decodeCells(model: string, layout: Layout, output: Cells, results: Record<string, Tensor>, { height, width }: Size, fed: string): Maps[] {
  const { data, dims } = floats(results, output.name);
  const expected = shapeOf(layout, output, dims[0], height, width);
  if (dims.length !== expected.length || dims.some((d, i) => d !== expected[i])) {
    throw new SeedMaskError('bad-model', `output '${output.name}' of '${model}' is [${dims.join(', ')}], expected [${expected.join(', ')}] for ${fed}`);
  }
  const perPhoto = data.length / dims[0];
  return Array.from({ length: dims[0] }, (_, n) => {
    const one = data.subarray(n * perPhoto, (n + 1) * perPhoto);
    return { data: planes(layout, output, one), channels: output.channels, height, width };
  });
}

function shapeOf(layout: Layout, { kind, channels, skipTokens }: Cells, photos: number, height: number, width: number): number[] {
  if (kind === 'tokens') return [photos, skipTokens + height * width, channels];
  return layout === 'NHWC' ? [photos, height, width, channels] : [photos, channels, height, width];
}

/** Numbers of one photo, channel by channel. */
function planes(layout: Layout, { kind, channels, skipTokens }: Cells, data: Float32Array): Float32Array {
  if (kind === 'map' && layout === 'NCHW') return data;
  const first = kind === 'tokens' ? skipTokens * channels : 0;
  const cells = (data.length - first) / channels;
  const result = new Float32Array(cells * channels);
  for (let cell = 0; cell < cells; cell++) {
    for (let c = 0; c < channels; c++) result[c * cells + cell] = data[first + cell * channels + c];
  }
  return result;
}

/** The mean of each 2 x 2 neighbourhood: one row and one column less. */
function averaged2x2({ data, channels, height, width }: Maps): Maps {
  const result = zeroMaps(channels, height - 1, width - 1);
  let next = 0;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height - 1; y++) {
      let at = (c * height + y) * width;
      for (let x = 0; x < width - 1; x++, at++) result.data[next++] = (data[at] + data[at + 1] + data[at + width] + data[at + width + 1]) / 4;
    }
  }
  return result;
}
