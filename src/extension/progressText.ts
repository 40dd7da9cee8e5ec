/**
 * Lines for the places of the editor: status bar, view, summary, options. Pure text, so that it can be tested without an editor.
 */
import type { Plan, RunSummary } from '../shared/protocol';
import { countsText, debiasText, durationText, group, lossText, percent, plural, type Progress } from '../shared/runTexts';
import { stageLine, type StageCurve } from '../shared/trainingHistory';

/** Where each stage begins and its share of the job's time, roughly: [start, share], 0..1. */
export type Shares = Readonly<Record<Progress['stage'], readonly [start: number, share: number]>>;

/** Of a run that makes masks, or of one that measures them. */
export const MASK_SHARES: Shares = {
  scan: [0, 0.02],
  device: [0.02, 0.03],
  features: [0.05, 0.5],
  learn: [0.55, 0.1],
  seeds: [0.65, 0],
  train: [0.65, 0],
  masks: [0.65, 0.25],
  debias: [0.9, 0.1],
  evaluate: [0, 1],
};

/** Of a training, and of a run that makes masks and may have to train first. */
export const TRAINING_SHARES: Shares = {
  ...MASK_SHARES,
  scan: [0, 0.01],
  device: [0.01, 0.01],
  features: [0.02, 0.1],
  learn: [0.12, 0.02],
  seeds: [0.14, 0.1],
  train: [0.24, 0.66],
  masks: [0.9, 0.07],
  debias: [0.97, 0.03],
};

/** Done part of the whole job, 0..1. */
export function fractionDone({ stage, done, total }: Progress, shares: Shares = MASK_SHARES): number {
  const [start, share] = shares[stage];
  return start + share * (total > 0 ? Math.min(1, done / total) : 0);
}

/** For the status bar: 'Masks 3/9 · CPU, 2 threads', 'Training 120/900 steps · loss 0.41'. `loss`: the last one, of a training. */
export function statusText(progress: Progress, job?: RunSummary['job'], loss?: number): string {
  const { stage, done, total, device } = progress;
  if (stage === 'train') return [`Training ${group(done)}/${plural(total, 'step')}`, ...(loss === undefined ? [] : [`loss ${lossText(loss)}`])].join(' · ');
  const count = stage === 'learn' ? percent(progress) : `${group(done)}/${group(total)}`;
  return [job === 'train' ? `Training: ${total === 0 ? 'starting' : `preparing ${count}`}` : `Masks ${count}`, device].filter(Boolean).join(' · ');
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

const STATES: Record<RunSummary['state'], string> = { running: 'still running', done: 'done', cancelled: 'cancelled', interrupted: 'interrupted', failed: 'stopped' };

/** The message at a training's end. @param curves what it has learnt until then */
export function trainingSummaryLine(run: RunSummary, curves: readonly StageCurve[]): string {
  const last = curves.at(-1);
  const took = `(${durationText(run.seconds)}${run.device ? `, on ${run.device}` : ''})`;
  const parts = [`SeedMask training ${STATES[run.state]} ${took}${run.error ? `: ${run.error}` : ''}.`];
  if (last) parts.push(`${stageLine(last)}.`);
  if (run.failed.length > 0) parts.push(`${plural(run.failed.length, 'photo')} could not be learnt from.`);
  return parts.join(' ');
}

/** The message at a run's end; failed photos with their reasons, at most three of them. */
export function summaryLine(run: RunSummary): string {
  const end = run.error ? `${STATES[run.state]}: ${run.error}` : STATES[run.state];
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
