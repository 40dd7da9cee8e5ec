/**
 * The feature space of a data set's debiasing: fitted once on a sample of its photos, kept in `.seedmask/evidence/space.bin` and used as it is from then on, so that
 * centroids of unchanged photos stay valid when photos are added. It is fitted anew when the model or its numbers change, or when the data set has grown or shrunk
 * by half since.
 *
 * File: "SMSP", header length (uint32), header (JSON), then mean and rows of each layer (float32), little endian.
 */
import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import type { Preset } from '../../../models/presets';
import { atomicWrite } from '../../dataset/atomicWrite';
import { spaceFile } from '../../dataset/evidenceStore';
import { makeFolderFor } from '../../dataset/folder';
import { sha256 } from '../../dataset/hash';
import { fitLayer, Moments, Projector, type FeatureSpace, type SpaceLayer } from '../../pipeline/featureSpace';
import { resizeBilinear } from '../../pipeline/resize';
import { SeedMaskError, describeError } from '../../shared/errors';
import type { Maps } from '../../shared/maps';
import type { PhotoFeatures, Role } from '../photoFeatures';
import type { DebiasSource } from './debiasSources';
import { isFatal } from './recorded';
import type { Workshop } from './workshop';

type LayerPlan = Preset['mars']['space']['layers'][number];

const MAGIC = 'SMSP';
/** How much larger or smaller a data set may become before its space is fitted anew. */
const MOST_GROWTH = 1.5;

const headerSchema = v.object({
  id: v.string(),
  /** Photos of the data set when it was fitted. */
  photos: v.number(),
  root: v.boolean(),
  layers: v.array(v.object({ role: v.picklist(['deep', 'middle', 'fine']), channels: v.number(), dimensions: v.number(), weight: v.number() })),
});
type Header = v.InferOutput<typeof headerSchema>;

export class MarsSpace {
  private constructor(
    /** Changes when the same photo would get other coordinates. */
    readonly key: string,
    private readonly roles: readonly Role[],
    private readonly projector: Projector,
    private readonly workshop: Workshop,
  ) {}

  get dimensions(): number {
    return this.projector.dimensions;
  }

  /** All that a space depends on besides the photos. */
  static idOf({ models, preset }: Workshop): string {
    return sha256(JSON.stringify({ space: 1, backbone: models.backbone.sha256, views: preset.views, ...preset.mars.space }));
  }

  /** The data set's space, fitted now if need be. @throws SeedMaskError 'nothing-to-learn' if no photo has features, 'cancelled' */
  static async open(home: string, workshop: Workshop, sources: readonly DebiasSource[]): Promise<MarsSpace> {
    const id = MarsSpace.idOf(workshop);
    const file = spaceFile(home);
    const known = await readFile(file).then(decodeSpace, () => undefined);
    const fits = known && known.header.id === id && sources.length <= known.header.photos * MOST_GROWTH && sources.length * MOST_GROWTH >= known.header.photos;
    const bytes = fits ? known.bytes : await fit(workshop, sources, id);
    const space = fits ? known : decodeSpace(bytes);
    if (!space) throw new Error('a feature space that was just made cannot be read');
    if (!fits) {
      await makeFolderFor(file);
      await atomicWrite(file, bytes);
    }
    const { device } = await workshop.open();
    return new MarsSpace(sha256(bytes), space.header.layers.map(({ role }) => role), new Projector(device.host, space.space), workshop);
  }

  /** Coordinates of a photo's cells (D x h x w). `source`: its sha256. @throws SeedMaskError with the reason why it has none */
  async features(photo: string, source: string): Promise<Maps> {
    const { features } = await this.workshop.features(photo, source);
    return this.projector.project(onOneGrid(features, this.roles));
  }

  release(): Promise<void> {
    return this.projector.release();
  }
}

