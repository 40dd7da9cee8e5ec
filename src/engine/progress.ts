/**
 * How far a run is: photos done in the stage that runs, photos per second over the last while, and the time left for all stages together,
 * which counts a photo of a later stage that was not timed yet as costing `guess` of one in the current stage.
 */
import type { EngineEvent, STAGES } from '../shared/protocol';

type Stage = (typeof STAGES)[number];

/** Events are for people: this many milliseconds apart at least. */
const INTERVAL_MS = 150;
/** Rates look back this many photos. */
const WINDOW = 30;

export class Progress {
  private last = 0;
  private stage: Stage = 'scan';
  private done = 0;
  private total = 0;
  private later = 0;
  private readonly times: number[] = [];
  device = '';

  constructor(
    private readonly emit: (event: EngineEvent) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * @param later photos that come in stages after this one, in units of this one's
   * @param done of an earlier run that is gone on with
   */
  begin(stage: Stage, total: number, later = 0, done = 0): void {
    Object.assign(this, { stage, total, later, done });
    this.times.length = 0;
    this.times.push(this.now());
    this.report(true);
  }

  /** One more photo is done. `instant`: it took no work (it was cached) and says nothing about the rate. */
  step(instant = false): void {
    this.done++;
    if (!instant) {
      this.times.push(this.now());
      if (this.times.length > WINDOW + 1) this.times.shift();
    }
    this.report(this.done === this.total);
  }

  private report(always: boolean): void {
    const now = this.now();
    if (!always && now - this.last < INTERVAL_MS) return;
    this.last = now;
    const seconds = (this.times[this.times.length - 1] - this.times[0]) / 1000;
    const rate = this.times.length > 1 && seconds > 0 ? (this.times.length - 1) / seconds : null;
    this.emit({
      type: 'progress',
      stage: this.stage,
      done: this.done,
      total: this.total,
      photosPerSecond: rate,
      secondsLeft: rate === null ? null : (this.total - this.done + this.later) / rate,
      device: this.device,
    });
  }
}
