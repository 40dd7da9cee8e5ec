/** Evidence: what the toy data set's explanations say, that records alone decide the same again, and that every removed pixel is explained once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import { BackgroundGroups, ClassTotals } from '../../../../src/pipeline/mars/classSummary';
import { checkMask, classesOf, clusterPhoto } from '../../../../src/pipeline/mars/clusters';
import { CentroidStore } from '../../../../src/pipeline/mars/centroidStore';
import { debias } from '../../../../src/pipeline/mars/debias';
import { Backgrounds } from '../../../../src/pipeline/mars/distances';
import { explainPhoto } from '../../../../src/pipeline/mars/evidence';
import { MARS_SETTINGS, type MarsSettings, type SimilarityMap } from '../../../../src/pipeline/mars/marsTypes';
import { decideClasses } from '../../../../src/pipeline/mars/prototypes';
import { decideAgain, rankAgain, removableOf } from '../../../../src/pipeline/mars/recompute';
import { regionsOf } from '../../../../src/pipeline/mars/regions';
import { recordOfSettings, settingsOfRecord } from '../../../../src/pipeline/mars/settingsRecord';
import { CellFeatures, similarityMap } from '../../../../src/pipeline/mars/similarityMap';
import { classEvidenceSchema, evidenceSchema, type ClassEvidence, type Evidence } from '../../../../src/shared/evidence';
import type { LabelMap, Maps, RgbImage } from '../../../../src/shared/maps';
import { reference } from '../../../shared';
import { randomMaps, randomNumbers } from '../maps';
import { toy, toyName, TOY_SETTINGS, type ToyPhoto } from './stores';

const PROVENANCE = { run: 'run 1', source: 'a', mask: 'b', model: 'c', version: '0' };

interface Explained {
  photo: ToyPhoto;
  similarity: SimilarityMap | null;
  removed: LabelMap;
  evidence: Evidence[];
  picture: RgbImage | null;
}

/** Both passes over some photos. */
function run(photos: readonly ToyPhoto[], settings: MarsSettings, pictureOf: (photo: ToyPhoto) => RgbImage | null = () => null): { photos: Explained[]; classes: ClassEvidence[] } {
  const store = new CentroidStore(photos[0].features.channels, 'single');
  for (const { name, features, mask, tags } of photos) store.set(name, { key: '', tags }, clusterPhoto(features, mask, settings).clusters);
  const decisions = decideClasses(store, settings);
  const backgrounds = Backgrounds.of(store, settings.mostBackgroundPhotos);
  const totals = new ClassTotals();
  const explained = photos.map(photo => {
    const cells = new CellFeatures(photo.features);
    const similarity = similarityMap(cells, photo.name, photo.tags, decisions, settings);
    const picture = pictureOf(photo);
    const debiased = debias(photo.mask, similarity, removableOf(decisions.values()), settings, picture);
    const evidence = similarity ? explainPhoto({ photo: photo.name, tags: photo.tags, mask: photo.mask, cells, similarity, debiased, decisions, store, backgrounds, settings, provenance: PROVENANCE }) : [];
    totals.add(photo.mask, evidence);
    return { photo, similarity, removed: debiased.removed, evidence, picture };
  });
  const classes = totals.evidence([1, 2, 3, 9].map(id => ({ id, name: `class ${id}` })), decisions, new BackgroundGroups(backgrounds));
  return { photos: explained, classes };
}

const json = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const close = (actual: number | undefined, expected: number, tolerance: number) => assert.ok(Math.abs((actual ?? NaN) - expected) <= tolerance, `${actual} instead of ${expected}`);

