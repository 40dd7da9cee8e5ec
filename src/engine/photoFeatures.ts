/**
 * Features of photos: backbone (each view, mirrored views averaged with their unmirrored twin) and saliency, from the cache or computed on the device.
 * Mirroring costs a second run and averages out part of the noise; since CAMs are linear in the features, averaging these averages the raw maps.
 * Computed features are rounded to what the cache holds, so that a run makes the same masks whether it finds them there or not.
 */
import { backboneInput, decodeOutput, imageTensor } from '../../models/adapter';
import { findBackbone, findSaliency, findUss, type BackboneOutput, type BackboneSpec, type SaliencySpec, type UssSpec } from '../../models/catalog';
import { batchLimit, loadModel, type LoadedModel } from '../../models/loadModel';
import type { Preset } from '../../models/presets';
import { flipHorizontally } from '../pipeline/cam';
import type { PhotoBox } from '../pipeline/closerLook';
import { resizeBilinear } from '../pipeline/resize';
import { floats, type Tensor } from '../shared/graph';
import { SeedMaskError } from '../shared/errors';
import { plane, zeroMaps, type Maps, type RgbImage } from '../shared/maps';
import { isFeatureModel } from '../shared/settings';
import type { FeatureCache, FeatureKey, FeatureLayer } from './featureCache';
import { fromFloat16, toFiniteFloat16 } from '../shared/float16';
import { cropPhoto, resizePhoto } from './images';
import { runBatched } from './memory';
import type { OnnxHost, OpenGraph } from './session';

export type Role = BackboneOutput['role'];

/** Everything the pipeline needs of a photo besides its colours. */
export interface PhotoFeatures {
  /** By role: one D x h x w per view of the preset. */
  layers: ReadonlyMap<Role, readonly Maps[]>;
  /** 1 x s x s in [0, 1]. */
  saliency?: Maps;
}

/** The models of a run, checked but not yet opened. */
export interface RunModels {
  backbone: LoadedModel<BackboneSpec>;
  saliency?: LoadedModel<SaliencySpec>;
  /** A person's own model of the features that debiasing compares. */
  uss?: LoadedModel<UssSpec>;
}

/** @param marsFeatures as in the settings, for a run that debiases. @throws SeedMaskError 'bad-model' or 'io' */
export async function loadRunModels(weightsFolder: string, backbone: string | undefined, saliency: boolean, marsFeatures?: string): Promise<RunModels> {
  return {
    backbone: await loadModel(await findBackbone(backbone, weightsFolder)),
    ...(saliency && { saliency: await loadModel(findSaliency(weightsFolder)) }),
    ...(marsFeatures !== undefined && isFeatureModel(marsFeatures) && { uss: await loadModel(await findUss(marsFeatures)) }),
  };
}

function saliencyInput(spec: SaliencySpec, photo: RgbImage, mirrored: boolean): Record<string, Tensor> {
  return { [spec.input.name]: imageTensor([photo], spec.input, undefined, mirrored) };
}