async function fit(workshop: Workshop, sources: readonly DebiasSource[], id: string): Promise<Uint8Array> {
  const { preset, context, recorder, progress } = workshop;
  const { layers, root, whiten, photos, cells } = preset.mars.space;
  const { device, extractor } = await workshop.open();
  const plans = usable(layers, [...extractor.depths.keys()]);
  const chosen = evenly(sources, photos);
  const perPhoto = Math.ceil(cells / Math.max(1, chosen.length));
  const moments = plans.map(({ role }) => new Moments(device.host, extractor.depths.get(role) ?? 0, root));
  progress.begin('debias', chosen.length, 2 * sources.length);
  for (const { photo, source } of chosen) {
    context.signal.throwIfAborted();
    try {
      const { features } = await workshop.features(photo, source);
      const maps = onOneGrid(features, plans.map(({ role }) => role));
      const own = Array.from({ length: maps[0].height * maps[0].width }, (_, cell) => cell);
      for (const [i, layer] of maps.entries()) await moments[i].add(layer, evenly(own, perPhoto));
    } catch (error) {
      context.signal.throwIfAborted();
      if (!(error instanceof SeedMaskError) || isFatal(error)) throw error;
      recorder.log('warn', `${photo} is left out of what the features have in common: ${describeError(error)}`);
    }
    progress.step();
  }
  const fitted: SpaceLayer[] = [];
  for (const [i, { dimensions, weight }] of plans.entries()) fitted.push(await fitLayer(device.host, moments[i], { dimensions, weight, whiten }));
  return encodeSpace({ id, photos: sources.length, root, layers: fitted.map(({ channels, dimensions, weight }, i) => ({ role: plans[i].role, channels, dimensions, weight })) }, fitted);
}

/** The layers that the backbone has; its first one where it has none of them. */
function usable(layers: readonly LayerPlan[], roles: readonly Role[]): LayerPlan[] {
  const there = layers.filter(({ role }) => roles.includes(role));
  return there.length > 0 ? there : roles.slice(0, 1).map(role => ({ ...layers[0], role, weight: 1 }));
}

/** The first view of each layer, at the size of the first layer's. */
function onOneGrid({ layers }: PhotoFeatures, roles: readonly Role[]): Maps[] {
  const maps = roles.map(role => {
    const [view] = layers.get(role) ?? [];
    if (!view) throw new Error(`no features for the layer ${role}`);
    return view;
  });
  const [{ height, width }] = maps;
  return maps.map(map => (map.height === height && map.width === width ? map : resizeBilinear(map, height, width)));
}

/** At most `most` of them, spread evenly. */
function evenly<T>(all: readonly T[], most: number): T[] {
  return all.length <= most ? [...all] : Array.from({ length: most }, (_, i) => all[Math.floor((i * all.length) / most)]);
}

function encodeSpace(header: Header, layers: readonly SpaceLayer[]): Uint8Array {
  const text = Buffer.from(JSON.stringify(header));
  const start = Buffer.alloc(8);
  start.write(MAGIC, 'latin1');
  start.writeUInt32LE(text.length, 4);
  const values = layers.flatMap(({ mean, rows }) => [mean, rows]).map(data => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  return Buffer.concat([start, text, ...values]);
}

/** Nothing if the bytes are not a whole space. */
function decodeSpace(bytes: Uint8Array): { header: Header; space: FeatureSpace; bytes: Uint8Array } | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.toString('latin1', 0, 4) !== MAGIC || buffer.length < 8) return undefined;
  const end = 8 + buffer.readUInt32LE(4);
  try {
    const header = v.parse(headerSchema, JSON.parse(buffer.toString('utf8', 8, end)));
    if (buffer.length !== end + header.layers.reduce((sum, { channels, dimensions }) => sum + 4 * channels * (dimensions + 1), 0)) return undefined;
    // A copy: floats must begin at a multiple of their size.
    const values = new Float32Array(Uint8Array.from(buffer.subarray(end)).buffer);
    let at = 0;
    const layers = header.layers.map(({ channels, dimensions, weight }): SpaceLayer => {
      const mean = values.slice(at, (at += channels));
      return { channels, dimensions, weight, mean, rows: values.slice(at, (at += channels * dimensions)) };
    });
    return { header, space: { layers, root: header.root }, bytes };
  } catch {
    return undefined;
  }
}
