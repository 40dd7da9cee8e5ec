/**
 * What debiasing compares cells by, as the setting `marsFeatures` says: the backbone's layers; another model of photos (DINO, Leopart), which is extracted and cached as
 * a backbone is; a head on a layer of the backbone (STEGO's); or such a head learnt on the folder's own features. The latter is written as the model that a person's
 * head would be, `.seedmask/evidence/stego.onnx` with its description, and read through the same door.
 *
 * All of them look at a photo as the preset's first view does. Features of the backbone are roots and whitened (the preset's `space`). Those of other models may be negative,
 * so these have no roots; the rest is as the preset says. (Codes that were centred only took much of a class whose masks were right.)
 */
import { decodeUss, featureInput } from '../../../models/adapter';
import { findUss, type BackboneSpec, type UssSpec } from '../../../models/catalog';
import { loadModel, type LoadedModel } from '../../../models/loadModel';
import type { Preset } from '../../../models/presets';
import { stegoModel } from '../../../models/stego/head';
import { STEGO_OPTIONS, trainStegoHead } from '../../../models/stego/training';
import { atomicWrite } from '../../dataset/atomicWrite';
import { stegoFile } from '../../dataset/evidenceStore';
import { makeFolderFor } from '../../dataset/folder';
import { sha256 } from '../../dataset/hash';
import { resizeBilinear } from '../../pipeline/resize';
import { describeError, SeedMaskError } from '../../shared/errors';
import type { Maps } from '../../shared/maps';
import type { FeatureExtractor, PhotoFeatures, Role } from '../photoFeatures';
import type { DebiasSource } from './debiasSources';
import { isFatal } from './recorded';
import type { Workshop } from './workshop';

type LayerPlan = Preset['mars']['space']['layers'][number];

/** How the space takes the maps of a photo. */
export interface MapsPlan {
  root: boolean;
  layers: readonly { channels: number; dimensions: number; weight: number }[];
}

export interface MarsFeatures {
  /** For a person. */
  readonly name: string;
  /** sha256 of the model they come from, hex. */
  readonly model: string;
  readonly plan: MapsPlan;
  /** A photo's maps, one a layer of the plan, all on one grid. `source`: its sha256. @throws SeedMaskError with the reason why it has none */
  of(photo: string, source: string): Promise<Maps[]>;
  release(): Promise<void>;
}

/** Photos that a head is learnt on: all of their cells are in memory (1.3 MB a photo of 768 channels). */
const STEGO_PHOTOS = 128;
/** How often a photo is drawn on average (as for the figures of docs/quality.md), and the fewest steps. */
const STEGO_DRAWS = 28;
const STEGO_LEAST_STEPS = 50;

/** All that features depend on besides the backbone, the preset and the photos, as plain values; nothing for the backbone's own. */
export function choiceOf({ models: { uss }, settings }: Workshop): unknown {
  if (uss) return [uss.sha256, uss.spec];
  return settings.marsFeatures === 'stego' ? [STEGO_OPTIONS, STEGO_PHOTOS, STEGO_DRAWS, STEGO_LEAST_STEPS] : undefined;
}

/**
 * @param learnt sha256 of the head that was learnt for this folder, if it is to be used again where it still is
 * @throws SeedMaskError 'bad-model' where a head wants another backbone, 'nothing-to-learn' where fewer than 3 photos have features, 'cancelled'
 */
export async function openMarsFeatures(home: string, workshop: Workshop, sources: readonly DebiasSource[], learnt: string | undefined): Promise<MarsFeatures> {
  const { models: { uss }, settings } = workshop;
  if (uss) return uss.spec.from === 'photo' ? ofPhotoModel(workshop, uss, uss.spec) : ofHead(workshop, uss, uss.spec, settings.marsFeatures);
  if (settings.marsFeatures !== 'stego') return ofBackbone(workshop);
  const file = stegoFile(home);
  if (learnt !== undefined) {
    const kept = await loadHead(file).catch(() => undefined);
    if (kept?.sha256 === learnt && kept.spec.from === 'features') return ofHead(workshop, kept, kept.spec, file);
  }
  await learnHead(file, workshop, sources);
  const head = await loadHead(file);
  if (head.spec.from !== 'features') throw new Error('a head that was just learnt is none');
  return ofHead(workshop, head, head.spec, file);
}

const loadHead = async (file: string): Promise<LoadedModel<UssSpec>> => loadModel(await findUss(file));

async function ofBackbone(workshop: Workshop): Promise<MarsFeatures> {
  const { models: { backbone }, preset: { mars: { space } } } = workshop;
  const { extractor } = await workshop.open();
  const plans = usable(space.layers, [...extractor.depths.keys()]);
  return {
    name: backbone.spec.name,
    model: backbone.sha256,
    plan: { root: space.root, layers: plans.map(({ role, dimensions, weight }) => ({ channels: extractor.depths.get(role) ?? 0, dimensions, weight })) },
    of: async (photo, source) => onOneGrid((await workshop.features(photo, source)).features, plans.map(({ role }) => role)),
    release: () => Promise.resolve(),
  };
}

