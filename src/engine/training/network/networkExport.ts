/** A network that learnt on images as it leaves: its scores of a photo at scale 1, with what was learnt as constants. */
import type { TrainingState } from '../../../../models/trainer';
import type { GraphBuilder } from '../../../../models/graph/builder';
import { NetworkGraph } from '../../../../models/networks/imageNetwork';
import type { ExportData, ExportedScores } from '../stages';
import { NetworkModel, weightsOf, type NetworkParts } from './networkModel';

/** @throws SeedMaskError 'bad-model' if the state is of another network */
export async function networkExport(data: ExportData, parts: NetworkParts, longSide: number, state: TrainingState): Promise<ExportedScores> {
  const model = await NetworkModel.open(data, parts);
  const weights = weightsOf(state, await model.parameters(), true);
  const constants = (name: string): Float32Array => {
    const values = weights[name]?.data;
    if (!(values instanceof Float32Array)) throw new Error(`no weights '${name}'`);
    return values;
  };
  return {
    longSide,
    async logits(g: GraphBuilder, photo) {
      const [photos, height, width] = photo.shape;
      const network = new NetworkGraph(g, model.shape, { constants });
      return network.logits(network.maps(await model.file.fixed(photos, height, width), photo));
    },
  };
}
