/**
 * The evidence of one removed region, in the order of the decision: the sentence, similarity and cut (with another cut to try), what a small change would do, the
 * clusters of this photo, the prototype, backgrounds that look alike, provenance.
 */
import { useState } from 'preact/hooks';
import { describeError } from '../../shared/errors';
import type { Choice } from '../../shared/evidence';
import { choose } from '../choices';
import type { OpenPhoto, Page } from '../page';
import {
  bestTagsText,
  clusterText,
  crfText,
  decisionText,
  headings,
  histogramAlt,
  NEIGHBOURS_ARE,
  neighbourAlt,
  otherThresholdText,
  photosText,
  prototypeText,
  provenanceRows,
  ruleText,
  situationText,
  stabilityText,
  strengthText,
  whatIfs,
  whatIfText,
} from '../../shared/texts/evidenceTexts';
import { keyOf } from '../texts/helpTexts';
import { classNames, distance, list, className, percent, score, type ClassNames } from '../../shared/texts/words';
import { Button, Icon, Slider } from './elements';
import { panelStateOf } from './panelState';
import { Histogram } from './plots';
import { PhotoLink, Samples } from './samples';
import { Thumbnail } from './thumbnails';
import type { PhotoEvidence } from './why';

interface Props {
  page: Page;
  photo: OpenPhoto;
  evidence: PhotoEvidence;
  /** A person's word on it. */
  choice: Choice | null;
}

export function EvidencePanel({ page, photo, evidence, choice }: Props) {
  const names = classNames(page.session.value.classes);
  return (
    <article class="evidence" aria-label={`Why this region of ${className(evidence.classId, names)} was removed`}>
      <p class="decision">{decisionText(evidence, names, photo.view)}</p>
      <p class={`stability ${evidence.stable ? 'stable' : 'fragile'}`}>
        <Icon name={evidence.stable ? 'pass' : 'warning'} /> {stabilityText(evidence)}
      </p>
      <Word page={page} photo={photo} evidence={evidence} choice={choice} />
      <Similarity evidence={evidence} names={names} />
      <WhatIfs evidence={evidence} />
      <Clusters page={page} evidence={evidence} names={names} />
      <Prototype page={page} evidence={evidence} names={names} />
      <Backgrounds page={page} evidence={evidence} names={names} />
      <Provenance evidence={evidence} />
    </article>
  );
}

/** Restore, accept, and the way back from either. */
function Word({ page, photo, evidence, choice }: Props) {
  const { readOnly, keys } = page.session.value;
  const key = (command: 'restoreRegion' | 'acceptRegion' | 'nextRegion'): string => (keyOf(command, keys) ? `Key: ${keyOf(command, keys)}` : '');
  const takeBack = (): void => void choose(page, photo, [evidence.id], null).catch((error: unknown) => page.say(describeError(error)));
  return (
    <div class="buttons">
      {choice && (
        <span class="said">
          <Icon name={choice === 'accepted' ? 'check' : 'discard'} /> {choice === 'accepted' ? 'The removal is accepted.' : 'The region is restored.'}
        </span>
      )}
      {!readOnly && choice !== 'restored' && (
        <Button primary title={key('restoreRegion')} onClick={() => page.run('restoreRegion')}>
          Restore
        </Button>
      )}
      {!readOnly && choice === null && (
        <Button title={key('acceptRegion')} onClick={() => page.run('acceptRegion')}>
          Accept removal
        </Button>
      )}
      {!readOnly && choice === 'accepted' && <Button onClick={takeBack}>Take the word back</Button>}
      <Button title={key('nextRegion')} onClick={() => page.run('nextRegion')}>
        Next
      </Button>
    </div>
  );
}

function Similarity({ evidence, names }: { evidence: PhotoEvidence; names: ClassNames }) {
  const { histogram, threshold, rule } = evidence.decision;
  const [other, setOther] = useState(threshold);
  const crf = crfText(evidence);
  const meaning = ruleText(rule);
  return (
    <section>
      <h3>{headings(evidence).value}</h3>
      <Histogram bins={histogram} cut={threshold} other={other} alt={histogramAlt(evidence)} />
      <div class="row">
        <span class="faint">Another cut</span>
        <Slider value={other} min={0} max={1} step={0.01} label="Another cut" text={score(other)} onInput={setOther} />
        <span class="number">{score(other)}</span>
      </div>
      <p aria-live="polite">
        {otherThresholdText(evidence, other)} <span class="faint">From the histogram, without the CRF; nothing is changed by trying.</span>
      </p>
      {crf && <p>{crf}</p>}
      <p>{bestTagsText(evidence, names)}</p>
      {meaning && <p class="faint">{meaning}</p>}
    </section>
  );
}

