/**
 * The light decoder as it leaves: frozen backbone, main directions, and all members together (a photo from elsewhere belongs to no fold). Where features are the mean of a
 * photo's and its mirror image's, so they are in the file.
 */
import type { GraphBuilder } from '../../../../models/graph/builder';
import type { Value } from '../../../../models/graph/value';
import { backboneLayers } from '../../../../models/networks/importedBackbone';
import { lightDecoderMaps } from '../../../../models/networks/lightDecoderMaps';
import type { Preset } from '../../../../models/presets';
import type { TrainingState } from '../../../../models/trainer';
import type { DecoderPreset } from '../../../../models/trainingPreset';
import { SeedMaskError } from '../../../shared/errors';
import { BackboneFile } from '../network/backboneFile';
import type { ExportData, ExportedScores } from '../stages';
import { shapeOf } from './decoderScorer';
import { directionsOf, splitState } from './decoderInputs';

/** @throws SeedMaskError 'unavailable' for a decoder that sees more of a cell than the backbone does, 'bad-model' */
export async function decoderExport({ model, classes }: ExportData, { views: [{ longSide, flip }] }: Preset, section: DecoderPreset, { tensors }: TrainingState): Promise<ExportedScores> {
  const { colour, place, saliency, root } = section.inputs;
  if (colour > 0 || place > 0 || saliency > 0) throw new SeedMaskError('unavailable', 'a decoder that sees colour, place or salience besides features cannot be exported');
  const { space, network, judgement } = splitState(tensors);
  const directions = directionsOf(section.inputs, space);
  const shape = shapeOf(section, directions.reduce((sum, { dimensions }) => sum + dimensions, 0), classes.length);
  const file = await BackboneFile.open(model);
  return {
    longSide,
    async logits(g, photo) {
      const [, height, width] = photo.shape;
      const looks = flip ? g.concat([photo, mirrored(g, photo, 2)], 0) : photo;
      const layers = backboneLayers(g, await file.fixed(looks.shape[0], height, width), model.spec, looks);
      const directed = directions.map(({ role, rows, mean }) => {
        const map = layers.get(role);
        if (!map) throw new SeedMaskError('bad-model', `the ${role} layer that the decoder was trained on is not there`);
        return { map: flip ? meanOfBoth(g, map) : map, rows, mean };
      });
      return lightDecoderMaps(g, directed, { root, grid: section.grid }, shape, name => (network[`${name}.ema`] ?? network[name]).data, judgement?.offsets);
    },
  };
}

/** Of a photo's maps and those of its mirror image, turned back. */
function meanOfBoth(g: GraphBuilder, maps: Value): Value {
  const plain = g.slice(maps, [0], [1], [0]);
  return g.mul(g.add(plain, mirrored(g, g.slice(maps, [1], [2], [0]), 3)), 0.5);
}

function mirrored(g: GraphBuilder, x: Value, axis: number): Value {
  return g.slice(x, [-1], [-(2 ** 31)], [axis], [-1]);
}
