/** The saliency cue weighs a tag's map; it never takes away an object that it does not see. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { QUICK } from '../../../models/presets';
import { weighBySaliency } from '../../../src/pipeline/saliencyCue';
import { thresholdMask } from '../../../src/pipeline/photoMask';
import { plane, type Maps } from '../../../src/shared/maps';

const cue = QUICK.saliency;
const OWN = QUICK.mask.threshold;

function maps(width: number, ...planes: number[][]): Maps {
  return { data: Float32Array.from(planes.flat()), channels: planes.length, height: planes[0].length / width, width };
}

test('by the formula, pixel by pixel', () => {
  const weighed = weighBySaliency(maps(4, [1, 0.5, 0.25, 0]), maps(4, [1, 0.5, 0, 1]), { ...cue, exponent: 0.5, floor: 0.2 }, OWN);
  [1, Math.SQRT1_2 * 0.6, 0.5 * 0.2, 0].forEach((value, i) => assert.ok(Math.abs(weighed.data[i] - value) < 1e-6));
});

test('what stands out of a tag gains, what does not loses', () => {
  const map = maps(4, [0.9, 0.3, 0.3, 0.02]);
  const salient = maps(4, [1, 1, 0, 0]);
  const mask = thresholdMask(weighBySaliency(map, salient, cue, OWN), [7], cue.threshold);
  assert.deepEqual([...mask.data], [7, 7, 0, 0]);
  assert.deepEqual([...thresholdMask(map, [7], OWN).data], [7, 7, 7, 0]);
});

test('a tag whose object is not salient keeps exactly the pixels it has without the cue', () => {
  // A horse in front, grass behind: all the salience is the horse's.
  const horse = [1, 0.9, 0.1, 0, 0, 0];
  const grass = [0, 0.05, 0.2, 0.9, 1, 0.5];
  const salient = maps(6, [1, 1, 0.3, 0, 0, 0]);
  const weighed = weighBySaliency(maps(6, horse, grass), salient, cue, OWN);
  const alone = thresholdMask(maps(6, grass), [2], OWN);
  const kept = thresholdMask({ ...weighed, data: plane(weighed, 1), channels: 1 }, [2], cue.threshold);
  assert.deepEqual(kept.data, alone.data);
  assert.ok(kept.data.includes(2));
  assert.deepEqual([...thresholdMask(weighed, [1, 2], cue.threshold).data], [1, 1, 0, 2, 2, 2]);
});

test('a photo in which nothing stands out has the mask it has without the cue', () => {
  fc.assert(fc.property(fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 16, maxLength: 16 }), fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 16, maxLength: 16 }), (a, b) => {
    const both = maps(4, a, b);
    // Scores at the very threshold may round either way.
    fc.pre(both.data.every(value => Math.abs(value - OWN) > 1e-4));
    const weighed = thresholdMask(weighBySaliency(both, maps(4, Array<number>(16).fill(0)), cue, OWN), [1, 2], cue.threshold);
    const alone = thresholdMask(both, [1, 2], OWN);
    weighed.data.forEach((id, i) => assert.equal(id === 0, alone.data[i] === 0));
  }));
});

test('any maps: scores stay in [0, 1], more salience never means less, and the input is not touched', () => {
  const unit = fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 9, maxLength: 9 });
  fc.assert(fc.property(unit, unit, fc.float({ min: 0, max: 1, noNaN: true }), (map, salience, more) => {
    const input = maps(3, map);
    const before = input.data.slice();
    const weak = weighBySaliency(input, maps(3, salience), cue, OWN);
    assert.deepEqual(input.data, before);
    assert.ok(weak.data.every(value => value >= 0 && value <= 1));
    // Both sides weighed, so that they can be compared.
    const seeing = { ...cue, blind: 0 };
    const one = weighBySaliency(input, maps(3, salience), seeing, OWN);
    const two = weighBySaliency(input, maps(3, salience.map(s => Math.max(s, more))), seeing, OWN);
    assert.ok(one.data.every((value, i) => value <= two.data[i] + 1e-6));
  }));
});

test('a map of zeros stays zero', () => {
  for (const salient of [0, 1]) {
    assert.ok(weighBySaliency(maps(2, [0, 0, 0, 0]), maps(2, Array<number>(4).fill(salient)), cue, OWN).data.every(value => value === 0));
  }
});
