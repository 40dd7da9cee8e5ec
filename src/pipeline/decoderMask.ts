/**
 * From the probabilities of a trained network to the mask of a photo. The network knows what the whole folder has in common, the frozen chain (`photoMask.ts`) where this
 * photo's tags show most, salience where objects end; their opinions are added up as logarithms of odds. Of tag k at each pixel, p the network's probabilities, R_k the
 * chain's map, s_k the salience that the tag is looked at with (`closerLook.ts`):
 *
 *     z_k = network clip(ln p_k - ln p_0, +-limit) + chain ln max(R_k, least) + saliency w_k logit clip(s_k) + shift;   score = e^z_k / (e^z_k + (1 - t) / t)
 *     w_k = min(1, mean of s_k where R_k >= peak max R_k / agreement)          where salience shows nothing of a tag, it has little to say of it
 *
 * where t is the background score of the chain's own scores, which a score is at z_k = 0. -> [dense CRF] -> mask: the best tag where it beats the background. Only the photo's own tags take part, and a person's hints hold at each step.
 */
import type { Preset } from '../../models/presets';
import type { MaskOpinions } from '../../models/trainingPreset';
import { plane, zeroMaps, type Maps } from '../shared/maps';
import { certainFilter } from './certainFilter';
import { looksByTag } from './closerLook';
import { denseCrf } from './denseCrf';
import { hintedMask, hintedScores } from './hints';
import { pamr } from './pamr';
import { chainMaps, maskAtSize, type PhotoMask, type PhotoMaskInput } from './photoMask';
import { resizeBilinear } from './resize';
import type { Scg } from './scg';

const MOST_ODDS = 1e6;
/** Least probability whose logarithm is taken. */
const LEAST = 1e-4;

/** @param probabilities (1 + K) x any size: background, then each of the input's ids. @throws SeedMaskError 'numeric', 'out-of-memory' */
export async function scoredMask(probabilities: Maps, input: PhotoMaskInput, preset: Preset, scg: Scg): Promise<PhotoMask> {
  const { ids, photo, hints } = input;
  if (!preset.training) throw new Error(`preset '${preset.name}' trains nothing`);
  if (probabilities.channels !== ids.length + 1) throw new Error(`${probabilities.channels} probabilities for ${ids.length} tags and the background`);
  const { masks } = preset.training;
  const { cam, refined } = await chainMaps(input, preset, scg);
  const large = resizeBilinear(probabilities, photo.height, photo.width);
  const { dilations, iterations } = preset.pamr;
  const network = masks.pamr ? pamr(photo, large, { dilations, iterations }) : large;
  const threshold = input.saliency ? preset.saliency.threshold : preset.mask.threshold;
  const told = await opinions(network, refined, input, masks, threshold);
  const scores = hints ? hintedScores(told, ids, hints, input) : told;
  const { crf } = input.saliency ? masks.salient : masks.plain;
  const mask = input.crf && crf ? maskAtSize(denseCrf(photo, chances(scores, threshold, crf.background), crf), [0, ...ids], 0, input.height, input.width) : maskAtSize(scores, ids, threshold, input.height, input.width);
  return { cam, refined, scores, seed: certainFilter(refined, ids, preset.certainFilter), mask: hints ? hintedMask(mask, hints) : mask };
}

/** Probabilities of the background and each tag from scores: odds e^z_k, and those of the background. */
function chances(scores: Maps, threshold: number, background: number): Maps {
  const { channels, height, width } = scores;
  const size = height * width;
  const out = zeroMaps(channels + 1, height, width);
  const even = 1 / threshold - 1;
  for (let i = 0; i < size; i++) {
    let total = background;
    for (let k = 0; k < channels; k++) {
      const score = scores.data[k * size + i];
      // A pinned score is 1.
      const odds = Math.min((even * score) / Math.max(1 - score, 1e-9), MOST_ODDS);
      out.data[(k + 1) * size + i] = odds;
      total += odds;
    }
    out.data[i] = background / total;
    for (let k = 1; k <= channels; k++) out.data[k * size + i] /= total;
  }
  return out;
}

/** K x H' x W' in [0, 1], to be compared with `threshold`. */
async function opinions(network: Maps, chain: Maps, { saliency, lookCloser }: PhotoMaskInput, { plain, salient }: MaskOpinions, threshold: number): Promise<Maps> {
  const salience = saliency && (lookCloser ? await looksByTag(chain, saliency, salient.looks, lookCloser) : everyTag(saliency, chain));
  const weights = salience ? salient : plain;
  const out = zeroMaps(chain.channels, chain.height, chain.width);
  const background = plane(network, 0);
  const even = Math.log(1 / threshold - 1);
  for (let k = 0; k < chain.channels; k++) {
    const target = plane(out, k);
    const map = plane(chain, k);
    const own = plane(network, k + 1);
    const seen = salience && plane(salience, k);
    const voice = seen ? salient.saliency * agreement(map, seen, salient) : 0;
    for (let i = 0; i < target.length; i++) {
      const odds = Math.log(Math.max(own[i], LEAST)) - Math.log(Math.max(background[i], LEAST));
      let z = weights.shift + weights.network * Math.min(Math.max(odds, -weights.limit), weights.limit) + weights.chain * Math.log(Math.max(map[i], weights.least));
      if (seen) {
        const s = Math.min(Math.max(seen[i], salient.clip), 1 - salient.clip);
        z += voice * Math.log(s / (1 - s));
      }
      target[i] = 1 / (1 + Math.exp(even - z));
    }
  }
  return out;
}

/** 0..1: how much of the tag the salience shows. */
function agreement(map: Float32Array, seen: Float32Array, { peak, agreement: enough }: MaskOpinions['salient']): number {
  const least = peak * map.reduce((a, b) => Math.max(a, b), 0);
  let sum = 0;
  let pixels = 0;
  for (let i = 0; i < map.length; i++) {
    if (map[i] < least) continue;
    sum += seen[i];
    pixels++;
  }
  return Math.min(1, sum / pixels / enough);
}

function everyTag(saliency: Maps, { channels, height, width }: Maps): Maps {
  const whole = resizeBilinear(saliency, height, width).data;
  const out = zeroMaps(channels, height, width);
  for (let k = 0; k < channels; k++) plane(out, k).set(whole);
  return out;
}
