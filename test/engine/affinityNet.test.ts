/** Affinities and their losses as graphs: against the reference and the plain versions, with gradients by differences. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { affinityLosses, edgeAffinities, featureAffinities } from '../../models/affinityNet';
import { gradients } from '../../models/autodiff/gradients';
import { GraphBuilder } from '../../models/graph/builder';
import type { Value } from '../../models/graph/value';
import { PAIR, pairLabels } from '../../src/pipeline/affinityLabels';
import { edgeAffinity, featureAffinity, pairOffsets, pathOf, type Affinity } from '../../src/pipeline/randomWalk';
import { floats, type Tensor } from '../../src/shared/graph';
import type { LabelMap, Maps } from '../../src/shared/maps';
import { cpuHost } from '../cpuHost';
import { fixture, reference } from '../shared';

const wave = (size: number, phase: number): Float32Array => Float32Array.from({ length: size }, (_, i) => 0.5 + 0.5 * Math.sin(phase + 1.3 * i + 0.2 * i * i));

/** Losses and the affinities' gradient source for one map of features or edges. */
async function measure(map: Maps, labels: LabelMap, radius: number, affinities: (g: GraphBuilder, x: Value) => Value) {
  const dims = [1, map.channels, map.height, map.width];
  const pairs = pairLabels(labels, pairOffsets(radius), radius);
  const shape = [1, pairs.offsets.length, map.height - radius + 1, map.width - 2 * radius + 2];
  const g = new GraphBuilder();
  const x = g.input('x', dims);
  const a = affinities(g, x);
  const mask = (kind: number): Value => g.constant(Float32Array.from(pairs.kinds, k => Number(k === kind)), shape);
  const losses = affinityLosses(g, a, { background: mask(PAIR.background), foreground: mask(PAIR.foreground), negative: mask(PAIR.negative) });
  g.output('affinities', a);
  for (const [name, value] of Object.entries(losses)) g.output(name, value);
  g.output('gradient', gradients(g, losses.total, [x])[0]);
  const runner = await cpuHost().open(g.toOnnx());
  const run = (data: Float32Array): Promise<Record<string, Tensor>> => runner.run({ x: { dims, data } });
  const out = await run(map.data);
  const direction = wave(map.data.length, 4);
  const at = async (sign: number): Promise<number> => floats(await run(map.data.map((v, i) => v + sign * 1e-3 * direction[i])), 'total').data[0];
  const numeric = ((await at(1)) - (await at(-1))) / 2e-3;
  await runner.release();
  const exact = floats(out, 'gradient').data.reduce((sum, d, i) => sum + d * direction[i], 0);
  return { pairs, numeric, exact, out, value: (name: string) => floats(out, name).data[0] };
}

/** The values of the plain version at the pairs' sources, offset after offset. */
function plain({ values, height, width }: Affinity, sources: readonly number[], offsets: number): number[] {
  return Array.from({ length: offsets }, (_, o) => sources.map(p => values[o * height * width + p])).flat();
}

const labelled = (rows: number[][]): LabelMap => ({ data: Uint8Array.from(rows.flat()), height: rows.length, width: rows[0].length });
const near = (a: number, b: number, most: number): void => assert.ok(Math.abs(a - b) <= most, `${a} ${b}`);

test('losses of the reference, of features and of edges', reference('spec/fixtures/psa-afflabels-8x8.json', 'spec/fixtures/psa-rw-8x8.json'), async () => {
  type Losses = Record<string, number>;
  const expected = fixture<{ label: number[][]; edge_HW: number[][]; radii: Record<string, { psa_losses: Losses; irn_affinity_losses: Losses }> }>('psa-afflabels-8x8.json');
  const feat = fixture<{ feat_CHW: number[][][] }>('psa-rw-8x8.json').feat_CHW;
  const features: Maps = { data: Float32Array.from(feat.flat(2)), channels: feat.length, height: 8, width: 8 };
  const edges: Maps = { data: Float32Array.from(expected.edge_HW.flat()), channels: 1, height: 8, width: 8 };
  for (const radius of [2, 3, 4]) {
    const offsets = pairOffsets(radius);
    const { psa_losses: psa, irn_affinity_losses: irn } = expected.radii[radius];
    const net = await measure(features, labelled(expected.label), radius, (g, x) => featureAffinities(g, x, offsets, radius));
    (['background', 'foreground', 'negative'] as const).forEach((name, i) => near(net.value(name), psa[['bg', 'fg', 'neg'][i]], 1e-4));
    near(net.value('total'), psa['total_bg/4+fg/4+neg/2'], 1e-4);
    const edge = await measure(edges, labelled(expected.label), radius, (g, x) => edgeAffinities(g, x, offsets.map(pathOf), radius));
    (['background', 'foreground', 'negative'] as const).forEach((name, i) => near(edge.value(name), irn[['bg', 'fg', 'neg'][i]], 1e-4));
    near(edge.value('total'), irn['(pos+neg)/2'], 1e-4);
  }
});

test('the graphs compute what the plain versions compute, and their gradients are right', async () => {
  const radius = 3;
  const [height, width] = [6, 9];
  const labels: LabelMap = { data: Uint8Array.from({ length: height * width }, (_, i) => [0, 0, 1, 1, 2, 255][(i * 7) % 6]), height, width };
  const features: Maps = { data: wave(5 * height * width, 1), channels: 5, height, width };
  // Away from 1, where the logarithm is steep.
  const edges: Maps = { data: wave(height * width, 2).map(e => 0.1 + 0.6 * e), channels: 1, height, width };
  const offsets = pairOffsets(radius);
  const cases = [
    [await measure(features, labels, radius, (g, x) => featureAffinities(g, x, offsets, radius)), featureAffinity(features, radius)],
    [await measure(edges, labels, radius, (g, x) => edgeAffinities(g, x, offsets.map(pathOf), radius)), edgeAffinity(edges, radius)],
  ] as const;
  for (const [{ pairs, numeric, exact, out }, affinity] of cases) {
    const expected = plain(affinity, pairs.sources, offsets.length);
    floats(out, 'affinities').data.forEach((a, i) => near(a, expected[i], 1e-5));
    assert.ok(Math.abs(exact) > 1e-3, `${exact}`);
    near(numeric, exact, 3e-3 + 0.03 * Math.abs(exact));
  }
});

test('a map without a pair is refused', () => {
  const g = new GraphBuilder();
  assert.throws(() => featureAffinities(g, g.input('x', [1, 2, 8, 8]), pairOffsets(5), 5), /no pairs of radius 5/);
});