test('the toy data set: each explanation, and what was removed of each class', reference('spec/fixtures/mars-toy6.json'), () => {
  const { expected, photos } = toy();
  const result = run(photos, { ...TOY_SETTINGS, neighbours: 5 });
  const records = result.photos.flatMap(({ evidence }) => evidence);
  assert.equal(records.length, expected.explanations.length);
  expected.explanations.forEach((told, i) => {
    const record = records[i];
    assert.deepEqual([record.photo, record.classId, record.area], [toyName(told.image), told.cls, told.area]);
    // The map is recorded in steps of 1/255.
    close(record.decision.meanSimilarity, told.mean_similarity_to_kept_prototype, 1 / 510);
    assert.deepEqual([record.decision.threshold, record.decision.flippedByCrf], [told.threshold, 0]);
    assert.equal(record.decision.histogram.reduce((a, b) => a + b), told.area);
    const main = record.clusters.find(({ cluster }) => cluster === told.main_cluster);
    close(main?.share, told.main_cluster_share, 1e-9);
    close(main?.distance, told.cluster_dist_mean, expected.tolerance);
    assert.deepEqual([main?.rank, main?.of, main?.selected], [told.cluster_rank, told.clusters_of_class, told.cluster_selected]);
    for (const { k, dist_mean } of told.sibling_clusters) close(record.clusters.find(({ cluster }) => cluster === k)?.distance, dist_mean, expected.tolerance);
    assert.deepEqual(record.background.nearest.map(({ photo, cluster }) => [photo, cluster]), told.nearest_bg.map(({ image, k }) => [toyName(image), k]));
    record.background.nearest.forEach(({ distance, photo, tags, strength, samePhoto }, k) => {
      close(distance, told.nearest_bg[k].distance, expected.tolerance);
      assert.equal(strength, tags.includes(told.cls) ? 'weak' : 'strong');
      assert.equal(samePhoto, photo === record.photo);
    });
    for (const { photo, distance } of record.background.photos) close(distance, told.mean_distance_by_bg_image[photo.replace(/\D/g, '')], expected.tolerance);
    close(record.background.photos.reduce((sum, { share }) => sum + share, 0), 1, 1e-5);
    assert.equal(record.situation, 'split');
    assert.ok(v.is(evidenceSchema, record));
  });
  // The rail of image 0: like the backgrounds of image 1, which is tagged train too, and of image 2, which is not.
  assert.deepEqual(records[0].background.nearest.slice(0, 2).map(({ photo, strength }) => [photo, strength]), [[toyName(1), 'weak'], [toyName(2), 'strong']]);
  assert.deepEqual(records.map(({ stable }) => stable), records.map(({ counterfactual }) => Object.values(counterfactual).every(share => share === null || share >= 0.5)));
  const [train, boat, person, none] = result.classes;
  assert.deepEqual([train.removed, train.before, train.photosChanged, train.photosEmptied, train.regions], [13, 27, 2, 0, 2]);
  assert.deepEqual([boat.removed, boat.before, person.removed, person.regions], [8, 18, 0, 0]);
  assert.equal(train.groups.reduce((sum, { pixels }) => sum + pixels, 0), 13);
  assert.deepEqual([none.photos, none.distances, none.selected], [0, [], 0]);
  assert.match(none.leftAlone ?? '', /no mask holds/);
  for (const each of result.classes) assert.ok(v.is(classEvidenceSchema, each));
});

/** Photos whose objects stand on stuff that other photos have as background; the stuff is in the masks. Features are noisy, grid and mask differ in size. */
function scenes(count: number, seed: number): ToyPhoto[] {
  const next = randomNumbers(seed);
  const directions = Array.from({ length: 6 }, () => Array.from({ length: 8 }, () => next() - 0.3));
  const [h, w, height, width] = [7, 9, 45, 60];
  return Array.from({ length: count }, (_, i) => {
    const tags = i % 4 === 0 ? [1, 2] : [1 + (i % 3)];
    const region = (x: number, y: number): { label: number; stuff: number } => {
      const side = tags.length > 1 && x >= 5 ? tags[1] : tags[0];
      if (y < 1 || y >= 6) return { label: 0, stuff: i % 2 ? 4 : 5 };
      // Class 3 comes without stuff.
      if (y >= 4) return side === 3 ? { label: 0, stuff: 4 } : { label: side, stuff: 3 + side };
      return { label: side, stuff: side };
    };
    const features: Maps = { data: new Float32Array(8 * h * w), channels: 8, height: h, width: w };
    for (let d = 0; d < 8; d++) for (let p = 0; p < h * w; p++) features.data[d * h * w + p] = directions[region(p % w, Math.floor(p / w)).stuff][d] + 0.15 * (next() - 0.5);
    const data = Uint8Array.from({ length: height * width }, (_, p) => {
      const { label } = region(Math.floor(((p % width) * w) / width), Math.floor((Math.floor(p / width) * h) / height));
      return next() < 0.02 ? 255 : label;
    });
    return { name: `scene ${i}.jpg`, features, mask: { data, height, width }, tags };
  });
}

const picture = ({ name, mask }: ToyPhoto): RgbImage => ({ data: Uint8Array.from(randomMaps(3, mask.height, mask.width, name.length).data, value => value * 256), height: mask.height, width: mask.width });

