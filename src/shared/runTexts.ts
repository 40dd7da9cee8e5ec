/**
 * What a run says about itself, in the words that the editor and the shell share: progress, counts, durations.
 */
import type { DebiasSummary, EngineEvent, RunSummary } from './protocol';

export type Progress = Extract<EngineEvent, { type: 'progress' }>;

const STAGE_LABELS: Record<Progress['stage'], string> = {
  scan: 'reading the folder',
  device: 'checking the device',
  features: 'reading features',
  learn: 'learning the tags',
  seeds: 'making labels',
  train: 'training',
  masks: 'making masks',
  debias: 'removing what is biased',
  evaluate: 'measuring',
};

/** '3/9 photos · making masks · 1.2 photos/s · 5 s left · CPU, 2 threads'; '120/900 steps · training · loss 0.41 · 2.1 steps/s · …'. `loss`: the last one, of a training. */
export function progressLine(progress: Progress, loss?: number): string {
  const lossPart = progress.stage === 'train' && loss !== undefined ? `loss ${lossText(loss)}` : '';
  return [countText(progress), STAGE_LABELS[progress.stage], lossPart, rateText(progress), leftText(progress.secondsLeft), progress.device].filter(Boolean).join(' · ');
}

/** '0.41', '12.3', '0.0034': three digits that matter at most. */
export function lossText(loss: number): string {
  return Number.isFinite(loss) ? String(Number(loss.toPrecision(loss !== 0 && Math.abs(loss) < 1 ? 2 : 3))) : 'not a number';
}

/** '12 masks written, 3 kept because edited, 2 skipped because done, 1 failed' */
export function countsText(counts: Pick<RunSummary, 'written' | 'kept' | 'skipped' | 'untagged' | 'failed'>): string {
  const parts = [plural(counts.written, 'mask') + ' written'];
  if (counts.kept) parts.push(`${group(counts.kept)} kept because edited`);
  if (counts.skipped) parts.push(`${group(counts.skipped)} skipped because done`);
  if (counts.untagged) parts.push(`${group(counts.untagged)} without tags`);
  if (counts.failed.length) parts.push(`${group(counts.failed.length)} failed`);
  return parts.join(', ');
}

/** '3 regions of 2 masks removed (1.4 % of the classes' pixels), 1 of them fragile; left alone: cat, dog' */
export function debiasText({ regions, changed, removed, fragile, restored, classes }: DebiasSummary): string {
  const alone = classes.filter(({ leftAlone }) => leftAlone !== null).map(({ name }) => name);
  const parts = [regions === 0 ? 'nothing removed' : `${plural(regions, 'region')} of ${plural(changed, 'mask')} removed (${(100 * removed).toFixed(1)} % of the classes' pixels)`];
  if (fragile) parts.push(`${group(fragile)} of them fragile`);
  if (restored) parts.push(`${group(restored)} restored`);
  return parts.join(', ') + (alone.length ? `; left alone: ${alone.join(', ')}` : '');
}

/** '1 photo', '2,000 photos' */
export function plural(count: number, noun: string): string {
  return `${group(count)} ${noun}${count === 1 ? '' : noun.endsWith('s') ? 'es' : 's'}`;
}

/** '45 s', '3 min', '2 h 05 min' */
export function durationText(seconds: number): string {
  const s = Math.round(seconds);
  if (s < 90) return `${s} s`;
  const minutes = Math.round(s / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** Thousands are set apart: '2,000'. */
export function group(count: number): string {
  return count.toLocaleString('en-US');
}

/** Of a stage that counts no photos. */
export function percent({ done, total }: Progress): string {
  return total > 0 ? `${Math.floor((100 * done) / total)} %` : '';
}

function countText(progress: Progress): string {
  if (progress.total === 0) return '';
  return progress.stage === 'learn' || progress.stage === 'device' ? percent(progress) : `${group(progress.done)}/${plural(progress.total, unit(progress))}`;
}

/** What a stage counts. */
function unit({ stage }: Progress): string {
  return stage === 'train' ? 'step' : 'photo';
}

/** Below this many a second, what one takes says more. */
const SLOW = 0.2;

/** A training counts steps, and its rate is of steps. */
function rateText(progress: Progress): string {
  const rate = progress.photosPerSecond;
  if (rate && rate < SLOW) return `${(1 / rate).toFixed(rate < SLOW / 2 ? 0 : 1)} s a ${unit(progress)}`;
  return rate ? `${rate < 10 ? rate.toFixed(1) : Math.round(rate)} ${unit(progress)}s/s` : '';
}

function leftText(seconds: number | null): string {
  return seconds === null ? '' : `${durationText(seconds)} left`;
}
