/**
 * What a run says about itself, as short lines: progress, summary, counts. Pure text, so that it can be tested without an editor.
 */
import type { EngineEvent, Plan, RunSummary } from '../shared/protocol';

export type Progress = Extract<EngineEvent, { type: 'progress' }>;

const STAGE_LABELS: Record<Progress['stage'], string> = {
  scan: 'reading the folder',
  device: 'checking the device',
  features: 'reading features',
  learn: 'learning the tags',
  masks: 'making masks',
  evaluate: 'measuring',
};

/** How much of a run's time a stage takes, roughly: [where it starts, its share], 0..1. */
const SHARES: Record<Progress['stage'], readonly [start: number, share: number]> = {
  scan: [0, 0.02],
  device: [0.02, 0.03],
  features: [0.05, 0.5],
  learn: [0.55, 0.1],
  masks: [0.65, 0.35],
  evaluate: [0, 1],
};

/** Done part of the whole job, 0..1. */
export function fractionDone({ stage, done, total }: Progress): number {
  const [start, share] = SHARES[stage];
  return start + share * (total > 0 ? Math.min(1, done / total) : 0);
}

/** '3/9 photos · making masks · 1.2 photos/s · 5 s left · CPU, 2 threads' */
export function progressLine(progress: Progress): string {
  return [countText(progress), STAGE_LABELS[progress.stage], rateText(progress.photosPerSecond), leftText(progress.secondsLeft), progress.device].filter(Boolean).join(' · ');
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

/** '12 masks written, 3 kept because edited, 2 up to date, 1 failed' */
export function countsText(counts: Pick<RunSummary, 'written' | 'kept' | 'skipped' | 'untagged' | 'failed'>): string {
  const parts = [plural(counts.written, 'mask') + ' written'];
  if (counts.kept) parts.push(`${group(counts.kept)} kept because edited`);
  if (counts.skipped) parts.push(`${group(counts.skipped)} skipped because done`);
  if (counts.untagged) parts.push(`${group(counts.untagged)} without tags`);
  if (counts.failed.length) parts.push(`${group(counts.failed.length)} failed`);
  return parts.join(', ');
}

/** The same for a narrow place: '12 written, 1 failed'. What is zero is left out. */
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
  const device = run.device ? `, on ${run.device}` : '';
  return `SeedMask ${end}. ${sentence(countsText(run))} (${durationText(run.seconds)}${device}).${failures.length ? ` Failed: ${failures.join('; ')}.` : ''}`;
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

/** '0 MB', '12 MB', '3.4 GB' */
export function bytesText(bytes: number): string {
  const mb = bytes / 2 ** 20;
  return mb < 1000 ? `${mb < 10 && mb > 0 ? mb.toFixed(1) : Math.round(mb)} MB` : `${(mb / 1024).toFixed(1)} GB`;
}

function countText(progress: Progress): string {
  if (progress.total === 0) return '';
  return progress.stage === 'learn' || progress.stage === 'device' ? percent(progress) : `${group(progress.done)}/${plural(progress.total, 'photo')}`;
}

function percent({ done, total }: Progress): string {
  return total > 0 ? `${Math.floor((100 * done) / total)} %` : '';
}

function rateText(rate: number | null): string {
  return rate ? `${rate < 10 ? rate.toFixed(1) : Math.round(rate)} photos/s` : '';
}

function leftText(seconds: number | null): string {
  return seconds === null ? '' : `${durationText(seconds)} left`;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function group(count: number): string {
  return count.toLocaleString('en-US');
}
