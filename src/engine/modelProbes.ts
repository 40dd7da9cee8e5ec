/**
 * The models of a run as probes: what a device must compute right before it computes masks. The input is noise of the size that will be used, or
 * a small one where only the result counts and not the speed.
 */
import type { Probe } from './probeGraph';
import { backboneInput, featureInput, imageTensor } from '../../models/adapter';
import { findBackbone, findSaliency, findUss, type BackboneSpec } from '../../models/catalog';
import { loadModel } from '../../models/loadModel';
import { SeedMaskError } from '../shared/errors';
import type { RgbImage } from '../shared/maps';
import { isFeatureModel } from '../shared/settings';

export interface RunModels {
  /** Id or path, as in the settings. */
  backbone?: string | undefined;
  saliency?: boolean | undefined;
  /** As in the settings: a model of one's own is probed too. */
  marsFeatures?: string | undefined;
}

/**
 * @param fullSize inputs as large as a run's; else a few cells
 * @returns no probe for a bundled model that is not there: the run will say so
 * @throws SeedMaskError 'bad-model' for a model that must not be loaded
 */
export async function modelProbes(weightsFolder: string, { backbone, saliency = true, marsFeatures }: RunModels, fullSize: boolean): Promise<Probe[]> {
  return [
    ...(await present(() => backboneProbe(backbone, weightsFolder, fullSize))),
    ...(saliency ? await present(() => saliencyProbe(weightsFolder)) : []),
    ...(marsFeatures !== undefined && isFeatureModel(marsFeatures) ? await present(() => ussProbe(marsFeatures, fullSize)) : []),
  ];
}

async function backboneProbe(wanted: string | undefined, weightsFolder: string, fullSize: boolean): Promise<Probe> {
  const { spec, bytes } = await loadModel(await findBackbone(wanted, weightsFolder));
  return { name: spec.name, model: bytes, feeds: backboneInput(spec, [noise(sideOf(spec, fullSize))]) };
}

async function ussProbe(file: string, fullSize: boolean): Promise<Probe> {
  const { spec, bytes } = await loadModel(await findUss(file));
  if (spec.from === 'photo') return { name: spec.name, model: bytes, feeds: backboneInput(spec, [noise(sideOf(spec, fullSize))]) };
  const { channels } = spec.input;
  const side = fullSize ? 24 : 4;
  const data = Float32Array.from({ length: channels * side * side }, (_, i) => Math.abs(Math.sin(i * 0.37)));
  return { name: spec.name, model: bytes, feeds: featureInput(spec, { data, channels, height: side, width: side }) };
}

function sideOf({ input: { multiple, longSide } }: Pick<BackboneSpec, 'input'>, fullSize: boolean): number {
  return fullSize ? Math.max(1, Math.floor(longSide / multiple)) * multiple : 4 * multiple;
}

async function saliencyProbe(weightsFolder: string): Promise<Probe> {
  const { spec, bytes } = await loadModel(findSaliency(weightsFolder));
  return { name: spec.name, model: bytes, feeds: { [spec.input.name]: imageTensor([noise(spec.input.size)], spec.input) } };
}

async function present(make: () => Promise<Probe>): Promise<Probe[]> {
  try {
    return [await make()];
  } catch (error) {
    if (error instanceof SeedMaskError && error.reason === 'io') return [];
    throw error;
  }
}

/** A photo of nothing: coarse blocks with fine noise, the same every time. */
function noise(size: number): RgbImage {
  const data = Uint8Array.from({ length: size * size * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    const block = Math.floor(pixel / size / 8) * 31 + Math.floor((pixel % size) / 8) * 17 + (i % 3) * 59;
    return (block * 37 + Math.imul(i, 2654435761) / 2 ** 27) & 255;
  });
  return { data, width: size, height: size };
}