async function ofPhotoModel(workshop: Workshop, { bytes, sha256: model, inspection }: LoadedModel<UssSpec>, uss: Extract<UssSpec, { from: 'photo' }>): Promise<MarsFeatures> {
  const { from: _, output, ...shared } = uss;
  const spec: BackboneSpec = { ...shared, kind: 'backbone', outputs: [{ ...output, role: 'deep' }] };
  // The cache knows features by their model: another description of the same file feeds it otherwise.
  const extractor = await workshop.extractorOf({ spec, bytes, sha256: sha256(JSON.stringify([model, uss])), inspection });
  return {
    name: uss.name,
    model,
    plan: single(workshop.preset, output.channels),
    of: async (photo, source) => onOneGrid((await workshop.features(photo, source, extractor)).features, ['deep']),
    release: () => extractor.release(),
  };
}

/** @param file the head's, for a person */
async function ofHead(workshop: Workshop, { bytes, sha256: model }: LoadedModel<UssSpec>, head: Extract<UssSpec, { from: 'features' }>, file: string): Promise<MarsFeatures> {
  const { device, extractor } = await workshop.open();
  const { role, channels } = head.input;
  checkLayer(extractor, workshop.models.backbone.spec.name, head, file);
  const graph = await device.host.open(bytes);
  return {
    name: `${head.name}, on ${workshop.models.backbone.spec.name}`,
    model,
    plan: single(workshop.preset, head.output.channels),
    of: async (photo, source) => {
      const [layer] = onOneGrid((await workshop.features(photo, source)).features, [role]);
      if (layer.channels !== channels) throw new Error(`features of ${layer.channels} channels instead of ${channels}`);
      return decodeUss(head, await graph.run(featureInput(head, layer), [head.output.name]), layer);
    },
    release: () => graph.release(),
  };
}

/** @throws SeedMaskError 'bad-model' where the backbone has not the layer that the head was made for */
function checkLayer({ depths }: FeatureExtractor, backbone: string, { name, input }: Extract<UssSpec, { from: 'features' }>, file: string): void {
  const found = depths.get(input.role);
  if (found === input.channels) return;
  const has = found === undefined ? `no such layer in use (${[...depths.keys()].join(', ')})` : `${found}`;
  throw new SeedMaskError('bad-model', `'${name}' wants ${input.channels} channels of the ${input.role} layer, the backbone '${backbone}' has ${has}`, file);
}

/** As many directions as the preset gives all its layers together. */
function single({ mars: { space } }: Preset, channels: number): MapsPlan {
  return { root: false, layers: [{ channels, dimensions: space.layers.reduce((sum, { dimensions }) => sum + dimensions, 0), weight: 1 }] };
}

/** Learns a head on the space's first layer, and writes it as a model with its description. */
async function learnHead(file: string, workshop: Workshop, sources: readonly DebiasSource[]): Promise<void> {
  const { context, recorder, progress, preset } = workshop;
  const { device, extractor } = await workshop.open();
  const [{ role }] = usable(preset.mars.space.layers, [...extractor.depths.keys()]);
  const chosen = evenly(sources, STEGO_PHOTOS);
  const photos: Maps[] = [];
  progress.begin('debias', chosen.length, 4 * sources.length);
  for (const { photo, source } of chosen) {
    context.signal.throwIfAborted();
    try {
      photos.push(...onOneGrid((await workshop.features(photo, source)).features, [role]));
    } catch (error) {
      context.signal.throwIfAborted();
      if (!(error instanceof SeedMaskError) || isFatal(error)) throw error;
      recorder.log('warn', `${photo} is left out of what codes are learnt from: ${describeError(error)}`);
    }
    progress.step();
  }
  const steps = Math.max(STEGO_LEAST_STEPS, Math.ceil((photos.length * STEGO_DRAWS) / STEGO_OPTIONS.batch));
  progress.begin('debias', steps, sources.length);
  const head = await trainStegoHead(device.host, photos, { ...STEGO_OPTIONS, steps }, context.signal, () => progress.step());
  const { bytes, description } = stegoModel(head, { id: 'stego-of-folder', name: 'STEGO-type head learnt on this folder', role });
  await makeFolderFor(file);
  await atomicWrite(file, bytes);
  await atomicWrite(file.replace(/\.onnx$/, '.json'), Buffer.from(JSON.stringify(description, null, 2)));
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
export function evenly<T>(all: readonly T[], most: number): T[] {
  return all.length <= most ? [...all] : Array.from({ length: most }, (_, i) => all[Math.floor((i * all.length) / most)]);
}
