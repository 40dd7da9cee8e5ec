/**
 * Lines for the places of the editor: status bar, view, summary, options. Pure text, so that it can be tested without an editor.
 */
import type { Plan, RunSummary } from '../shared/protocol';
import { countsText, debiasText, durationText, group, percent, plural, type Progress } from '../shared/runTexts';

/** How much of a run's time a stage takes, roughly: [where it starts, its share], 0..1. */
const SHARES: Record<Progress['stage'], readonly [start: number, share: number]> = {
  scan: [0, 0.02],
  device: [0.02, 0.03],
  features: [0.05, 0.5],
  learn: [0.55, 0.1],
  seeds: [0.1, 0.1],
  train: [0.2, 0.8],
  masks: [0.65, 0.25],
  debias: [0.9, 0.1],
  evaluate: [0, 1],
};

/** Done part of the whole job, 0..1. */
export function fractionDone({ stage, done, total }: Progress): number {
  const [start, share] = SHARES[stage];
  return start + share * (total > 0 ? Math.min(1, done / total) : 0);
}

/** For the status bar: 'Masks 3/9 · CPU, 2 threads'. */
export function statusText(progress: Progress): string {
  return [`Masks ${progress.stage === 'learn' ? percent(progress) : `${group(progress.done)}/${group(progress.total)}`}`, progress.device].filter(Boolean).join(' · ');
}

/** What a run would start with: '9 masks to make, 3 classes'. Which of the masks that are there are out of date, only the run finds out. */
export function startText({ photos, done, edited, classes }: Plan): string {
  const missing = photos - done - edited;
  return missing > 0 ? `${plural(missing, 'mask')} to make, ${plural(classes.length, 'class')}` : 'every photo has a mask; what is out of date is made anew';
}

/** `countsText` for a narrow place: '12 written, 1 failed'. What is zero is left out. */
export function shortCounts(counts: Pick<RunSummary, 'written' | 'kept' | 'skipped' | 'untagged' | 'failed'>): string {
  const parts: [number, string][] = [[counts.written, 'written'], [counts.failed.length, 'failed'], [counts.kept, 'kept'], [counts.skipped, 'done before'], [counts.untagged, 'untagged']];
  return parts.filter(([count]) => count > 0).map(([count, what]) => `${group(count)} ${what}`).join(', ');
}

/** The message at a run's end; failed photos with their reasons, at most three of them. */
export function summaryLine(run: RunSummary): string {
  const state = { running: 'still running', done: 'done', cancelled: 'cancelled', interrupted: 'interrupted', failed: 'stopped' }[run.state];
  const end = run.error ? `${state}: ${run.error}` : state;
  const failures = run.failed.slice(0, 3).map(failure => `${failure.photo}: ${failure.message}`);
  if (run.failed.length > 3) failures.push(`and ${group(run.failed.length - 3)} more`);
  const debias = run.debias ? ` Debiasing: ${debiasText(run.debias)}.` : '';
  const device = run.device ? `, on ${run.device}` : '';
  return `SeedMask ${end}. ${sentence(countsText(run))} (${durationText(run.seconds)}${device}).${debias}${failures.length ? ` Failed: ${failures.join('; ')}.` : ''}`;
}

/** '0 MB', '12 MB', '3.4 GB' */
export function bytesText(bytes: number): string {
  const mb = bytes / 2 ** 20;
  return mb < 1000 ? `${mb < 10 && mb > 0 ? mb.toFixed(1) : Math.round(mb)} MB` : `${(mb / 1024).toFixed(1)} GB`;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
