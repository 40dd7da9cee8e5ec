/**
 * The pictures of the steps that led to a photo's mask, as far as a run left them: activation maps, refined maps, seed, the mask before debiasing, what was removed,
 * and a true mask from elsewhere. Each says in words what made it.
 */
import { findBackbone } from '../../../models/catalog';
import { readClassTable, type ClassTable } from '../../dataset/classTable';
import { readMarsLayers } from '../../dataset/evidenceStore';
import { readLayers, type Layers } from '../../dataset/layers';
import type { ManifestEntry } from '../../dataset/manifest';
import { readRun } from '../../dataset/runs';
import { idMap, readNamedMask, relabel } from '../../dataset/trueMasks';
import { encodeRuns } from '../../shared/labelRuns';
import { plane, type LabelMap, type Maps } from '../../shared/maps';
import type { Layer, LayerKind } from '../../shared/review';

/** Of a data set: where its runs are recorded, and where the state of its masks lies. */
export interface Places {
  root: string;
  home: string;
}

/** All layers of a photo; `entry` is the manifest's word on its mask. Layers are caches: those that are damaged are not there. */
export async function stepLayers({ root, home }: Places, photo: string, entry: ManifestEntry | undefined): Promise<Layer[]> {
  const [layers, mars, maker] = await Promise.all([readLayers(home, photo), readMarsLayers(home, photo), makerOf(root, entry)]);
  const steps = layers ? mapLayers(layers, maker) : [];
  if (mars) {
    steps.push(labelLayer('before', mars.before, `mask before debiasing${maker}`));
    steps.push(labelLayer('removed', mars.removed, `removed by MARS: labels below their class's cut${maker}`));
  }
  return steps;
}

/** The true mask of a photo in a folder of masks (absolute), in our ids. @throws SeedMaskError 'bad-mask' */
export async function truthLayer(folder: string, photo: string, ours: ClassTable): Promise<Layer | undefined> {
  const truth = await readNamedMask(folder, photo);
  if (!truth) return undefined;
  const theirs = await readClassTable(folder);
  const named = theirs.classes.length > 1;
  return labelLayer('truth', named ? relabel(truth, idMap(theirs, ours)) : truth, `true mask${named ? ', classes matched by name' : ', ids as they are'}`);
}

function mapLayers({ info, cams, refined, seed }: Layers, maker: string): Layer[] {
  const { cam = 0, refined: cut = 0, foreground = 0, background = 0 } = info.thresholds;
  const scores = (kind: LayerKind, maps: Maps, words: string, thresholds: Record<string, number>): Layer[] =>
    info.classes.map(({ id, name }, c) => ({
      kind,
      classId: id,
      width: maps.width,
      height: maps.height,
      data: Uint8Array.from(plane(maps, c), score => Math.round(255 * score)),
      made: `${words} of ${name}${maker}`,
      thresholds,
    }));
  return [
    ...scores('cam', cams, `class activation map (background score ${short(cam)})`, { background: cam }),
    ...scores('refined', refined, `map after SCG and PAMR (background score ${short(cut)})`, { background: cut }),
    labelLayer('seed', seed, `seed: certain from ${short(foreground)}, background up to ${short(background)}, undecided between${maker}`, { foreground, background }),
  ];
}

function labelLayer(kind: LayerKind, labels: LabelMap, made: string, thresholds: Record<string, number> = {}): Layer {
  return { kind, width: labels.width, height: labels.height, data: encodeRuns(labels.data), made, thresholds };
}

/** ', by <model> in run …' as far as it is known. */
async function makerOf(root: string, entry: ManifestEntry | undefined): Promise<string> {
  const run = entry && (await readRun(root, entry.run).catch(() => undefined));
  if (!run) return '';
  const { backbone } = run.settings;
  const known = await findBackbone(backbone, '').then(({ spec }) => spec.name, () => backbone);
  return `, by ${known ?? 'the bundled backbone'}, run of ${run.summary.started.slice(0, 16).replace('T', ' ')}`;
}

function short(value: number): string {
  return String(Math.round(value * 1000) / 1000);
}
