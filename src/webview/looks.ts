/**
 * How layers look until a person says otherwise, and how that is changed. Looks are kept by layer key, so that they stay from photo to photo.
 */
import type { LayerLook, Looks, OpenLayer } from './page';

const LOOKS: Record<OpenLayer['kind'], LayerLook> = {
  cam: { visible: false, opacity: 0.7, style: 'fill' },
  refined: { visible: false, opacity: 0.7, style: 'fill' },
  seed: { visible: false, opacity: 0.6, style: 'both' },
  before: { visible: false, opacity: 0.6, style: 'outline' },
  disk: { visible: false, opacity: 0.6, style: 'both' },
  removed: { visible: true, opacity: 0.8, style: 'both' },
  mask: { visible: true, opacity: 0.6, style: 'both' },
  truth: { visible: false, opacity: 0.9, style: 'outline' },
  difference: { visible: false, opacity: 0.8, style: 'fill' },
};

/** From the bottom to the top. */
export const LAYER_ORDER: readonly OpenLayer['kind'][] = ['cam', 'refined', 'before', 'disk', 'seed', 'mask', 'removed', 'truth', 'difference'];

/** The look of a layer: what a person chose for its key, else that of its kind. */
export function lookOf(layers: ReadonlyMap<string, LayerLook>, layer: Pick<OpenLayer, 'key' | 'kind'>): LayerLook {
  return layers.get(layer.key) ?? LOOKS[layer.kind];
}

/** Changes part of a layer's look. */
export function changeLook(looks: Looks, layer: Pick<OpenLayer, 'key' | 'kind'>, change: Partial<LayerLook>): void {
  const before = looks.layers.peek();
  looks.layers.value = new Map(before).set(layer.key, { ...lookOf(before, layer), ...change });
}

/** The layers that are to be seen, from the bottom to the top, with their looks; a solo layer alone, fully as its look says. */
export function shownLayers(looks: Looks, layers: readonly OpenLayer[]): { layer: OpenLayer; look: LayerLook }[] {
  const solo = looks.solo.value;
  const chosen = looks.layers.value;
  const rank = (layer: OpenLayer): number => LAYER_ORDER.indexOf(layer.kind);
  return layers
    .filter(layer => (solo !== null && layers.some(({ key }) => key === solo) ? layer.key === solo : lookOf(chosen, layer).visible))
    .sort((a, b) => rank(a) - rank(b))
    .map(layer => ({ layer, look: lookOf(chosen, layer) }));
}
