/** Puzzle-CAM is two kinds of training under one section of a preset: heads on cached features, or the whole backbone. */
import type { PuzzlePreset } from '../../../models/trainingPreset';
import { puzzleNetworkKind } from './network/puzzleNetworkStage';
import { headsOf, PuzzleCam, puzzleScorer } from './puzzle/puzzleCam';
import { PuzzleHeadStage } from './puzzle/puzzleHeadStage';
import type { StageKind } from './stages';
import { stateOf } from './trainingStage';

/** One that scores photos. */
type ScoringKind = StageKind<PuzzlePreset> & Required<Pick<StageKind<PuzzlePreset>, 'scorer'>>;

const heads: ScoringKind = {
  open: (data, preset, section) => PuzzleHeadStage.open(data, preset, section),
  scorer: (data, preset, section, stages) => Promise.resolve(puzzleScorer(data, preset, section, stateOf('puzzle', stages))),
  chain(data, _preset, section, stages) {
    const cam = new PuzzleCam(data.host, headsOf(data, section), data.classes, stateOf('puzzle', stages).tensors);
    return Promise.resolve({ layers: (features, ids) => cam.layers(features, ids), release: () => cam.release() });
  },
};

const kindOf = ({ what }: PuzzlePreset): ScoringKind => (what === 'network' ? puzzleNetworkKind : heads);

export const puzzleKind: StageKind<PuzzlePreset> = {
  open: (data, preset, section, previous) => kindOf(section).open(data, preset, section, previous),
  scorer: (data, preset, section, stages) => kindOf(section).scorer(data, preset, section, stages),
  chain: (data, preset, section, stages) => kindOf(section).chain?.(data, preset, section, stages) ?? Promise.resolve(undefined),
};