for (const [what, settings] of Object.entries({
  'bare threshold': { ...MARS_SETTINGS, crf: null, onlyBiased: false },
  CRF: { ...MARS_SETTINGS, crfSize: 40, onlyBiased: false, minRegion: 4 },
  'two prototypes, nearest untagged': { ...MARS_SETTINGS, rule: 'two-prototypes' as const, metric: 'knn-untagged' as const, crf: null, onlyBiased: false, threshold: 0.6 },
  'clusters one by one': { ...MARS_SETTINGS, rule: 'margin' as const, metric: 'knn-untagged' as const, crf: null, onlyBiased: false, temperature: 0.05, margin: { ...MARS_SETTINGS.margin, neighbours: 3, cut: 0 } },
  'biased classes alone': { ...MARS_SETTINGS, crf: null, minPhotos: 5, threshold: 0.8 },
})) {
  test(`records alone decide the same again: ${what}`, () => {
    const { photos, classes } = run(scenes(16, 3), settings, picture);
    const recordedClasses = json(classes);
    let explained = 0;
    for (const { photo, similarity, removed, evidence, picture: shown } of photos) {
      const records = evidence.map(record => v.parse(evidenceSchema, json(record)));
      assert.deepEqual(regionsOf(removed).map(({ classId, box, pixels }) => [classId, box, pixels.length]), records.map(({ classId, box, area }) => [classId, box, area]));
      assert.equal(records.reduce((sum, { area }) => sum + area, 0), removed.data.filter(label => label > 0).length);
      assert.equal(new Set(records.map(({ id }) => id)).size, records.length);
      if (records.length === 0 || !similarity) continue;
      explained += records.length;
      // What a file would hold of the map: its bytes.
      const again = decideAgain(photo.mask, { ...similarity, values: Uint8Array.from(similarity.values) }, records[0], recordedClasses, shown);
      assert.deepEqual(again.removed, removed);
      for (const { decision, clusters, prototype, classId, counterfactual, area } of records) {
        assert.equal(decision.histogram.reduce((a, b) => a + b), area);
        close(decision.bestTags.reduce((sum, { share }) => sum + share, 0), 1, 1e-9);
        if (settings.crf === null) assert.equal(decision.flippedByCrf, 0);
        const summary = recordedClasses.find(each => each.classId === classId);
        assert.ok(summary);
        const { ranking, selected, cut, gap } = rankAgain(summary, settings.alpha);
        assert.deepEqual([ranking, selected, cut, gap], [summary.clusters, summary.selected, summary.cut, summary.gap]);
        assert.deepEqual([prototype.selected, prototype.of, prototype.cut], [selected, ranking.length, cut]);
        assert.deepEqual(prototype.above, ranking.slice(0, Math.min(8, selected)));
        for (const { rank, cluster, distance, selected: chosen } of clusters) {
          assert.deepEqual(ranking[rank - 1], { photo: photo.name, cluster, distance });
          assert.equal(chosen, rank <= selected);
        }
        if (clusters.length > 0) close(clusters.reduce((sum, { share }) => sum + share, 0), 1, 1e-9);
        assert.ok(counterfactual.thresholdLower <= counterfactual.thresholdHigher);
        assert.equal(counterfactual.thresholdHigher, 1);
      }
    }
    assert.ok(explained > 0, 'something is removed');
    if (settings.onlyBiased) assert.deepEqual(classes.filter(({ leftAlone, removed }) => leftAlone !== null && removed > 0), []);
  });
}

test('totals of parts merge to those of the whole', () => {
  const { photos, classes } = run(scenes(12, 5), { ...MARS_SETTINGS, crf: null, onlyBiased: false });
  const totals = [new ClassTotals(), new ClassTotals(), new ClassTotals()];
  photos.forEach(({ photo, evidence }, i) => totals[i % 3].add(photo.mask, evidence));
  totals[1].merge(totals[2]);
  totals[1].merge(totals[0]);
  const store = new CentroidStore(8);
  const merged = totals[1].evidence([1, 2, 3, 9].map(id => ({ id, name: '' })), new Map(), new BackgroundGroups(Backgrounds.of(store, 10)));
  const counts = ({ before, removed, photosChanged, photosEmptied, regions, fragile }: ClassEvidence) => ({ before, removed, photosChanged, photosEmptied, regions, fragile });
  assert.deepEqual(merged.map(counts), classes.map(counts));
});

test('settings survive as a record, with and without CRF; others are refused', () => {
  for (const settings of [MARS_SETTINGS, TOY_SETTINGS]) assert.deepEqual(settingsOfRecord(json(recordOfSettings(settings))), settings);
  assert.throws(() => settingsOfRecord({ alpha: 0.4 }));
  assert.throws(() => settingsOfRecord({ ...recordOfSettings(MARS_SETTINGS), rule: 'guess' }));
});

test('an untagged class of the mask counts as tagged; masks of wrong size and with unknown ids are refused', () => {
  const mask: LabelMap = { data: Uint8Array.of(0, 3, 255, 3, 7, 0), height: 2, width: 3 };
  assert.deepEqual(classesOf(mask, [5, 3]), [3, 5, 7]);
  checkMask(mask, { height: 2, width: 3 }, id => id < 10);
  assert.throws(() => checkMask(mask, { height: 3, width: 2 }, () => true, 'a.png'), { reason: 'bad-mask', file: 'a.png', message: 'the mask is 3 x 2 pixels, the photo 2 x 3' });
  assert.throws(() => checkMask(mask, { height: 2, width: 3 }, id => id === 3), { reason: 'bad-mask', message: /the id 7, which/ });
  assert.throws(() => checkMask({ ...mask, data: new Uint8Array(5) }, mask, () => true), { reason: 'bad-mask' });
});

test('regions are told apart by class and box', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }), fc.integer(), (height, width, seed) => {
      const next = randomNumbers(seed);
      const regions = regionsOf({ data: Uint8Array.from({ length: height * width }, () => Math.floor(next() * 3)), height, width });
      assert.equal(new Set(regions.map(({ classId, box }) => `${classId} ${box.join()}`)).size, regions.length);
    }),
    { seed: 1 },
  );
});
