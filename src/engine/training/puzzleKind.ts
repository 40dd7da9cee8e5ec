/** Puzzle-CAM is two kinds of training under one section of a preset: heads on cached features, or the whole backbone. */
import type { PuzzlePreset } from '../../../models/trainingPreset';
import { puzzleNetworkKind } from './network/puzzleNetworkStage';
import { puzzleScorer } from './puzzle/puzzleCam';
import { PuzzleHeadStage } from './puzzle/puzzleHeadStage';
import type { StageKind } from './stages';
import { stateOf } from './trainingStage';

const heads: Required<StageKind<PuzzlePreset>> = {
  open: (data, preset, section) => PuzzleHeadStage.open(data, preset, section),
  scorer: (data, preset, section, stages) => Promise.resolve(puzzleScorer(data, preset, section, stateOf('puzzle', stages))),
};

const kindOf = ({ what }: PuzzlePreset): Required<StageKind<PuzzlePreset>> => (what === 'network' ? puzzleNetworkKind : heads);

export const puzzleKind: StageKind<PuzzlePreset> = {
  open: (data, preset, section, previous) => kindOf(section).open(data, preset, section, previous),
  scorer: (data, preset, section, stages) => kindOf(section).scorer(data, preset, section, stages),
};