export class FeatureExtractor {
  private readonly outputs: readonly BackboneOutput[];
  private batch: number;
  /** The file that is being written, while the next photo is worked on already. */
  private writing: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly models: RunModels,
    private readonly preset: Preset,
    private readonly cache: FeatureCache,
    private readonly backbone: OpenGraph,
    private readonly saliency: OpenGraph | undefined,
    private readonly onShrink: (batch: number) => void,
    maxBatch: number,
  ) {
    this.outputs = usedOutputs(models.backbone.spec, preset);
    this.batch = Math.min(maxBatch, batchLimit(models.backbone.spec.input.name, models.backbone.inspection));
  }

  /** @param onShrink told the new batch when the device ran out of memory */
  static async open(models: RunModels, preset: Preset, cache: FeatureCache, host: OnnxHost, onShrink: (batch: number) => void): Promise<FeatureExtractor> {
    const backbone = await host.open(models.backbone.bytes);
    const saliency = models.saliency && (await host.open(models.saliency.bytes));
    // A CPU gains nothing from batches, and between two runs a cancel can be heard.
    return new FeatureExtractor(models, preset, cache, backbone, saliency, onShrink, host.device === 'cpu' ? 1 : 2);
  }

  /** Channels by role, of the layers that are extracted. */
  get depths(): ReadonlyMap<Role, number> {
    return new Map(this.outputs.map(({ role, channels }) => [role, channels]));
  }

  /** What the cache holds of the photo with this hash; undefined unless it is everything. */
  async cached(sha256: string): Promise<PhotoFeatures | undefined> {
    const views: (readonly Maps[])[] = [];
    for (const [index] of this.preset.views.entries()) {
      const maps = await this.cache.read(this.viewKey(sha256, index));
      if (!maps) return undefined;
      views.push(maps.map(toMaps));
    }
    if (!this.models.saliency) return { layers: this.byRole(views) };
    const saliency = await this.cache.read(this.saliencyKey(sha256));
    return saliency?.[0] && { layers: this.byRole(views), saliency: toMaps(saliency[0]) };
  }

  /**
   * The features of a photo: what the cache has of them (a cancelled run may have left some views, a run without the cue has no salience), the rest computed
   * and cached.
   * @throws SeedMaskError 'numeric' (NaN or infinity), 'out-of-memory' (even one view does not fit)
   */
  async compute(photo: RgbImage, sha256: string, signal?: AbortSignal): Promise<PhotoFeatures> {
    const views: (readonly Maps[])[] = [];
    for (const index of this.preset.views.keys()) views.push(await this.keep(this.viewKey(sha256, index), () => this.view(photo, index, signal)));
    const { saliency: model } = this.models;
    const { saliency: graph } = this;
    if (!model || !graph) return { layers: this.byRole(views) };
    const [saliency] = await this.keep(this.saliencyKey(sha256), async () => [await salientMap(model.spec, graph, photo)]);
    return { layers: this.byRole(views), saliency };
  }

  /**
   * The layers of a picture that is no photo of the folder. @param content sha256 of what it is made of, to keep them in the cache; absent: they are forgotten
   * @throws SeedMaskError as `compute`
   */
  async extract(picture: RgbImage, content: string | undefined, signal?: AbortSignal): Promise<PhotoFeatures> {
    const views: (readonly Maps[])[] = [];
    for (const index of this.preset.views.keys()) {
      const compute = (): Promise<Maps[]> => this.view(picture, index, signal);
      views.push(content === undefined ? (await compute()).map(toLayer).map(toMaps) : await this.keep(this.viewKey(content, index), compute));
    }
    return { layers: this.byRole(views) };
  }

  /** From the cache, or computed and put there; the same numbers either way. */
  private async keep(key: FeatureKey, compute: () => Promise<Maps[]>): Promise<Maps[]> {
    const cached = await this.cache.read(key);
    if (cached) return cached.map(toMaps);
    const layers = (await compute()).map(toLayer);
    await this.writing;
    this.writing = this.cache.write(key, layers);
    return layers.map(toMaps);
  }

  /**
   * The photo looked at in `perSide` x `perSide` tiles, each by itself at the scale it has in the first view, put together again: D x h x w by role, on the grids that the first view
   * has. From the cache, or computed and cached.
   * @param photo asked for only when it must be computed
   * @throws SeedMaskError as `compute`
   */
  async tiles(photo: () => Promise<RgbImage>, sha256: string, perSide: number, signal?: AbortSignal): Promise<ReadonlyMap<Role, Maps>> {
    const maps = await this.keep(this.tilesKey(sha256, perSide), async () => this.lookAtTiles(await photo(), perSide, signal));
    return new Map(this.outputs.map(({ role }, i) => [role, maps[i]]));
  }

  /** The salience of a part of a photo, 1 x s x s. Not cached: few tags need it. @param mirrored looked at in a mirror, and turned back. @throws if the run has no saliency model */
  async lookCloser(photo: RgbImage, box: PhotoBox, mirrored = false): Promise<Maps> {
    if (!this.models.saliency || !this.saliency) throw new Error('this run looks at no salience');
    const map = await salientMap(this.models.saliency.spec, this.saliency, cropPhoto(photo, box), mirrored);
    return mirrored ? flipHorizontally(map) : map;
  }

  async release(): Promise<void> {
    await this.writing;
    await this.backbone.release();
    await this.saliency?.release();
  }

  /** One map per used output. */
  private async view(photo: RgbImage, index: number, signal?: AbortSignal): Promise<Maps[]> {
    const { longSide, flip } = this.preset.views[index];
    return this.look(await this.atScale(photo, longSide / Math.max(photo.width, photo.height)), flip, signal);
  }

  /** One map per used output, tile by tile, on the first view's grids. */
  private async lookAtTiles(photo: RgbImage, perSide: number, signal?: AbortSignal): Promise<Maps[]> {
    const { longSide, flip } = this.preset.views[0];
    const scale = longSide / Math.max(photo.width, photo.height);
    const { height, width } = this.fitting(photo, scale);
    const rows: Maps[][] = [];
    for (let y = 0; y < perSide; y++) {
      const row: Maps[][] = [];
      for (let x = 0; x < perSide; x++) {
        const tile = cropPhoto(photo, { left: x / perSide, top: y / perSide, right: (x + 1) / perSide, bottom: (y + 1) / perSide });
        row.push(await this.look(await this.atScale(tile, scale), flip, signal));
      }
      rows.push(this.outputs.map((_, i) => sideBySide(row.map(maps => maps[i]))));
    }
    // Tiles are rounded to what the backbone takes, each by itself.
    return this.outputs.map(({ stride }, i) => resizeBilinear(stacked(rows.map(maps => maps[i])), height / stride, width / stride));
  }

  /** The size nearest to `scale` times the photo's that the backbone takes. */
  private fitting({ height, width }: RgbImage, scale: number): { height: number; width: number } {
    const { multiple } = this.models.backbone.spec.input;
    const fit = (side: number): number => Math.max(multiple, Math.round((side * scale) / multiple) * multiple);
    return { height: fit(height), width: fit(width) };
  }

  private atScale(photo: RgbImage, scale: number): Promise<RgbImage> {
    const { height, width } = this.fitting(photo, scale);
    return resizePhoto(photo, width, height);
  }

  /** @param resized of a size that the backbone takes */
  private async look(resized: RgbImage, flip: boolean, signal?: AbortSignal): Promise<Maps[]> {
    const { spec } = this.models.backbone;
    const { results } = await runBatched(
      this.backbone,
      flip ? [false, true] : [false],
      mirrored => stack(mirrored.map(flipped => backboneInput(spec, [resized], flipped))),
      (outputs, mirrored) => {
        const decoded = this.outputs.map(output => decodeOutput(spec, output, outputs, resized));
        return mirrored.map((_, i) => decoded.map(maps => maps[i]));
      },
      {
        maxBatch: this.batch,
        outputs: this.outputs.map(({ name }) => name),
        signal,
        onShrink: batch => {
          this.batch = batch;
          this.onShrink(batch);
        },
      },
    );
    const [plain, mirrored] = results;
    return mirrored ? plain.map((map, i) => meanWithMirrored(map, mirrored[i])) : plain;
  }

  private byRole(views: readonly (readonly Maps[])[]): Map<Role, Maps[]> {
    return new Map(this.outputs.map(({ role }, i) => [role, views.map(maps => maps[i])]));
  }

  private viewKey(photo: string, index: number): FeatureKey {
    const { longSide, flip } = this.preset.views[index];
    return { photo, model: this.models.backbone.sha256, view: { longSide, flip, layers: this.outputs.map(({ name }) => name).join(' ') } };
  }

  private tilesKey(photo: string, perSide: number): FeatureKey {
    const key = this.viewKey(photo, 0);
    return { ...key, view: { ...key.view, tiles: perSide } };
  }

  private saliencyKey(photo: string): FeatureKey {
    return { photo, model: this.models.saliency?.sha256 ?? '', view: { size: this.models.saliency?.spec.input.size ?? 0 } };
  }
}

