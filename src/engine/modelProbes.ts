/**
 * The models of a run as probes: what a device must compute right before it computes masks. The input is noise of the size that will be used, or
 * a small one where only the result counts and not the speed.
 */
import type { Probe } from './probeGraph';
import { backboneInput, imageTensor } from '../../models/adapter';
import { findBackbone, findSaliency } from '../../models/catalog';
import { loadModel } from '../../models/loadModel';
import { SeedMaskError } from '../shared/errors';
import type { RgbImage } from '../shared/maps';

export interface RunModels {
  /** Id or path, as in the settings. */
  backbone?: string | undefined;
  saliency?: boolean | undefined;
}

/**
 * @param fullSize inputs as large as a run's; else a few cells
 * @returns no probe for a bundled model that is not there: the run will say so
 * @throws SeedMaskError 'bad-model' for a model that must not be loaded
 */
export async function modelProbes(weightsFolder: string, { backbone, saliency = true }: RunModels, fullSize: boolean): Promise<Probe[]> {
  return [...(await present(() => backboneProbe(backbone, weightsFolder, fullSize))), ...(saliency ? await present(() => saliencyProbe(weightsFolder)) : [])];
}

async function backboneProbe(wanted: string | undefined, weightsFolder: string, fullSize: boolean): Promise<Probe> {
  const { spec, bytes } = await loadModel(await findBackbone(wanted, weightsFolder));
  const { multiple, longSide } = spec.input;
  const size = fullSize ? Math.max(1, Math.floor(longSide / multiple)) * multiple : 4 * multiple;
  return { name: spec.name, model: bytes, feeds: backboneInput(spec, [noise(size)]) };
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
