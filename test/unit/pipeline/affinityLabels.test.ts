/** Confident labels and pair labels against AffinityNet's and IRNet's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { combineRuns, irnConfidentLabels, PAIR, pairLabels, pairLosses, psaConfidentLabels } from '../../../src/pipeline/affinityLabels';
import { edgeAffinity, featureAffinity, pairOffsets } from '../../../src/pipeline/randomWalk';
import { withBackground } from '../../../src/pipeline/withBackground';
import type { LabelMap, Maps } from '../../../src/shared/maps';
import { fixture, reference } from '../../shared';

const stack = (planes: number[][][]): Maps => ({
  data: Float32Array.from(planes.flat(2)),
  channels: planes.length,
  height: planes[0].length,
  width: planes[0][0].length,
});
const picture = (rows: number[][]): LabelMap => ({ data: Uint8Array.from(rows.flat()), height: rows.length, width: rows[0].length });
const close = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

test('confident labels of both methods', reference('spec/fixtures/psa-conf-labels.json'), () => {
  const { psa, irn, bg_power_examples } = fixture<{
    psa: { la: number[][][]; ha: number[][][]; expected: number[][] };
    irn: { cams: number[][][]; keys_plus1: number[]; fg_thres: number; bg_thres: number; expected: number[][] };
    bg_power_examples: { max_cam: number; alpha: number; bg: number }[];
  }>('psa-conf-labels.json');
  assert.deepEqual([...psaConfidentLabels(stack(psa.la), stack(psa.ha), [0, 1, 2]).data], psa.expected.flat());
  assert.deepEqual([...irnConfidentLabels(stack(irn.cams), irn.keys_plus1.slice(1)).data], irn.expected.flat());
  for (const { max_cam, alpha, bg } of bg_power_examples) close(withBackground(stack([[[max_cam]], [[0]]]), alpha).data[0], bg, 1e-4);
});

test('two runs: foreground needs the first, background both, else ignore', () => {
  assert.deepEqual([...combineRuns(picture([[3, 0, 0, 5]]), picture([[3, 0, 4, 0]])).data], [3, 0, 255, 5]);
  assert.throws(() => combineRuns(picture([[0]]), picture([[0, 0]])), /size/);
});

test('pair labels, counts and losses', reference('spec/fixtures/psa-afflabels-8x8.json', 'spec/fixtures/psa-rw-8x8.json'), () => {
  interface Case {
    shape_P_N: [number, number];
    bg_pos_count: number;
    fg_pos_count: number;
    neg_count: number;
    psa_losses: { bg: number; fg: number; neg: number };
    irn_affinity_losses: { bg: number; fg: number; neg: number };
  }
  const expected = fixture<{ label: number[][]; edge_HW: number[][]; radii: Record<string, Case> }>('psa-afflabels-8x8.json');
  const features = stack(fixture<{ feat_CHW: number[][][] }>('psa-rw-8x8.json').feat_CHW);
  for (const radius of [2, 3, 4]) {
    const at = expected.radii[radius];
    const pairs = pairLabels(picture(expected.label), pairOffsets(radius), radius);
    assert.deepEqual([pairs.offsets.length, pairs.sources.length], at.shape_P_N);
    assert.deepEqual(pairs.counts, { background: at.bg_pos_count, foreground: at.fg_pos_count, negative: at.neg_count });
    const cases = [
      [featureAffinity(features, radius), at.psa_losses],
      [edgeAffinity(stack([expected.edge_HW]), radius), at.irn_affinity_losses],
    ] as const;
    for (const [affinity, losses] of cases) {
      const { background, foreground, negative } = pairLosses(affinity, pairs);
      close(background, losses.bg, 1e-4);
      close(foreground, losses.fg, 1e-4);
      close(negative, losses.neg, 1e-4);
    }
  }
});

test('pair kinds, one by one', reference('spec/fixtures/psa-afflabels-8x8.json'), () => {
  type Flags = Record<'bg' | 'fg' | 'neg', number[][]>;
  const expected = fixture<{ label: number[][]; radii: Record<string, Flags> }>('psa-afflabels-8x8.json');
  for (const radius of [2, 3]) {
    const { kinds } = pairLabels(picture(expected.label), pairOffsets(radius), radius);
    const flags = (kind: number) => [...kinds].map(k => Number(k === kind));
    assert.deepEqual(flags(PAIR.background), expected.radii[radius].bg.flat());
    assert.deepEqual(flags(PAIR.foreground), expected.radii[radius].fg.flat());
    assert.deepEqual(flags(PAIR.negative), expected.radii[radius].neg.flat());
  }
});
