/** Centroid stores for the tests: of the reference's toy data set, and at random. */
import { CentroidStore, type Precision } from '../../../../src/pipeline/mars/centroidStore';
import { clusterPhoto } from '../../../../src/pipeline/mars/clusters';
import { MARS_SETTINGS, type LocalCluster, type MarsSettings } from '../../../../src/pipeline/mars/marsTypes';
import type { LabelMap, Maps } from '../../../../src/shared/maps';
import { fixture } from '../../../shared';
import { randomNumbers } from '../maps';

export interface ToyCluster {
  image: number;
  k: number;
  dist_mean: number;
  dist_min: number;
  knn3_mean_distance_untagged_images: number;
  nearest_bg: { image: number; k: number; distance: number }[];
  mean_distance_by_bg_image: Record<string, number>;
  selected: boolean;
}

export interface Toy {
  classes: Record<string, number>;
  images: {
    tags: string[];
    features_DHW: number[][][];
    pseudo_label: number[][];
    clusters: Record<string, { pixel_index: number[]; labels: number[] }>;
    similarity_max: number[][];
    best_tag_index: number[][];
    binary_mask_thr_0_5: number[][];
    debiased_label: number[][];
  }[];
  background_centroids: { image: number; k: number; n_pixels: number; v: number[] }[];
  foreground_centroids: { image: number; cls: number; k: number; n_pixels: number; v: number[] }[];
  mean_unit_background: number[];
  classes_result: Record<string, { n_centroids: number; n_selected: number; order: ToyCluster[]; debiased_centroid: number[] }>;
  explanations: {
    image: number;
    cls: number;
    pixels: number[];
    area: number;
    mean_similarity_to_kept_prototype: number;
    threshold: number;
    main_cluster: number;
    main_cluster_share: number;
    cluster_dist_mean: number;
    cluster_rank: number;
    clusters_of_class: number;
    cluster_selected: boolean;
    sibling_clusters: { k: number; dist_mean: number }[];
    nearest_bg: { image: number; k: number; distance: number }[];
    mean_distance_by_bg_image: Record<string, number>;
  }[];
  class_totals: Record<string, { pseudo_pixels: number; removed_pixels: number }>;
  tolerance: number;
}

/** The paper's form on data that is too small for a choice of classes. */
export const TOY_SETTINGS: MarsSettings = { ...MARS_SETTINGS, neighbours: 3, crf: null, onlyBiased: false };

export interface ToyPhoto {
  name: string;
  features: Maps;
  mask: LabelMap;
  tags: number[];
}

export const toyName = (image: number) => `image ${image}.png`;

export function toyPhotos({ images, classes }: Toy): ToyPhoto[] {
  return images.map((image, i) => ({
    name: toyName(i),
    features: { data: Float32Array.from(image.features_DHW.flat(2)), channels: 7, height: 6, width: 6 },
    mask: { data: Uint8Array.from(image.pseudo_label.flat()), height: 6, width: 6 },
    tags: image.tags.map(tag => classes[tag]),
  }));
}

export function toy(): { expected: Toy; photos: ToyPhoto[]; store: CentroidStore } {
  const expected = fixture<Toy>('mars-toy6.json');
  const photos = toyPhotos(expected);
  return { expected, photos, store: storeOf(photos) };
}

export function storeOf(photos: readonly ToyPhoto[]): CentroidStore {
  const store = new CentroidStore(photos[0].features.channels, 'single');
  for (const { name, features, mask, tags } of photos) store.set(name, { key: name, tags }, clusterPhoto(features, mask, TOY_SETTINGS).clusters);
  return store;
}

export interface RandomPhoto {
  name: string;
  tags: number[];
  clusters: LocalCluster[];
}

/** Photos of one or two of `classes` classes, two clusters each, beside two of background. */
export function randomPhotos(count: number, dimensions: number, classes: number, seed: number): RandomPhoto[] {
  const next = randomNumbers(seed);
  return Array.from({ length: count }, (_, i) => {
    const first = 1 + Math.floor(next() * classes);
    const tags = [...new Set(next() < 0.5 ? [first] : [first, 1 + Math.floor(next() * classes)])].sort((a, b) => a - b);
    const clusters = [0, ...tags].flatMap(classId =>
      [0, 1].map(cluster => ({ classId, cluster, cells: 1 + Math.floor(next() * 100), centroid: Float32Array.from({ length: dimensions }, () => next() - 0.4) })),
    );
    return { name: `photo ${(i * 7919) % 100003}.jpg`, tags, clusters };
  });
}

export function randomStore(photos: readonly RandomPhoto[], dimensions: number, precision: Precision = 'single'): CentroidStore {
  const store = new CentroidStore(dimensions, precision);
  for (const { name, tags, clusters } of photos) store.set(name, { key: `key of ${name}`, tags }, clusters);
  return store;
}
