/**
 * `seedmask eval <folder> --truth <masks>`: masks scored against true masks.
 */
import { join, resolve } from 'node:path';
import { EXIT, UsageError, type Command } from './io';
import { ProgressLine } from './progress';
import { folderOf, parse, SETTINGS_FLAGS, settingsOf } from './settings';
import type { Params, Result, Scores } from '../shared/protocol';
import { plural } from '../shared/runTexts';

export const evaluate: Command = {
  summary: 'score masks against true masks: mIoU, IoU of each class, FP, FN',
  help: `seedmask eval <folder> --truth <masks> [options]

Scores the masks beside the folder's photos. True masks are indexed or grey PNGs named after their photos; 255 is ignored.

  --truth <folder>           the true masks
  --predictions <folder>     score the masks of this folder instead of those beside the photos
  --stages                   score the CAMs and seeds of the last run, too, and the masks before debiasing
  --leak <folder>            true masks that know the surroundings (water, sky …): how much of a class's mask lies on its usual ones,
                             before debiasing and after, and how much of the object was lost
  --stuff-classes <file>     names of those masks' ids, a JSON list (default: classes.json in that folder)
  --pairs <a=b,c=d>          which objects and surroundings (default boat=water,aeroplane=sky,cow=grass,sheep=grass,car=road,bicycle=road)
  --out-name <pattern>       name of the mask beside its photo
  --json                     print the scores as JSON

mIoU in percent, over background and classes. FP and FN: pixels given to a class wrongly, and pixels of it that were missed, each
over the union of mask and truth (IoU + FP + FN = 1); the first line has the means over the classes without background.
`,
  async run(args, { out, err, tty, client, signal }) {
    const { values, positionals } = parse({
      args,
      allowPositionals: true,
      options: { 'out-name': SETTINGS_FLAGS['out-name'], truth: { type: 'string' }, predictions: { type: 'string' }, stages: { type: 'boolean' }, leak: { type: 'string' }, 'stuff-classes': { type: 'string' }, pairs: { type: 'string' }, json: { type: 'boolean' } },
    });
    const root = folderOf(positionals);
    if (values.truth === undefined) throw new UsageError('--truth <folder> is needed: where are the true masks?');
    const progress = new ProgressLine({ err, tty });
    let result: Result<'evaluate'>;
    try {
      result = await client.request(
        'evaluate',
        {
          root,
          settings: settingsOf(values),
          truth: resolve(values.truth),
          ...(values.predictions !== undefined && { predictions: resolve(values.predictions) }),
          ...(values.stages && { stages: true }),
          ...(values.leak !== undefined && { leak: leakOf(values.leak, values['stuff-classes'], values.pairs) }),
        },
        { onEvent: progress.show, signal },
      );
    } finally {
      progress.end();
    }
    out(values.json ? `${JSON.stringify(result, null, 2)}\n` : `${[...result.scores.map(table), ...leakLines(result), ...result.notes.map(note => `note: ${note}`)].join('\n')}\n`);
    return result.unscored > 0 ? EXIT.failed : EXIT.ok;
  },
};

type LeakParams = NonNullable<Params<'evaluate'>['leak']>;

/** @throws UsageError */
function leakOf(truth: string, classes: string | undefined, pairs: string | undefined): LeakParams {
  const folder = resolve(truth);
  return {
    truth: folder,
    classes: classes === undefined ? join(folder, 'classes.json') : resolve(classes),
    ...(pairs !== undefined && {
      pairs: pairs.split(',').map(pair => {
        const [object, context, more] = pair.split('=').map(name => name.trim());
        if (!object || !context || more !== undefined) throw new UsageError(`--pairs is like boat=water,cow=grass, not '${pairs}'`);
        return { object, context };
      }),
    }),
  };
}

/** What `--leak` found, and how good the selected clusters are. */
function leakLines({ leaks, lost, selected }: Result<'evaluate'>): string[] {
  const percent = (value: number | null): string => (value === null ? '-' : `${(value * 100).toFixed(1)} %`);
  const lines = (leaks ?? []).map(({ object, context, before, after, lost, photos }) => `${object} on ${context}: ${percent(before)} of its mask before MARS, ${percent(after)} after; ${percent(lost)} of the true object lost (${plural(photos, 'photo')})`);
  if (lost !== undefined && lost !== null) lines.push(`${percent(lost)} of all true objects lost`);
  if (selected && selected.clusters > 0) lines.push(`selected clusters: ${selected.right} of ${selected.clusters} (${percent(selected.right / selected.clusters)}) are the class in truth (IoU over 0.3)`);
  return lines.length > 0 ? [...lines, ''] : [];
}

function table({ stage, photos, miou, fp, fn, classes }: Scores): string {
  const percent = (value: number | null): string => (value === null ? '-' : (value * 100).toFixed(1));
  const ratio = (value: number | null): string => (value === null ? '-' : value.toFixed(3));
  const rows = [
    ['', 'IoU %', 'FP', 'FN'],
    [`mean of ${classes.length}`, miou.toFixed(1), ratio(fp), ratio(fn)],
    ...classes.map(one => [one.name, percent(one.iou), ratio(one.fp), ratio(one.fn)]),
  ];
  const first = Math.max(...rows.map(([name]) => name.length));
  return [`${stage}: ${plural(photos, 'photo')}`, ...rows.map(([name, ...numbers]) => `  ${name.padEnd(first)}${numbers.map(text => text.padStart(8)).join('')}`), ''].join('\n');
}
