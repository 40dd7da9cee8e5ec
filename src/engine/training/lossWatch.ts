/**
 * Notices when a training has lost its way: its loss is not a number, or has stood for a while far above all it was. "Far" is measured by the median of the last steps
 * and by the largest of the first ones, so that a term which joins in later (RecurSeed's, of a third of the run) is no alarm.
 */

/** What goes into a checkpoint. */
export interface WatchRecord {
  /** The stage's first losses. */
  first: number[];
  /** Its last ones. */
  recent: number[];
}

const FIRST = 20;
const RECENT = 100;
/** Times what it is used to be, for so many steps. */
const FACTOR = 20;
const STEPS = 20;

export class LossWatch {
  private readonly first: number[];
  private readonly recent: number[];
  private streak = 0;

  constructor({ first, recent }: WatchRecord = { first: [], recent: [] }) {
    this.first = [...first];
    this.recent = [...recent];
  }

  /** What is wrong after this loss, for a sentence ("the loss …"); nothing if all is well. */
  add(loss: number): string | undefined {
    if (!Number.isFinite(loss)) {
      this.streak++;
      return 'the loss is not a number';
    }
    if (this.first.length < FIRST) this.first.push(loss);
    const usual = Math.max(median(this.recent), ...this.first);
    if (this.recent.length >= STEPS && loss > FACTOR * usual) {
      this.streak++;
      return this.streak >= STEPS ? `the loss is ${loss.toPrecision(3)}, and for ${STEPS} steps was over ${FACTOR} times what it is used to be (${usual.toPrecision(3)})` : undefined;
    }
    this.streak = 0;
    this.recent.push(loss);
    if (this.recent.length > RECENT) this.recent.shift();
    return undefined;
  }

  /** How many of the last losses were far too high, or no numbers: no time for a checkpoint. */
  get bad(): number {
    return this.streak;
  }

  get record(): WatchRecord {
    return { first: [...this.first], recent: [...this.recent] };
  }
}

function median(values: readonly number[]): number {
  return values.length === 0 ? 0 : [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
