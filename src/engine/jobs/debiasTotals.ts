/** What debiasing did to a data set, in all: for the run's summary, and for the evidence of each class. */
import type { Choices } from '../../dataset/choices';
import type { ClassTable } from '../../dataset/classTable';
import type { RegionRecord } from '../../dataset/evidenceStore';
import { BackgroundGroups, ClassTotals } from '../../pipeline/mars/classSummary';
import type { ClassEvidence } from '../../shared/evidence';
import type { LabelMap } from '../../shared/maps';
import type { DebiasSummary } from '../../shared/protocol';
import type { PhotoDecider } from './debiasPhoto';

export class DebiasTotals {
  private readonly totals = new ClassTotals();
  private readonly ids = new Set<number>();
  private photos = 0;
  private changed = 0;
  private rewritten = 0;
  private restored = 0;

  constructor(
    private readonly decider: Pick<PhotoDecider, 'decisions' | 'backgrounds'>,
    private readonly table: ClassTable,
  ) {
    for (const id of decider.decisions.keys()) this.ids.add(id);
  }

  /** A photo: its mask before, what is removed of it, and whether its file was rewritten. */
  add(mask: LabelMap, regions: readonly RegionRecord[], choices: Choices, rewritten: boolean): void {
    this.totals.add(mask, regions);
    const restored = regions.filter(region => choices.of(region) === 'restored').length;
    this.photos++;
    if (regions.length > restored) this.changed++;
    if (rewritten) this.rewritten++;
    this.restored += restored;
  }

  classes(): ClassEvidence[] {
    const named = [...this.ids].sort((a, b) => a - b).map(id => ({ id, name: this.table.nameOf(id) ?? `class ${id}` }));
    return this.totals.evidence(named, this.decider.decisions, new BackgroundGroups(this.decider.backgrounds));
  }

  summary(classes: readonly ClassEvidence[]): Omit<DebiasSummary, 'seconds'> {
    const sum = (of: (one: ClassEvidence) => number): number => classes.reduce((total, one) => total + of(one), 0);
    const before = sum(one => one.before);
    return {
      photos: this.photos,
      changed: this.changed,
      rewritten: this.rewritten,
      regions: sum(one => one.regions),
      fragile: sum(one => one.fragile),
      restored: this.restored,
      removed: before > 0 ? sum(one => one.removed) / before : 0,
      classes: classes.map(({ classId, name, removed, before: pixels, regions, leftAlone }) => ({ id: classId, name, removed: pixels > 0 ? removed / pixels : 0, regions, leftAlone })),
    };
  }
}