/** The outputs that heads or SCG use, one a role; the deepest layer there is if the backbone has none of them. */
function usedOutputs(spec: BackboneSpec, preset: Preset): BackboneOutput[] {
  const wanted = preset.learning.heads.map(({ role }) => role);
  const used = wanted.flatMap(role => spec.outputs.find(output => output.role === role) ?? []);
  return used.length > 0 ? used : spec.outputs.slice(0, 1);
}

async function salientMap(spec: SaliencySpec, graph: OpenGraph, photo: RgbImage, mirrored = false): Promise<Maps> {
  const { size } = spec.input;
  const { data } = floats(await graph.run(saliencyInput(spec, await resizePhoto(photo, size, size), mirrored)), spec.output);
  if (data.length !== size * size) throw new SeedMaskError('bad-model', `saliency output has ${data.length} values, expected ${size} x ${size}`);
  return { data: data.map(value => Math.min(1, Math.max(0, value))), channels: 1, height: size, width: size };
}

/** Feeds of single photos as the feeds of one batch. */
function stack(feeds: readonly Record<string, Tensor>[]): Record<string, Tensor> {
  const [first] = feeds;
  if (feeds.length === 1) return first;
  return Object.fromEntries(
    Object.entries(first).map(([name, { dims, data }]) => {
      const all = new Float32Array(data.length * feeds.length);
      feeds.forEach((feed, i) => all.set(floats(feed, name).data, i * data.length));
      return [name, { dims: [feeds.length, ...dims.slice(1)], data: all }];
    }),
  );
}

/** The mean of a photo's maps and those of its mirror image, turned back. */
function meanWithMirrored(plain: Maps, mirrored: Maps): Maps {
  const { width } = plain;
  const data = new Float32Array(plain.data.length);
  for (let row = 0; row < data.length; row += width) {
    const last = row + width - 1;
    for (let x = 0; x < width; x++) data[row + x] = (plain.data[row + x] + mirrored.data[last - x]) / 2;
  }
  return { ...plain, data };
}

/** Maps of one height as one row. */
function sideBySide(parts: readonly Maps[]): Maps {
  const [{ channels, height }] = parts;
  const width = parts.reduce((sum, part) => sum + part.width, 0);
  const out = zeroMaps(channels, height, width);
  let left = 0;
  for (const part of parts) {
    for (let row = 0; row < channels * height; row++) out.data.set(part.data.subarray(row * part.width, (row + 1) * part.width), row * width + left);
    left += part.width;
  }
  return out;
}

/** Maps of one width below one another. */
function stacked(parts: readonly Maps[]): Maps {
  const [{ channels, width }] = parts;
  const height = parts.reduce((sum, part) => sum + part.height, 0);
  const out = zeroMaps(channels, height, width);
  for (let c = 0; c < channels; c++) {
    let top = 0;
    for (const part of parts) {
      plane(out, c).set(plane(part, c), top * width);
      top += part.height;
    }
  }
  return out;
}

function toLayer({ data, channels, height, width }: Maps, index: number): FeatureLayer {
  return { name: `${index}`, dims: [channels, height, width], halves: toFiniteFloat16(data) };
}

function toMaps({ dims, halves }: FeatureLayer): Maps {
  return { data: fromFloat16(halves), channels: dims[0], height: dims[1], width: dims[2] };
}
