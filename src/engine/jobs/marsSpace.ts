/**
 * The feature space of a data set's debiasing: fitted once on a sample of its photos, kept in `.seedmask/evidence/space.bin` and used as it is from then on, so that
 * centroids of unchanged photos stay valid when photos are added. It is fitted anew when the features (`marsFeatures.ts`) or its numbers change, or when the data set has
 * grown or shrunk by half since.
 *
 * File: "SMSP", header length (uint32), header (JSON), then mean and rows of each layer (float32), little endian.
 */
import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { atomicWrite } from '../../dataset/atomicWrite';
import { spaceFile } from '../../dataset/evidenceStore';
import { makeFolderFor } from '../../dataset/folder';
import { sha256 } from '../../dataset/hash';
import { fitLayer, Moments, Projector, type FeatureSpace, type SpaceLayer } from '../../pipeline/featureSpace';
import { SeedMaskError, describeError } from '../../shared/errors';
import type { Maps } from '../../shared/maps';
import type { DebiasSource } from './debiasSources';
import { choiceOf, evenly, openMarsFeatures, type MarsFeatures } from './marsFeatures';
import { isFatal } from './recorded';
import type { Workshop } from './workshop';

const MAGIC = 'SMSP';
/** How much larger or smaller a data set may become before its space is fitted anew. */
const MOST_GROWTH = 1.5;

const headerSchema = v.object({
  id: v.string(),
  /** Photos of the data set when it was fitted. */
  photos: v.number(),
  /** sha256 of the model of the features. */
  model: v.string(),
  root: v.boolean(),
  layers: v.array(v.object({ channels: v.number(), dimensions: v.number(), weight: v.number() })),
});
type Header = v.InferOutput<typeof headerSchema>;

export class MarsSpace {
  private constructor(
    /** Changes when the same photo would get other coordinates. */
    readonly key: string,
    /** What it was fitted on. */
    readonly maps: MarsFeatures,
    private readonly projector: Projector,
  ) {}

  get dimensions(): number {
    return this.projector.dimensions;
  }

  /** All that a space depends on besides the photos. */
  static idOf(workshop: Workshop): string {
    const { models, preset } = workshop;
    return sha256(JSON.stringify({ space: 1, backbone: models.backbone.sha256, views: preset.views, ...preset.mars.space, features: choiceOf(workshop) }));
  }

  /** The data set's space, fitted now if need be. @throws SeedMaskError 'nothing-to-learn' if no photo has features, 'cancelled' */
  static async open(home: string, workshop: Workshop, sources: readonly DebiasSource[]): Promise<MarsSpace> {
    const id = MarsSpace.idOf(workshop);
    const file = spaceFile(home);
    const known = await readFile(file).then(decodeSpace, () => undefined);
    const current = known && known.header.id === id && sources.length <= known.header.photos * MOST_GROWTH && sources.length * MOST_GROWTH >= known.header.photos;
    const maps = await openMarsFeatures(home, workshop, sources, current ? known.header.model : undefined);
    try {
      const fits = current && known.header.model === maps.model;
      const bytes = fits ? known.bytes : await fit(workshop, sources, id, maps);
      const space = fits ? known : decodeSpace(bytes);
      if (!space) throw new Error('a feature space that was just made cannot be read');
      if (!fits) {
        await makeFolderFor(file);
        await atomicWrite(file, bytes);
      }
      const { device } = await workshop.open();
      return new MarsSpace(sha256(bytes), maps, new Projector(device.host, space.space));
    } catch (error) {
      await Promise.allSettled([maps.release()]);
      throw error;
    }
  }

  /** Coordinates of a photo's cells (D x h x w). `source`: its sha256. @throws SeedMaskError with the reason why it has none */
  async features(photo: string, source: string): Promise<Maps> {
    return this.projector.project(await this.maps.of(photo, source));
  }

  async release(): Promise<void> {
    await this.projector.release();
    await this.maps.release();
  }
}

async function fit(workshop: Workshop, sources: readonly DebiasSource[], id: string, { model, plan, of }: MarsFeatures): Promise<Uint8Array> {
  const { preset, context, recorder, progress } = workshop;
  const { photos, cells, whiten } = preset.mars.space;
  const { device } = await workshop.open();
  const chosen = evenly(sources, photos);
  const perPhoto = Math.ceil(cells / Math.max(1, chosen.length));
  const moments = plan.layers.map(({ channels }) => new Moments(device.host, channels, plan.root));
  progress.begin('debias', chosen.length, 2 * sources.length);
  for (const { photo, source } of chosen) {
    context.signal.throwIfAborted();
    try {
      const maps = await of(photo, source);
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
  for (const [i, { dimensions, weight }] of plan.layers.entries()) fitted.push(await fitLayer(device.host, moments[i], { dimensions, weight, whiten }));
  return encodeSpace({ id, photos: sources.length, model, root: plan.root, layers: fitted.map(({ channels, dimensions, weight }) => ({ channels, dimensions, weight })) }, fitted);
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
