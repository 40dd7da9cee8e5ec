/** EdgePredict against the reference, step by step, and its own promises. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canny, gaussianBlur5 } from '../../../src/pipeline/canny';
import { certainFilter } from '../../../src/pipeline/certainFilter';
import { edgePredict, fillRegions, greyScores } from '../../../src/pipeline/edgePredict';
import { fixture, reference } from '../../shared';

interface Picture {
  shape: number[];
  data: number[];
}

interface Fixture {
  hand_toy: { edge: Picture; label_in: Picture; label_out: Picture };
  cases: { case: string; class_keys: number[]; scores: Picture; u8_map: Picture; blurred: Picture; edge: Picture; cf_label: Picture; ep_label: Picture }[];
}

const bytes = ({ shape, data }: Picture) => ({ data: Uint8Array.from(data), height: shape[0], width: shape[1] });

test('the reference ring and scenes, with every intermediate picture', reference('spec/fixtures/edgepredict.json'), () => {
  const { hand_toy: ring, cases } = fixture<Fixture>('edgepredict.json');
  assert.deepEqual([...fillRegions(bytes(ring.label_in), bytes(ring.edge)).data], ring.label_out.data);
  assert.equal(cases.length, 2);
  for (const scene of cases) {
    const [channels, height, width] = scene.scores.shape;
    const scores = { data: Float32Array.from(scene.scores.data), channels, height, width };
    const labels = certainFilter(scores, scene.class_keys);
    const grey = greyScores(scores);
    const blurred = gaussianBlur5(grey);
    assert.deepEqual([...labels.data], scene.cf_label.data, `${scene.case}: certain filter`);
    assert.deepEqual([...grey.data], scene.u8_map.data, `${scene.case}: grey map`);
    assert.deepEqual([...blurred.data], scene.blurred.data, `${scene.case}: blur`);
    assert.deepEqual([...canny(blurred, 10, 100).data], scene.edge.data, `${scene.case}: edges`);
    assert.deepEqual([...edgePredict(labels, scores).data], scene.ep_label.data, `${scene.case}: labels`);
  }
});

const label = fc.constantFrom(0, 1, 7, 255);
const picture = fc.record({
  labels: fc.array(label, { minLength: 30, maxLength: 30 }),
  edges: fc.array(fc.constantFrom(0, 0, 255), { minLength: 30, maxLength: 30 }),
});

test('certain labels never change, except background under an edge', () => {
  fc.assert(
    fc.property(picture, ({ labels, edges }) => {
      const out = fillRegions({ data: Uint8Array.from(labels), height: 5, width: 6 }, { data: Uint8Array.from(edges), height: 5, width: 6 });
      labels.forEach((before, p) => {
        if (edges[p] !== 0) assert.equal(out.data[p], before === 0 ? 255 : before);
        else if (before !== 255) assert.equal(out.data[p], before);
      });
    }),
  );
});

test('without edges the whole picture is one region: its majority fills it, the smallest on ties', () => {
  const edges = { data: new Uint8Array(6), height: 2, width: 3 };
  const fill = (...labels: number[]) => [...fillRegions({ data: Uint8Array.from(labels), height: 2, width: 3 }, edges).data];
  assert.deepEqual(fill(4, 4, 4, 0, 255, 255), [4, 4, 4, 0, 4, 4]);
  assert.deepEqual(fill(0, 0, 4, 4, 255, 255), [0, 0, 4, 4, 0, 0]);
  assert.deepEqual(fill(0, 4, 255, 255, 255, 255), [0, 4, 255, 255, 255, 255]);
});

test('edges of another size are refused', () => {
  assert.throws(() => fillRegions({ data: new Uint8Array(6), height: 2, width: 3 }, { data: new Uint8Array(6), height: 3, width: 2 }), /3 x 2/);
});
