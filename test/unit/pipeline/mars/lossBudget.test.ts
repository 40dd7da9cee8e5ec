/** Cuts by loss budget, on mixtures whose parts are known; and which backgrounds count. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CentroidStore } from '../../../../src/pipeline/mars/centroidStore';
import { Backgrounds } from '../../../../src/pipeline/mars/distances';
import { applyBudget, budgetPhotos, cutOf } from '../../../../src/pipeline/mars/lossBudget';
import { MARS_SETTINGS } from '../../../../src/pipeline/mars/marsTypes';
import { decideClasses } from '../../../../src/pipeline/mars/prototypes';
import { randomPhotos, randomStore } from './stores';

const BUDGET = { loss: 0.03, lossPerShare: 0.3 };

/** Values spread evenly from `low` to `high`. */
const spread = (count: number, low: number, high: number): number[] => Array.from({ length: count }, (_, i) => low + ((high - low) * (i + 0.5)) / count);

test('a class that is partly background: the share is found, and the cut parts the two', () => {
  fc.assert(fc.property(fc.double({ min: 0.1, max: 0.8, noNaN: true }), share => {
    const own = [...spread(Math.round(2000 * share), -1, 0), ...spread(Math.round(2000 * (1 - share)), 0.5, 1.5)];
    const found = cutOf(own, spread(1000, -1, 0), BUDGET);
    assert.ok(Math.abs(found.share - share) < 0.03, `${found.share} for ${share}`);
    assert.ok(found.cut !== null && found.cut > -0.2 && found.cut < 0.5, String(found.cut));
  }), { seed: 1, numRuns: 60 });
});

test('a class that shares nothing with backgrounds has no share of them', () => {
  const { share } = cutOf(spread(500, 1, 2), spread(500, -1, 0), BUDGET);
  assert.equal(share, 0);
});

test('a class that looks like its surroundings, all of it true, is left alone although its share of background is overestimated', () => {
  const found = { own: spread(1000, -0.95, 1), background: spread(1000, -1, 0.8) };
  const { share, cut, reach } = cutOf(found.own, found.background, BUDGET);
  assert.ok(share > 0.3 && cut !== null, 'the estimate alone would cut it');
  assert.ok(reach < 0.4);
  const settings = { ...MARS_SETTINGS, rule: 'margin' as const, minPhotos: 0, margin: { ...MARS_SETTINGS.margin, ...BUDGET, cut: null, gate: 0.02, reach: 0.5 } };
  const decisions = decideClasses(randomStore(randomPhotos(18, 5, 3, 1), 5), settings);
  const [first] = decisions.keys();
  const judged = (reach: number) => applyBudget(decisions, new Map([[first, found]]), { ...settings, margin: { ...settings.margin, reach } }).get(first);
  assert.match(judged(0.5)?.leftAlone ?? '', /looks too much like its surroundings: no more than \d\d % of these/);
  assert.equal(judged(0.5)?.biased, false);
  assert.equal(judged(0.5)?.calibration, cut, 'it saves pixels of others by its cut');
  assert.deepEqual([judged(0)?.leftAlone, judged(0)?.biased], [null, true]);
});

test('the reach of a cut is the share of the backgrounds below it', () => {
  fc.assert(fc.property(fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 50, maxLength: 200 }), fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 50, maxLength: 200 }), (own, background) => {
    const { cut, reach } = cutOf(own, background, BUDGET);
    assert.equal(reach, cut === null ? 0 : background.filter(score => score < cut).length / background.length);
  }), { seed: 2, numRuns: 60 });
});

test('a class all like backgrounds: the cut is where it costs no more than the budget', () => {
  const { share, cut } = cutOf(spread(1000, -1, 0), spread(1000, -1, 0), BUDGET);
  assert.ok(share > 0.9);
  assert.ok(cut !== null);
});

test('too few cells, or fewer photos than tell: left alone, and it is said why', () => {
  const settings = { ...MARS_SETTINGS, rule: 'margin' as const, minPhotos: 0, margin: { ...MARS_SETTINGS.margin, cut: null } };
  const decisions = decideClasses(randomStore(randomPhotos(18, 5, 3, 1), 5), settings);
  for (const { leftAlone, biased } of applyBudget(decisions, new Map(), settings).values()) {
    assert.match(leftAlone ?? '', /no other photos/);
    assert.equal(biased, false);
  }
  const [first] = decisions.keys();
  const few = applyBudget(decisions, new Map([[first, { own: [1, 2], background: [1, 2] }]]), settings).get(first);
  assert.match(few?.leftAlone ?? '', /too little of it/);
  const clean = applyBudget(decisions, new Map([[first, { own: spread(100, 1, 2), background: spread(100, -1, 0) }]]), settings).get(first);
  assert.match(clean?.leftAlone ?? '', /no more than 0\.0 % of it/);
  const biased = applyBudget(decisions, new Map([[first, { own: [...spread(100, 1, 2), ...spread(100, -1, 0)], background: spread(100, -1, 0) }]]), settings).get(first);
  assert.deepEqual([biased?.leftAlone, biased?.biased], [null, true]);
  assert.ok(Math.abs((biased?.backgroundShare ?? 0) - 0.5) < 0.05);
  assert.ok(budgetPhotos(decisions, 2).length <= 6);
});

test("backgrounds of photos with the tag count where they are as like the others' as these to each other", () => {
  const store = new CentroidStore(2, 'single');
  const at = (angle: number): Float32Array => Float32Array.of(Math.cos(angle), Math.sin(angle));
  const put = (photo: string, tags: number[], angle: number): void => store.set(photo, { key: '', tags }, [{ classId: 0, cluster: 0, cells: 9, centroid: at(angle) }]);
  for (let i = 0; i < 5; i++) put(`a${i}`, [], 0.1 * i);
  put('b-water', [1], 0.2);
  put('b-boat', [1], 2);
  const backgrounds = Backgrounds.of(store, 100);
  assert.deepEqual([...backgrounds.countingFor(1, 2, null)], [1, 1, 1, 1, 1, 0, 0]);
  assert.deepEqual([...backgrounds.countingFor(1, 2, 0.25)], [1, 1, 1, 1, 1, 0, 1], 'photos by name: b-boat, then b-water');
  assert.deepEqual(backgrounds.rowsOf('b-water'), [6]);
  assert.deepEqual(backgrounds.rowsOf('nowhere'), []);
});
