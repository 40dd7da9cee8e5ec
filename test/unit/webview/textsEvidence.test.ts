/** Sentences of evidence: they say what the algorithm did, name classes with care, and avoid the words that would claim more. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Evidence } from '../../../src/shared/evidence';
import * as texts from '../../../src/shared/texts/evidenceTexts';
import { agreementText, calibrationText, curveAlt, groupText, removedText, shortText, verdictText } from '../../../src/webview/texts/classTexts';
import { classEvidence, evidence } from './samples';

const NAMES = new Map([
  [1, 'boat'],
  [2, 'person'],
]);
const PHOTO = { width: 500, height: 375 };

test('the decision is one sentence with place, class, similarity and cut', () => {
  assert.equal(
    texts.decisionText(evidence(), NAMES, PHOTO),
    "4,210 pixels of boat (lower left) were removed: on average they are too unlike the prototypes of the photo's tags (similarity 0.31, the cut is 0.50).",
  );
});

test('a region that was similar enough is put down to the CRF, not to similarity', () => {
  const one = evidence({ decision: { ...evidence().decision, meanSimilarity: 0.6, flippedByCrf: 4000 } });
  assert.match(texts.decisionText(one, NAMES, PHOTO), /although on average they are similar enough .*: the CRF followed/);
  assert.match(texts.crfText(one) ?? '', /^4,000 pixels \(95 %\) would have stayed/);
  assert.equal(texts.crfText(evidence({ decision: { ...one.decision, flippedByCrf: 0 } })), null);
});

test("rule 'margin' has no prototypes, and no sentence claims one", () => {
  const one = evidence({ decision: { ...evidence().decision, rule: 'margin' }, situation: 'all-above' });
  const said = [texts.decisionText(one, NAMES, PHOTO), texts.bestTagsText(one, NAMES), texts.ruleText('margin') ?? '', texts.situationText(one, NAMES), texts.prototypeText(one, NAMES), ...texts.whatIfs(one).map(texts.whatIfText)];
  for (const sentence of said) assert.doesNotMatch(sentence, /prototype/);
  assert.match(said[0], /more like backgrounds of other photos/);
  assert.match(said[1], /^The tag with the highest value is boat for 80 % and person for 20 %/);
});

test('the best tags are all named', () => {
  assert.equal(texts.bestTagsText(evidence(), NAMES), 'The most similar prototype is that of boat for 80 % and that of person for 20 % of the pixels.');
  assert.equal(texts.bestTagsText(evidence({ decision: { ...evidence().decision, bestTags: [] } }), NAMES), 'No tag of this photo has a prototype.');
});

test('every situation has its own words; only where all is above the cut, likeness to backgrounds is denied', () => {
  const all = (['split', 'all-above', 'all-below', 'spread'] as const).map(situation => texts.situationText(evidence({ situation }), NAMES));
  assert.equal(new Set(all).size, 4);
  assert.deepEqual(all.map(text => text.includes('not because it is like backgrounds')), [false, true, false, false]);
});

test('neighbours: strong and weak are words, with the reason', () => {
  const [strong, same] = evidence().background.nearest;
  assert.equal(texts.strengthText(strong, 1, NAMES), 'strong: this photo has no tag boat');
  assert.match(texts.strengthText(same, 1, NAMES), /^weak: background of this very photo/);
  assert.match(texts.strengthText({ ...same, samePhoto: false }, 1, NAMES), /^weak: this photo is tagged boat too/);
  assert.equal(texts.neighbourAlt(strong, NAMES), 'Background cluster 1 of sea/7.jpg, outlined; distance 0.050; tags person; strong');
});

test('what-ifs: the most overturning first, the unknown last, and a fragile region says which', () => {
  const fragile = evidence({ stable: false, counterfactual: { ...evidence().counterfactual, otherMetric: 0.1, withoutThisPhoto: 0.45, alphaLower: 0.8 } });
  assert.deepEqual(texts.whatIfs(fragile).map(({ key }) => key).slice(0, 2), ['otherMetric', 'withoutThisPhoto']);
  assert.match(texts.stabilityText(fragile), /^Fragile: .* stay with clusters ranked by the mean distance to the nearest backgrounds .* and a prototype without this photo\.$/);
  const unknown = texts.whatIfs(evidence({ counterfactual: { ...evidence().counterfactual, otherMetric: null } }));
  assert.equal(unknown.at(-1)?.key, 'otherMetric');
  assert.match(texts.whatIfText(unknown[5]), /nothing to compare with\)$/);
  assert.match(texts.stabilityText(evidence()), /^Stable/);
});

test('no sentence claims what the method does not show', () => {
  const situations: Evidence['situation'][] = ['split', 'all-above', 'all-below', 'spread'];
  const sentences = situations.flatMap(situation =>
    [true, false].flatMap(stable => {
      const one = evidence({ situation, stable });
      return [
        texts.decisionText(one, NAMES, PHOTO),
        texts.situationText(one, NAMES),
        texts.prototypeText(one, NAMES),
        texts.stabilityText(one),
        texts.photosText(one),
        texts.NEIGHBOURS_ARE,
        ...one.background.nearest.map(neighbour => texts.strengthText(neighbour, 1, NAMES)),
      ];
    }),
  );
  for (const sentence of sentences) assert.doesNotMatch(sentence, /prove|confiden|because of the photo|caused|railroad|\bsea\b/i);
});

test('shareAbove: all above 0, none above 1, falling, and right on the edges of bins', () => {
  assert.equal(texts.shareAbove(evidence().decision.histogram, 0), 1);
  assert.equal(texts.shareAbove(evidence().decision.histogram, 1), 0);
  assert.equal(texts.shareAbove(Array<number>(16).fill(0), 0.5), 0);
  const bins = fc.array(fc.nat(1000), { minLength: 16, maxLength: 16 }).filter(counts => counts.some(count => count > 0));
  fc.assert(
    fc.property(bins, fc.integer({ min: 0, max: 16 }), (histogram, edge) => {
      const above = histogram.slice(edge).reduce((sum, count) => sum + count, 0) / histogram.reduce((sum, count) => sum + count, 0);
      assert.ok(Math.abs(texts.shareAbove(histogram, edge / 16) - above) < 1e-12);
    }),
  );
  fc.assert(
    fc.property(bins, fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (histogram, a, b) => {
      assert.ok(texts.shareAbove(histogram, Math.max(a, b)) <= texts.shareAbove(histogram, Math.min(a, b)) + 1e-12);
    }),
  );
});

test('another threshold says share and pixels', () => {
  const one = evidence({ area: 1000, decision: { ...evidence().decision, histogram: [0, 0, 0, 0, 500, 0, 0, 0, 500, 0, 0, 0, 0, 0, 0, 0] } });
  assert.equal(texts.otherThresholdText(one, 0.4), 'With the cut at 0.40, 50 % of the region (about 500 pixels) would stay.');
});

test('the class page: left alone with its reason, biased, or without a clear gap', () => {
  assert.equal(verdictText(classEvidence({ leftAlone: 'only 3 photos have it.' })), 'Nothing was removed of boat: only 3 photos have it.');
  assert.match(verdictText(classEvidence()), /fall into two groups .*\(gap 4\.2\)/);
  assert.match(verdictText(classEvidence({ biased: false, gap: 1 })), /probably not biased/);
  assert.equal(removedText(classEvidence()), 'Of 800,000 pixels, 120,000 (15 %) were removed, in 41 of 60 photos; 2 lost it entirely. 55 regions, 7 of them fragile.');
  assert.equal(removedText(classEvidence({ removed: 0 })), 'Of 800,000 pixels in 60 photos, none were removed.');
  assert.deepEqual([{}, { biased: false, fragile: 0 }, { leftAlone: 'few photos' }].map(some => shortText(classEvidence(some))), ['biased · 15 % removed · 7 fragile', 'no clear gap · 15 % removed', 'left alone']);
  assert.equal(calibrationText(classEvidence()), null);
  assert.equal(calibrationText(classEvidence({ calibration: 0.618 })), 'A similarity of 0.5 stands for a cosine of 0.62 to the prototype of boat.');
  assert.match(agreementText(classEvidence()), /93 %/);
  assert.equal(groupText(classEvidence().groups[0], 120_000), 'Background group 17: 80,000 pixels (67 % of what was removed)');
  assert.match(curveAlt(classEvidence(), 1), /6 clusters of boat .* 0\.520 to 0\.280; the first 4 lie above the cut at 0\.430; 1 cluster of this photo marked/);
});
