/**
 * Quality on a data set with true masks, by the engine itself:
 *
 *     npm run eval -- FOLDER [--preset NAME | --preset-file FILE] [--saliency on|off] [--crf auto|on|off] [--device NAME] [--truth MASKS] [--work DIR] [--json]
 *
 * FOLDER has `images/`, `masks/` (named as the images, 255 ignored), `tags.json` and `classes.json`. The images are copied to a work folder (a temporary one, or DIR,
 * which is kept with its features), so the masks can teach nothing; one run gets tags, another tags and the saliency model, which was trained with masks, and each is
 * scored: CAM, refined maps, mask. `--saliency` asks for one of the two. mIoU in percent over all classes with the background, accumulated over the set; FP and FN
 * over the union, means over the foreground classes. Where FOLDER has `masks_stuff/` and `classes_stuff.json` (true masks that know surroundings), the leak of classes into their
 * usual surroundings is measured too, before debiasing and after.
 */
import { copyFileSync, cpSync, existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ProgressLine } from '../src/cli/progress';
import { settingsOf } from '../src/cli/settings';
import { EngineClient } from '../src/engine/client';
import { describeError, SeedMaskError } from '../src/shared/errors';
import type { Result, Scores } from '../src/shared/protocol';
import type { RunSettings } from '../src/shared/settings';
import { ENGINE, inFolder, machine, markdown } from './measure';

interface Measured extends Result<'evaluate'> {
  /** 'tags' or 'tags + saliency'. */
  given: string;
  seconds: number;
  device: string;
  failed: number;
}

/** Runs and scores `folder`, whose photos are copied to `work`. @throws SeedMaskError when a run ends early or nothing can be scored. */
async function measure(folder: string, truth: string, work: string, variants: readonly RunSettings[]): Promise<Measured[]> {
  const root = join(work, 'photos');
  mkdirSync(root, { recursive: true });
  cpSync(join(folder, 'images'), root, { recursive: true });
  for (const name of ['tags.json', 'classes.json']) copyFileSync(join(folder, name), join(root, name));
  const stuff = join(folder, 'masks_stuff');
  const leak = existsSync(stuff) ? { leak: { truth: stuff, classes: join(folder, 'classes_stuff.json') } } : {};
  const client = new EngineClient({ entry: ENGINE });
  const progress = new ProgressLine({ err: text => process.stderr.write(text), tty: process.stderr.isTTY });
  try {
    const measured: Measured[] = [];
    for (const settings of variants) {
      const run = await client.request('generate', { root, settings }, { onEvent: progress.show });
      if (run.state !== 'done') throw new SeedMaskError('io', `the run ended early: ${run.error ?? run.state}`, root);
      const scored = await client.request('evaluate', { root, settings, truth, stages: true, ...leak }, { onEvent: progress.show });
      measured.push({ given: settings.saliency ? 'tags + saliency' : 'tags', seconds: run.seconds, device: run.device, failed: run.failed.length, ...scored });
    }
    return measured;
  } finally {
    progress.end();
    await client.dispose();
  }
}

/** What stages gave: CAM and refined maps do not know of saliency, so they stand once. */
function report(measured: readonly Measured[]): string {
  const columns = measured.flatMap(({ given, scores }, i) => scores.filter(({ stage }) => i === 0 || stage === 'mask' || stage === 'before MARS').map(one => ({ title: one.stage === 'mask' || one.stage === 'before MARS' ? `${one.stage}, ${given}` : one.stage, one })));
  const summary = markdown(
    ['', 'mIoU', 'FP', 'FN'],
    columns.map(({ title, one }) => [title, one.miou.toFixed(1), one.fp.toFixed(3), one.fn.toFixed(3)]),
  );
  const names = columns[0]?.one.classes.map(({ name }) => name) ?? [];
  const classes = markdown(
    ['IoU, %', ...columns.map(({ title }) => title)],
    names.map(name => [name, ...columns.map(({ one }) => percent(one, name))]),
  );
  const runs = measured.map(({ given, seconds, device, failed, scores }) => `${given}: ${scores.at(-1)?.photos ?? 0} photos in ${seconds.toFixed(0)} s on ${device}${failed ? `, ${failed} failed` : ''}`);
  return [summary, '', classes, '', ...measured.flatMap(leaksOf), ...runs, ...new Set(measured.flatMap(({ notes }) => notes))].join('\n');
}

/** Leak before and after debiasing, what was lost, and how many selected clusters are the class. */
function leaksOf({ given, leaks, lost, selected }: Measured): string[] {
  const share = (value: number | null | undefined): string => (value === null || value === undefined ? '–' : `${(100 * value).toFixed(1)} %`);
  if (!leaks) return [];
  const table = markdown([`leak, ${given}`, 'before', 'after', 'object lost'], leaks.map(one => [`${one.object} on ${one.context}`, share(one.before), share(one.after), share(one.lost)]));
  const clusters = selected && selected.clusters > 0 ? `; selected clusters that are the class (IoU over 0.3): ${share(selected.right / selected.clusters)}` : '';
  return [table, `All true objects lost: ${share(lost)}${clusters}`, ''];
}

function percent({ classes }: Scores, name: string): string {
  const iou = classes.find(one => one.name === name)?.iou;
  return iou === null || iou === undefined ? '–' : (iou * 100).toFixed(1);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { preset: { type: 'string' }, 'preset-file': { type: 'string' }, saliency: { type: 'string' }, crf: { type: 'string' }, device: { type: 'string' }, truth: { type: 'string' }, work: { type: 'string' }, json: { type: 'boolean' } },
  });
  const [given] = positionals;
  if (given === undefined || !existsSync(join(given, 'images'))) throw new SeedMaskError('no-photos', 'which data set? A folder with images/, masks/, tags.json and classes.json is needed', given);
  const folder = resolve(given);
  const truth = resolve(values.truth ?? join(folder, 'masks'));
  const settings = settingsOf({ preset: values.preset, 'preset-file': values['preset-file'], crf: values.crf, device: values.device, ...(values.saliency !== undefined && { saliency: values.saliency }) });
  // With saliency first: what it computes serves the other run as well, not the other way round.
  const variants = values.saliency === undefined ? [true, false].map(saliency => ({ ...settings, saliency })) : [settings];
  const body = async (work: string): Promise<Measured[]> => (await measure(folder, truth, work, variants)).reverse();
  const measured = values.work === undefined ? await inFolder(body) : await body(resolve(values.work));
  console.log(values.json ? JSON.stringify({ machine: machine(), measured }, null, 2) : report(measured));
}

main().catch((error: unknown) => {
  console.error(error instanceof SeedMaskError ? describeError(error) : error);
  process.exitCode = 1;
});
