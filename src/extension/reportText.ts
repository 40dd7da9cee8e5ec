/**
 * Reports as markdown whose tables line up as plain text too.
 */
import type { DeviceReport, Result, Scores } from '../shared/protocol';

/** Rows under a header, padded; columns after the first are numbers and stand at the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [header, ...rows].map(row => row.map(cell => cell.replace(/\|/g, '\\|').replace(/\s+/g, ' ')));
  const widths = header.map((_, c) => Math.max(3, ...cells.map(row => (row[c] ?? '').length)));
  const line = (row: readonly string[]) => `| ${widths.map((width, c) => (c === 0 ? (row[c] ?? '').padEnd(width) : (row[c] ?? '').padStart(width))).join(' | ')} |`;
  const rule = `|${widths.map((width, c) => (c === 0 ? `:${'-'.repeat(width + 1)}` : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(cells[0] ?? []), rule, ...cells.slice(1).map(line)].join('\n');
}

/** mIoU, FP and FN of each stage, then IoU, FP and FN of each class. */
export function scoresReport(result: Result<'evaluate'>, masks: string, truth: string): string {
  const overview = table(['stage', 'photos', 'mIoU %', 'FP', 'FN'], result.scores.map(s => [s.stage, String(s.photos), s.miou.toFixed(1), s.fp.toFixed(3), s.fn.toFixed(3)]));
  return [
    '# SeedMask: masks against true masks',
    `Masks: ${masks}  \nTrue masks: ${truth}`,
    overview,
    ...result.scores.map(classesOf),
    ...(result.notes.length ? ['## Notes', result.notes.map(note => `- ${note}`).join('\n')] : []),
    'IoU: intersection over union. FP, FN: share of the union that is wrongly in, or missing from, the mask; their means leave the background out.',
  ].join('\n\n') + '\n';
}

/** Which device runs and why not another. */
export function deviceReport(report: DeviceReport): string {
  const rows = report.tried.map(tried => `- ${tried.ok ? '✓' : '✗'} **${tried.device}**: ${tried.detail}`);
  return `# SeedMask: device\n\nAsked for: ${report.asked}  \nRuns on: ${report.label}\n\n${rows.join('\n')}\n`;
}

function classesOf(scores: Scores): string {
  const rows = scores.classes.map(c => [c.name, String(c.id), c.iou === null ? '–' : (100 * c.iou).toFixed(1), c.fp === null ? '–' : c.fp.toFixed(3), c.fn === null ? '–' : c.fn.toFixed(3)]);
  return `## ${scores.stage}\n\n${table(['class', 'id', 'IoU %', 'FP', 'FN'], rows)}`;
}
