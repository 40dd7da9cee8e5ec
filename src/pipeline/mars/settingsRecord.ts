/**
 * Settings of MARS as one flat record of plain values, as provenance keeps them, and back: what is nested is spread over names like
 * `crf.bilateral.xy`; `crf` may be null.
 */
import * as v from 'valibot';
import { MARS_METRICS, type Evidence } from '../../shared/evidence';
import { MARS_RULES, type MarsSettings } from './marsTypes';

type SettingsRecord = Evidence['provenance']['settings'];

const kernel = { xy: v.number(), weight: v.number() };
const settingsSchema = v.object({
  kForeground: v.number(),
  kBackground: v.number(),
  alpha: v.number(),
  metric: v.picklist(MARS_METRICS),
  neighbours: v.number(),
  mostBackgroundPhotos: v.number(),
  rule: v.picklist(MARS_RULES),
  threshold: v.number(),
  percentile: v.number(),
  temperature: v.number(),
  margin: v.object({ neighbours: v.number(), likeness: v.number(), confirmed: v.nullable(v.number()), cut: v.nullable(v.number()), loss: v.number(), lossPerShare: v.number(), gate: v.number(), reach: v.optional(v.number(), 0) }),
  crf: v.nullable(v.object({ iterations: v.number(), gaussian: v.object(kernel), bilateral: v.object({ ...kernel, rgb: v.number() }) })),
  crfSize: v.number(),
  minRegion: v.number(),
  onlyBiased: v.boolean(),
  minPhotos: v.number(),
  gapLimit: v.number(),
  separationLimit: v.number(),
});

export function recordOfSettings({ crf, margin, ...rest }: MarsSettings): SettingsRecord {
  const plain = { ...rest, ...Object.fromEntries(Object.entries(margin).map(([name, value]) => [`margin.${name}`, value as number | null])) };
  if (!crf) return { ...plain, crf: null };
  const { iterations, gaussian, bilateral } = crf;
  return {
    ...plain,
    'crf.iterations': iterations,
    'crf.gaussian.xy': gaussian.xy,
    'crf.gaussian.weight': gaussian.weight,
    'crf.bilateral.xy': bilateral.xy,
    'crf.bilateral.rgb': bilateral.rgb,
    'crf.bilateral.weight': bilateral.weight,
  };
}

/** @throws ValiError if the record was made by another version or by hand */
export function settingsOfRecord(record: SettingsRecord): MarsSettings {
  const crf =
    record['crf.iterations'] === undefined ? record['crf'] : {
      iterations: record['crf.iterations'],
      gaussian: { xy: record['crf.gaussian.xy'], weight: record['crf.gaussian.weight'] },
      bilateral: { xy: record['crf.bilateral.xy'], rgb: record['crf.bilateral.rgb'], weight: record['crf.bilateral.weight'] },
    };
  const margin = Object.fromEntries(Object.entries(record).flatMap(([name, value]) => (name.startsWith('margin.') ? [[name.slice('margin.'.length), value]] : [])));
  return v.parse(settingsSchema, { ...record, crf, margin });
}
