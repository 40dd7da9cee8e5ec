/**
 * Chance that can be repeated: the same seed gives the same numbers on every machine. Trainings draw what a step needs from a generator of that step alone
 * (`uniform(mixSeed(seed, epoch, step))`), so that one that is resumed goes on as if nothing had stopped.
 */

/** Numbers in [0, 1), the same for the same seed (mulberry32, Tommy Ettinger; public domain). */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One seed of several whole numbers, in 0..2^32 - 1; order counts, and neighbours are not alike (the finaliser of MurmurHash3 after each part). */
export function mixSeed(...parts: readonly number[]): number {
  let hash = 0x9e3779b9;
  for (const part of parts) {
    hash = (Math.imul(hash, 31) + (part | 0)) | 0;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return hash >>> 0;
}

/** 0..count - 1, each once, in an order of chance (Fisher and Yates). */
export function shuffled(count: number, random: () => number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** One number of the normal distribution with mean 0 and deviation 1 (Box and Muller); takes two of `random`. */
export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
