/**
 * What networks of affinities (`models/affinityHeads.ts`) see of a photo: its layers, each divided by the root mean square that it has over the data set, and its
 * colours on the grid of the walk. The coarsest layer gives the grid; a finer one keeps its own where its cells divide the coarsest's, or is brought to a whole number.
 */
import { affinityParameters, type AffinityInput, type AffinityShape } from '../../../../models/affinityHeads';
import type { BackboneSpec } from '../../../../models/catalog';
import type { AffinityPreset } from '../../../../models/trainingPreset';
import { COLOUR_CHANNELS, colourChannels } from '../../../pipeline/colours';
import { resizeBilinear } from '../../../pipeline/resize';
import type { Maps, RgbImage } from '../../../shared/maps';
import type { PhotoFeatures, Role } from '../../photoFeatures';

/** Name of the colours among the inputs. */
export const COLOUR = 'colour';
/** The scales of the layers in a training's state. */
export const SCALES = 'scales';

export interface AffinityLayer {
  role: Role;
  channels: number;
  to: number;
  /** Cells along a side of a cell of the coarsest layer. */
  factor: number;
}

/** The layers of a section that the backbone has. */
export function affinityLayers({ outputs }: Pick<BackboneSpec, 'outputs'>, { layers }: AffinityPreset): AffinityLayer[] {
  const found = layers.flatMap(({ role, channels: to }) => {
    const output = outputs.find(one => one.role === role);
    return output ? [{ role, channels: output.channels, to, stride: output.stride }] : [];
  });
  const coarsest = Math.max(...found.map(({ stride }) => stride));
  return found.map(({ stride, ...layer }) => ({ ...layer, factor: Math.max(1, Math.round(coarsest / stride)) }));
}

/** The network on rows x columns of the coarsest layer. */
export function affinityShape(layers: readonly AffinityLayer[], { kind, features, colour, grid }: AffinityPreset, rows: number, columns: number): AffinityShape {
  const [height, width] = [rows * grid, columns * grid];
  const inputs: AffinityInput[] = layers.map(({ role, channels, to, factor }) => ({ name: role, channels, to, height: rows * factor, width: columns * factor }));
  if (colour > 0) inputs.push({ name: COLOUR, channels: COLOUR_CHANNELS, to: colour, height, width });
  return { kind, inputs, features, height, width };
}

/** Names of what is learnt. */
export function learntNames(layers: readonly AffinityLayer[], section: AffinityPreset): string[] {
  return affinityParameters(affinityShape(layers, section, 1, 1)).map(({ name }) => name);
}

/** A photo as the network sees it: its inputs by name on the grids of `affinityShape(layers, section, rows, columns)`. */
export interface AffinityView {
  rows: number;
  columns: number;
  maps: Map<string, Maps>;
}

/** The layers; where colours are seen, too, they are to be added (`coloursOn`). @param scales one a layer */
export function affinityView(features: PhotoFeatures, layers: readonly AffinityLayer[], scales: Float32Array): AffinityView {
  const views = layers.map(({ role }) => firstView(features, role));
  const { height: rows, width: columns } = views.reduce((least, view) => (view.height * view.width < least.height * least.width ? view : least));
  const maps = new Map<string, Maps>(layers.map(({ role, factor }, i) => {
    const view = resized(views[i], rows * factor, columns * factor);
    return [role, { ...view, data: view.data.map(value => value / scales[i]) }];
  }));
  return { rows, columns, maps };
}

/** Colours on the grid of the walk. @param photo of any size */
export function coloursOn(photo: RgbImage, { rows, columns }: Pick<AffinityView, 'rows' | 'columns'>, { grid }: AffinityPreset): Maps {
  return colourChannels(photo, rows * grid, columns * grid);
}

/** Root mean square of a layer's first view. */
export function layerScale(features: PhotoFeatures, role: Role): number {
  const { data } = firstView(features, role);
  return Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length);
}

function firstView({ layers }: PhotoFeatures, role: Role): Maps {
  const view = layers.get(role)?.[0];
  if (!view) throw new Error(`no features of the ${role} layer`);
  return view;
}

function resized(maps: Maps, height: number, width: number): Maps {
  return maps.height === height && maps.width === width ? maps : resizeBilinear(maps, height, width);
}
