/** Puzzle-CAM: tiles, losses and schedules against the reference, and the gradient by differences. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gradients } from '../../models/autodiff/gradients';
import { GraphBuilder } from '../../models/graph/builder';
import { merge, puzzleAlpha, puzzleLosses, tile } from '../../models/puzzle';
import { polyRate } from '../../models/schedules';
import { floats, type Tensor } from '../../src/shared/graph';
import { cpuHost } from '../cpuHost';
import { fixture, reference } from '../shared';

interface Stored {
  shape: number[];
  data: number[];
}

const tensor = ({ shape, data }: Stored): Tensor => ({ dims: shape, data: Float32Array.from(data) });
const wave = (size: number, phase: number): Float32Array => Float32Array.from({ length: size }, (_, i) => Math.sin(phase + 1.3 * i));

async function run(build: (g: GraphBuilder) => void, feeds: Record<string, Tensor>) {
  const g = new GraphBuilder();
  build(g);
  const runner = await cpuHost().open(g.toOnnx());
  const results = await runner.run(feeds);
  await runner.release();
  return results;
}

for (const [input, tiles, perSide] of [['input', 'tiles_4', 2], ['input9', 'tiles_9', 3]] as const) {
  test(`${perSide} x ${perSide} tiles of the reference, and back`, reference('spec/fixtures/puzzle_cam.json'), async () => {
    const stored = fixture<{ tile_merge: Record<string, Stored> }>('puzzle_cam.json').tile_merge;
    const results = await run(g => {
      const cut = tile(g, g.input('x', stored[input].shape), perSide);
      g.output('tiles', cut);
      g.output('back', merge(g, cut, perSide));
    }, { x: tensor(stored[input]) });
    assert.deepEqual([...floats(results, 'tiles').data], [...tensor(stored[tiles]).data]);
    assert.deepEqual([...floats(results, 'tiles').dims], stored[tiles].shape);
    assert.deepEqual([...floats(results, 'back').data], [...tensor(stored[input]).data]);
  });
}

test('the losses of the reference', reference('spec/fixtures/puzzle_cam.json'), async () => {
  const { losses } = fixture<{ losses: Record<string, Stored> & { values: Record<string, number>; labels: Stored } }>('puzzle_cam.json');
  const results = await run(g => {
    const whole = g.input('whole', losses.full_cam_scores.shape);
    const merged = merge(g, g.input('tiles', losses.tiled_cam_scores.shape), 2);
    const all = puzzleLosses(g, whole, merged, g.input('tags', [2, 3]), g.input('alpha', []));
    for (const [name, value] of Object.entries(all)) g.output(name, value);
    g.output('merged', merged);
  }, { whole: tensor(losses.full_cam_scores), tiles: tensor(losses.tiled_cam_scores), tags: { dims: [2, 3], data: Float32Array.from(losses.labels.data) }, alpha: { dims: [], data: Float32Array.of(2) } });
  const near = (name: string, expected: number): void => assert.ok(Math.abs(floats(results, name).data[0] - expected) < 2e-6, `${name}: ${floats(results, name).data[0]} ${expected}`);
  assert.deepEqual([...floats(results, 'merged').data], [...tensor(losses.merged).data]);
  near('classification', losses.values.class);
  near('tilesClassification', losses.values.p_class);
  near('reconstruction', losses.values.re_L1_masking);
  near('total', losses.values.total_alpha2_masking);
});

test('the ramp and the rates of the reference', reference('spec/fixtures/puzzle_cam.json', 'spec/fixtures/poly_lr.json'), () => {
  const { alpha_ramp: ramp } = fixture<{ alpha_ramp: { alpha_max: number; alpha_schedule: number; max_iteration: number; samples: [number, number][] } }>('puzzle_cam.json');
  for (const [step, alpha] of ramp.samples) assert.ok(Math.abs(puzzleAlpha(step, ramp.max_iteration, ramp.alpha_max, ramp.alpha_schedule) - alpha) < 1e-12);
  const poly = fixture<{ lr0: number; max: number; power: number; lr_used_at_step: { steps: number[]; puzzle: number[]; rsepm: number[] } }>('poly_lr.json');
  poly.lr_used_at_step.steps.forEach((step, i) => {
    const rate = polyRate(poly.lr0, step, poly.max, poly.power);
    assert.ok(Math.abs(rate - poly.lr_used_at_step.puzzle[i]) < 1e-12 && Math.abs(rate - poly.lr_used_at_step.rsepm[i]) < 1e-12);
  });
});

test('tiles that do not divide are refused, and the gradient reaches whole and tiles', async () => {
  const refused = new GraphBuilder();
  assert.throws(() => tile(refused, refused.input('odd', [1, 1, 3, 4]), 2), /does not divide/);
  assert.throws(() => merge(refused, refused.input('three', [3, 1, 2, 2]), 2), /no whole images/);
  const g = new GraphBuilder();
  const whole = g.input('whole', [2, 3, 4, 4]);
  const tiles = g.input('tiles', [8, 3, 2, 2]);
  const { total } = puzzleLosses(g, whole, merge(g, tiles, 2), g.constant(Float32Array.of(1, 0, 1, 0, 1, 0), [2, 3]), g.scalar(0.7));
  g.output('loss', total);
  gradients(g, total, [whole, tiles]).forEach((gradient, i) => g.output(`d${i}`, gradient));
  const runner = await cpuHost().open(g.toOnnx());
  const feeds = { whole: { dims: [2, 3, 4, 4], data: wave(96, 0.1) }, tiles: { dims: [8, 3, 2, 2], data: wave(96, 2.2) } };
  const out = await runner.run(feeds);
  for (const [i, name] of (['whole', 'tiles'] as const).entries()) {
    const direction = wave(96, 5);
    const moved = async (sign: number): Promise<number> =>
      floats(await runner.run({ ...feeds, [name]: { ...feeds[name], data: feeds[name].data.map((x, k) => x + sign * 1e-3 * direction[k]) } }), 'loss').data[0];
    const numeric = ((await moved(1)) - (await moved(-1))) / 2e-3;
    const exact = floats(out, `d${i}`).data.reduce((sum, d, k) => sum + d * direction[k], 0);
    assert.ok(Math.abs(exact) > 1e-3 && Math.abs(numeric - exact) < 2e-3 + 0.02 * Math.abs(exact), `${name}: ${numeric} ${exact}`);
  }
  await runner.release();
});
