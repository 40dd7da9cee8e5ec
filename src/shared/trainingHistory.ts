/**
 * What the lines of a training add up to: a curve for each of its stages and, for each sample photo, its masks by epoch. A training that was resumed goes on from a
 * checkpoint, so steps may be told twice: a line of a step takes the place of everything its stage said of that step and later ones.
 */
import { lossText } from './runTexts';
import { TRAINING_STAGES, type TrainingLine, type TrainingMetrics, type TrainingSample, type TrainingStageName } from './training';

/** What a stage is called. */
export const STAGE_NAMES: Record<TrainingStageName, string> = {
  puzzle: 'Puzzle-CAM',
  affinity: 'Affinity',
  decoder: 'Decoder',
  network: 'Network',
  segmentation: 'Segmentation',
};

export interface StageCurve {
  stage: TrainingStageName;
  /** By rising step, never empty. */
  points: readonly TrainingMetrics[];
}

export interface PhotoSamples {
  photo: string;
  /** By stage, then by epoch. */
  frames: readonly TrainingSample[];
}

export class TrainingHistory {
  private readonly curves = new Map<TrainingStageName, TrainingMetrics[]>();
  private readonly photos = new Map<string, TrainingSample[]>();

  /** Stages that have said something, in the order they run in; as they are now, whatever is added later. */
  get stages(): StageCurve[] {
    return TRAINING_STAGES.flatMap(stage => {
      const points = this.curves.get(stage);
      return points ? [{ stage, points: [...points] }] : [];
    });
  }

  /** Photos in the order they came in. */
  get samples(): PhotoSamples[] {
    return [...this.photos].map(([photo, frames]) => ({ photo, frames }));
  }

  add(line: TrainingLine): void {
    if (line.type === 'metrics') this.addPoint(line);
    else this.addSample(line);
  }

  private addPoint({ type: _, ...point }: TrainingLine & { type: 'metrics' }): void {
    const points = this.curves.get(point.stage) ?? [];
    let before: TrainingMetrics | undefined;
    while ((points.at(-1)?.step ?? -1) >= point.step) {
      const dropped = points.pop();
      if (dropped?.step === point.step) before = dropped;
    }
    // The end of an epoch adds its tagging to the point that is there.
    points.push(before ? { ...before, ...point, losses: { ...before.losses, ...point.losses } } : point);
    this.curves.set(point.stage, points);
  }

  private addSample({ type: _, ...sample }: TrainingLine & { type: 'sample' }): void {
    const frames = (this.photos.get(sample.photo) ?? []).filter(frame => compareFrames(frame, sample) !== 0);
    const at = frames.findIndex(frame => compareFrames(frame, sample) > 0);
    frames.splice(at < 0 ? frames.length : at, 0, sample);
    this.photos.set(sample.photo, frames);
  }
}

type Moment = Pick<TrainingSample, 'stage' | 'epoch'>;

/** By stage, then by epoch. */
export function compareFrames(a: Moment, b: Moment): number {
  return TRAINING_STAGES.indexOf(a.stage) - TRAINING_STAGES.indexOf(b.stage) || a.epoch - b.epoch;
}

/** 'Decoder · epoch 3/8 · step 120/900 · loss 1.2 → 0.41' */
export function stageLine({ stage, points }: StageCurve): string {
  const [first, last] = [points[0], points[points.length - 1]];
  const loss = points.length === 1 ? lossText(last.losses['total'] ?? NaN) : `${lossText(first.losses['total'] ?? NaN)} → ${lossText(last.losses['total'] ?? NaN)}`;
  return [STAGE_NAMES[stage], `epoch ${last.epoch}/${last.epochs}`, `step ${last.step}/${last.steps}`, ...('total' in last.losses ? [`loss ${loss}`] : [])].join(' · ');
}

/** Average precision of each class, 0..1, as it was last told. */
export function lastTagging({ points }: StageCurve): Record<string, number> | undefined {
  for (let i = points.length - 1; i >= 0; i--) {
    const { tagging } = points[i];
    if (tagging) return tagging;
  }
  return undefined;
}