function WhatIfs({ evidence }: { evidence: PhotoEvidence }) {
  return (
    <section>
      <h3>What if</h3>
      <p class="faint">Share of the region that would still be removed with …</p>
      <ul class="what-ifs">
        {whatIfs(evidence).map(one => (
          <li key={one.key} class={one.overturns ? 'overturns' : ''}>
            <Icon name={one.removed === null ? 'dash' : one.overturns ? 'warning' : 'check'} />
            <span class="number">{one.removed === null ? '–' : percent(one.removed)}</span>
            <span>{whatIfText(one)}</span>
            {one.removed !== null && <meter class="share" min={0} max={1} value={one.removed} aria-hidden="true" />}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Clusters({ page, evidence, names }: { page: Page; evidence: PhotoEvidence; names: ClassNames }) {
  const { photo, classId, clusters } = evidence;
  return (
    <section>
      <h3>Clusters of this photo</h3>
      <p>{situationText(evidence, names)}</p>
      <ul class="clusters">
        {clusters.map(one => (
          <li key={one.cluster}>
            <Thumbnail page={page} photo={photo} cluster={{ classId, cluster: one.cluster }} longSide={96} alt={`Cluster ${one.cluster + 1}, outlined`} />
            <span>
              <Icon name={one.selected ? 'arrow-up' : 'arrow-down'} /> Cluster {one.cluster + 1}: {clusterText(one)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Prototype({ page, evidence, names }: { page: Page; evidence: PhotoEvidence; names: ClassNames }) {
  const { classId, prototype } = evidence;
  const open = (): void => {
    panelStateOf(page).classShown.value = classId;
    page.panels.side.value = 'class';
  };
  return (
    <section>
      <h3>{headings(evidence).standsFor}</h3>
      <p>{prototypeText(evidence, names)}</p>
      <p class="faint">Farthest from backgrounds:</p>
      <Samples page={page} clusters={prototype.above} classId={classId} />
      <p class="faint">Just below the cut:</p>
      <Samples page={page} clusters={prototype.below} classId={classId} />
      <button type="button" class="link" onClick={open}>
        Class page of {className(classId, names)}
      </button>
    </section>
  );
}

function Backgrounds({ page, evidence, names }: { page: Page; evidence: PhotoEvidence; names: ClassNames }) {
  const { nearest, photos } = evidence.background;
  return (
    <section>
      <h3>Backgrounds it resembles</h3>
      <p class="faint">{NEIGHBOURS_ARE}</p>
      <ul class="neighbours">
        {nearest.map(neighbour => (
          <li key={`${neighbour.photo} ${neighbour.cluster}`} class={neighbour.strength}>
            <PhotoLink page={page} photo={neighbour.photo}>
              <Thumbnail page={page} photo={neighbour.photo} cluster={{ classId: 0, cluster: neighbour.cluster }} longSide={160} alt={neighbourAlt(neighbour, names)} />
            </PhotoLink>
            <span class="caption">
              <strong>{strengthText(neighbour, evidence.classId, names)}</strong>
              <span class="faint">
                {' '}
                distance {distance(neighbour.distance)}
                {neighbour.tags.length > 0 && ` · tags: ${list(neighbour.tags.map(id => className(id, names)))}`}
              </span>
            </span>
          </li>
        ))}
      </ul>
      {photos.length > 0 && (
        <details>
          <summary>Mean distance by photo</summary>
          <p class="faint">{photosText(evidence)}</p>
          <table>
            <thead>
              <tr>
                <th scope="col">Photo</th>
                <th scope="col">Mean distance</th>
                <th scope="col">Share</th>
              </tr>
            </thead>
            <tbody>
              {photos.map(one => (
                <tr key={one.photo}>
                  <td>
                    <PhotoLink page={page} photo={one.photo}>
                      {one.photo}
                    </PhotoLink>
                  </td>
                  <td class="number">{distance(one.distance)}</td>
                  <td class="number">{one.share < 0 ? `−${percent(-one.share)}` : percent(one.share)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </section>
  );
}

function Provenance({ evidence }: { evidence: PhotoEvidence }) {
  return (
    <details>
      <summary>Provenance</summary>
      <table class="provenance">
        <tbody>
          {provenanceRows(evidence).map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
