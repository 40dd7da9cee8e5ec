/**
 * Trained affinities as a stage: what they learn is a part of the frozen chain, refined scores walk along it, where the preset asks for a walk of that kind.
 */
import type { AffinityPreset } from '../../../../models/trainingPreset';
import { propagate } from '../../../pipeline/propagation';
import type { StageKind } from '../stages';
import { stateOf } from '../trainingStage';
import { AffinityStage } from './affinityStage';
import { AffinityWalk } from './affinityWalk';

export const affinityKind: StageKind<AffinityPreset> = {
  open: (data, preset, section) => AffinityStage.open(data, preset, section),
  chain(data, { propagation, mask }, section, stages) {
    if (propagation.kind !== section.kind) return Promise.resolve(undefined);
    const walk = new AffinityWalk(data, section, stateOf('affinity', stages).tensors);
    return Promise.resolve({
      async propagate(scores, picture, features) {
        const transition = await walk.transition(picture, features, propagation.radius);
        return transition ? propagate(scores, transition, propagation, mask.threshold) : scores;
      },
      release: () => walk.release(),
    });
  },
};
