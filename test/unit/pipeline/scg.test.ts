/** SCG: the definition against the authors' own numbers, and the graph (on the real runtime) against both. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { SCG_PRESETS, Scg, scgReference, selfCorrelation, type ScgParameters } from '../../../src/pipeline/scg';
import { plane, type Maps } from '../../../src/shared/maps';
import { cpuHost } from '../../cpuHost';
import { fixture, reference } from '../../shared';
import { assertClose, fixtureMaps, randomMaps, type FixtureTensor } from './maps';

interface FixtureParameters {
  first_th: number;
  second_th: number;
  foreground_th: number;
  background_th: number;
  iteration: number;
  second_weight: number;
}

interface ToyFixture {
  params: FixtureParameters;
  tolerance_abs: number;
  inputs: { features: FixtureTensor; cams: FixtureTensor };
  outputs: { SCM: FixtureTensor; HSC: FixtureTensor };
}

interface GridFixture {
  inputs: Record<'features_A' | 'features_B' | 'cams', FixtureTensor>;
  cases: {
    case: string;
    params: FixtureParameters;
    features_used: ('features_A' | 'features_B')[];
    SCM: FixtureTensor;
    tolerance_abs: number;
  }[];
}

interface SpaFixture {
  tolerance_abs: number;
  cases: {
    case: string;
    params: { scg_fosc_th: number; scg_sosc_th: number; scg_so_weight: number; scg_fg_th: number; scg_bg_th: number; scg_order: number };
    SCM: FixtureTensor;
  }[];
}

const fromFixture = (p: FixtureParameters): ScgParameters => ({
  firstThreshold: p.first_th,
  secondThreshold: p.second_th,
  secondWeight: p.second_weight,
  iterations: p.iteration,
  foreground: p.foreground_th,
  background: p.background_th,
});

const opened: Scg[] = [];
after(() => Promise.all(opened.map(scg => scg.release())));
function scgWith(parameters: ScgParameters): Scg {
  const scg = new Scg(cpuHost(), parameters);
  opened.push(scg);
  return scg;
}

test("equals the authors' code on four positions", reference('spec/fixtures/scg_toy_2x2.json'), async () => {
  const { params, inputs, outputs, tolerance_abs } = fixture<ToyFixture>('scg_toy_2x2.json');
  const parameters = fromFixture(params);
  assert.deepEqual(parameters, SCG_PRESETS.rsepm);
  const [features, cams] = [fixtureMaps(inputs.features), fixtureMaps(inputs.cams)];
  selfCorrelation(features, parameters).forEach((column, seed) =>
    column.forEach((value, position) => assert.ok(Math.abs(value - outputs.HSC.data[position * 4 + seed]) < tolerance_abs)),
  );
  assertClose(scgReference([features], cams, parameters), fixtureMaps(outputs.SCM), tolerance_abs);
  assertClose(await scgWith(parameters).run([features], cams), fixtureMaps(outputs.SCM), tolerance_abs);
});

test("equals the authors' code on one and two levels", reference('spec/fixtures/scg_16x14x14.json'), async () => {
  const { inputs, cases } = fixture<GridFixture>('scg_16x14x14.json');
  const cams = fixtureMaps(inputs.cams);
  for (const { params, features_used, SCM, tolerance_abs } of cases) {
    const levels = features_used.map(name => fixtureMaps(inputs[name]));
    assertClose(scgReference(levels, cams, fromFixture(params)), fixtureMaps(SCM), tolerance_abs);
    assertClose(await scgWith(fromFixture(params)).run(levels, cams), fixtureMaps(SCM), tolerance_abs);
  }
});

test('equals SPA, which has other epsilons', reference('spec/fixtures/scg_spa_original.json', 'spec/fixtures/scg_16x14x14.json'), () => {
  const { inputs } = fixture<GridFixture>('scg_16x14x14.json');
  const { cases, tolerance_abs } = fixture<SpaFixture>('scg_spa_original.json');
  const presets: Record<string, ScgParameters> = { cub_script: SCG_PRESETS.spaCub, ilsvrc_script: SCG_PRESETS.spaIlsvrc, rsepm_thresholds: SCG_PRESETS.rsepm };
  const levels = [fixtureMaps(inputs.features_A), fixtureMaps(inputs.features_B)];
  for (const { case: name, params, SCM } of cases) {
    const preset = presets[name];
    assert.deepEqual(
      [params.scg_fosc_th, params.scg_sosc_th, params.scg_so_weight, params.scg_fg_th, params.scg_bg_th, params.scg_order - 1],
      [preset.firstThreshold, preset.secondThreshold, preset.secondWeight, preset.foreground, preset.background, preset.iterations],
    );
    assertClose(scgReference(levels, fixtureMaps(inputs.cams), preset), fixtureMaps(SCM), tolerance_abs);
  }
});

test('graph and definition agree on any grid, number of classes and levels, and on higher orders', async () => {
  const cases = fc.record({
    // On two or three positions all columns may be nearly alike, and min-max blows up what is left of rounding.
    height: fc.integer({ min: 3, max: 9 }),
    width: fc.integer({ min: 3, max: 9 }),
    classes: fc.integer({ min: 1, max: 6 }),
    levels: fc.integer({ min: 1, max: 2 }),
    iterations: fc.integer({ min: 1, max: 3 }),
    secondWeight: fc.constantFrom(1, 2),
    seed: fc.integer({ min: 1, max: 1e6 }),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ height, width, classes, levels, iterations, secondWeight, seed }) => {
      // Thresholds of 0: on one, a float and a double may fall on two sides.
      const parameters: ScgParameters = { ...SCG_PRESETS.rsepm, firstThreshold: 0, secondThreshold: 0, iterations, secondWeight };
      const features = Array.from({ length: levels }, (_, l) => centred(randomMaps(5 + l, height, width, seed + l)));
      const cams = randomMaps(classes, height, width, seed + 9);
      assertClose(await scgWith(parameters).run(features, cams), scgReference(features, cams, parameters), 2e-4);
    }),
    { numRuns: 25 },
  );
});

test('positions without features and seeds without likeness give numbers, not NaN', async () => {
  const features = randomMaps(4, 5, 5, 1);
  for (let d = 0; d < 4; d++) plane(features, d).fill(0, 3, 9);
  const cams = randomMaps(2, 5, 5, 2);
  const nothing: Maps = { ...features, data: new Float32Array(features.data.length) };
  for (const maps of [await scgWith(SCG_PRESETS.rsepm).run([features], cams), scgReference([features], cams)]) {
    assert.ok(maps.data.every(value => value >= 0 && value <= 1));
    assert.ok(maps.data.some(value => value > 0.99));
  }
  assert.ok((await scgWith(SCG_PRESETS.rsepm).run([nothing], cams)).data.every(value => value === 0));
});

test('a class without seeds is 0 and does not change the others', async () => {
  const features = randomMaps(8, 6, 7, 3);
  const cams = randomMaps(3, 6, 7, 4);
  plane(cams, 1).fill(0);
  const scg = scgWith(SCG_PRESETS.rsepm);
  const out = await scg.run([features], cams);
  assert.ok(plane(out, 1).every(value => value === 0));
  for (const c of [0, 2]) {
    const alone = await scg.run([features], { ...cams, channels: 1, data: plane(cams, c).slice() });
    assertClose({ ...cams, channels: 1, data: plane(out, c) }, alone, 1e-5);
  }
  plane(cams, 0).fill(0.1);
  plane(cams, 2).fill(NaN);
  assert.ok((await scg.run([features], cams)).data.every(value => value === 0));
});

test('features that are not numbers are an error with a reason', async () => {
  const features = randomMaps(2, 3, 3, 5);
  features.data[4] = NaN;
  const error = { name: 'SeedMaskError', reason: 'numeric' };
  await assert.rejects(scgWith(SCG_PRESETS.rsepm).run([features], randomMaps(1, 3, 3, 6)), error);
  assert.throws(() => scgReference([features], randomMaps(1, 3, 3, 6)), error);
});

test('features of another grid are refused', () => {
  assert.throws(() => scgReference([randomMaps(2, 3, 4, 1)], randomMaps(1, 3, 3, 1)), /3 x 4/);
});

function centred(maps: Maps): Maps {
  return { ...maps, data: maps.data.map(value => value - 0.3) };
}
