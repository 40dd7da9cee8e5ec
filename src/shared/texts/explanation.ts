/** All that is known of what debiasing removed from a photo, as plain text: the decision first, then what it rests on. For shells and logs. */
import type { Choice, ClassEvidence, Evidence } from '../evidence';
import type { Explanation } from '../protocol';
import {
  bestTagsText, clusterText, crfText, decisionText, NEIGHBOURS_ARE, photosText, prototypeText, provenanceRows, ruleText, situationText, stabilityText, strengthText, whatIfs, whatIfText,
} from './evidenceTexts';
import { className, classNames, distance, list, percent, pixels, type ClassNames } from './words';

/** Photos of the decomposition of the mean that are listed. */
const SHOWN_PHOTOS = 5;

export function explanationText({ photo, size, classes, evidence, names }: Explanation): string {
  const known = classNames(names);
  const lines = [`${photo}: ${evidence.length === 0 ? 'nothing was removed' : `${evidence.length} removed ${evidence.length === 1 ? 'region' : 'regions'}`}`];
  for (const one of classes) lines.push('', ...classLines(one));
  evidence.forEach((record, i) => lines.push('', `${i + 1}. ${record.id}`, ...regionLines(record, known, size).map(line => `   ${line}`)));
  return `${lines.join('\n')}\n`;
}

/** A class in all the data set. */
export function classLines(one: ClassEvidence): string[] {
  const { name, photos, leftAlone, gap, selected, clusters, cut, removed, before, photosChanged, photosEmptied, regions, fragile, metricAgreement } = one;
  const rest = before > 0 ? `${percent(removed / before)} of its pixels removed, in ${photosChanged} of ${photos} photos (${photosEmptied} lost all of it); ${regions} regions, ${fragile} of them fragile` : 'no mask has pixels of it';
  return [
    `${name}: ${leftAlone === null ? rest : `left alone: ${leftAlone}`}`,
    `  ${clusters.length} clusters, ${selected} of them make the prototype; cut at distance ${distance(cut)}; gap ${gap.toFixed(1)}${metricAgreement === null ? '' : `; the two metrics agree on ${percent(metricAgreement)} of the clusters`}`,
  ];
}

function regionLines(record: Evidence & { choice: Choice | null }, names: ClassNames, size: { width: number; height: number }): string[] {
  const { background, choice, clusters, decision, classId } = record;
  const lines = [decisionText(record, names, size), stabilityText(record)];
  if (choice) lines.push(choice === 'restored' ? 'A person restored it: it is in the mask.' : 'A person accepted the removal.');
  for (const line of [crfText(record), bestTagsText(record, names), ruleText(decision.rule)]) if (line) lines.push(line);
  lines.push('What if:', ...whatIfs(record).map(one => `  ${one.removed === null ? '-' : percent(one.removed)} would still be removed with ${whatIfText(one)}`));
  lines.push(situationText(record, names), ...clusters.map(one => `  cluster ${one.cluster + 1}: ${clusterText(one)}`), prototypeText(record, names));
  if (background.nearest.length > 0) {
    lines.push(NEIGHBOURS_ARE, ...background.nearest.map(near => {
      const tags = near.tags.length ? `tags ${list(near.tags.map(id => className(id, names)))}` : 'no tags';
      return `  ${near.photo}, background cluster ${near.cluster + 1}: distance ${distance(near.distance)}; ${tags}; ${strengthText(near, classId, names)}`;
    }));
  }
  if (background.photos.length > 0) lines.push(photosText(record), ...background.photos.slice(0, SHOWN_PHOTOS).map(one => `  ${one.photo}: distance ${distance(one.distance)}, share ${percent(one.share)}`));
  lines.push('Made by:', ...provenanceRows(record).map(([name, value]) => `  ${name}: ${value}`), `Region: ${pixels(record.area)} in the box ${record.box.join(', ')} (x, y, width, height)`);
  return lines;
}
