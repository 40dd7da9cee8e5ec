/**
 * From the probabilities of a trained network to the mask of a photo, as `photoMask.ts` does from class activation maps:
 *
 *     p (background and the photo's tags) -> weight by how sure the heads are of each tag -> PAMR along the photo's colours -> s_k = p_k / (p_k + p_0)
 *           -> saliency cue (if there is one) -> [dense CRF] -> mask: the best tag where it beats the background score
 *
 * Only the photo's own tags take part. A person's hints hold at each step. The layers to look at are of the same kinds: the maps of the heads, the scores, the seed.
 */
import type { Preset } from '../../models/presets';
import { plane, zeroMaps, type Maps } from '../shared/maps';
import { certainFilter } from './certainFilter';
import { hintedScores } from './hints';
import { pamr } from './pamr';
import { decide, scaleEach, surenessWith, tagWeights, weighed, type PhotoMask, type PhotoMaskInput } from './photoMask';
import { resizeBilinear } from './resize';
import { tagCam } from './tagCam';

/** @param probabilities (1 + K) x any size: background, then each of the input's ids. @throws SeedMaskError 'out-of-memory' */
export async function scoredMask(probabilities: Maps, input: PhotoMaskInput, preset: Preset): Promise<PhotoMask> {
  const { ids, photo, hints } = input;
  if (!preset.training) throw new Error(`preset '${preset.name}' trains nothing`);
  const { masks } = preset.training;
  if (probabilities.channels !== ids.length + 1) throw new Error(`${probabilities.channels} probabilities for ${ids.length} tags and the background`);
  const hinted = (maps: Maps): Maps => (hints ? hintedScores(maps, ids, hints, input) : maps);
  const weights = tagWeights(surenessWith(hints, input), masks.tagWeight);
  const large = resizeBilinear(scaleEach(probabilities, [1, ...weights]), photo.height, photo.width);
  const { dilations, iterations } = preset.pamr;
  const start = pinned(large, hinted);
  const refined = hinted(against(masks.pamr ? pamr(photo, start, { dilations, iterations }) : start));
  const scores = await weighed(refined, masks.threshold, masks.saliency, input);
  const threshold = input.saliency ? masks.saliency.threshold : masks.threshold;
  return { cam: hinted(tagCam(input.layers)), refined, scores, seed: certainFilter(refined, ids, preset.certainFilter), mask: decide(scores, threshold, input, preset) };
}

/** Where hints say what a pixel is, or is not, the background takes what is left. */
function pinned(probabilities: Maps, hinted: (maps: Maps) => Maps): Maps {
  const { height, width, channels } = probabilities;
  const size = height * width;
  const tags = { data: probabilities.data.subarray(size), channels: channels - 1, height, width };
  const told = hinted(tags);
  if (told === tags) return probabilities;
  const out = { ...probabilities, data: probabilities.data.slice() };
  for (let i = 0; i < size; i++) {
    let before = 0;
    let after = 0;
    for (let k = 0; k < told.channels; k++) {
      before += tags.data[k * size + i];
      after += told.data[k * size + i];
      out.data[(k + 1) * size + i] = told.data[k * size + i];
    }
    out.data[i] = Math.max(0, probabilities.data[i] + before - after);
  }
  return out;
}

/** K x h x w: each tag against the background, p_k / (p_k + p_0). */
function against(probabilities: Maps): Maps {
  const out = zeroMaps(probabilities.channels - 1, probabilities.height, probabilities.width);
  const background = plane(probabilities, 0);
  for (let k = 0; k < out.channels; k++) {
    const map = plane(probabilities, k + 1);
    const target = plane(out, k);
    for (let i = 0; i < map.length; i++) target[i] = map[i] > 0 ? map[i] / (map[i] + background[i]) : 0;
  }
  return out;
}
