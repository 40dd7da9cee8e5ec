/**
 * What debiasing did to each class of the data set: the list of classes, and of one class its verdict, the curve of distances, the groups of backgrounds, the
 * prototype's edge, and what can be done with all its removals.
 */
import { useEffect, useState } from 'preact/hooks';
import { describeError } from '../../shared/errors';
import type { ClassEvidence } from '../../shared/evidence';
import { NO_FILTER } from '../../shared/queueOrder';
import type { Page } from '../page';
import { agreementText, calibrationText, curveAlt, GROUPS_ARE, groupText, removedText, shortText, verdictText } from '../texts/classTexts';
import { Button, IconButton, ProgressRing } from './elements';
import { classInHand, panelStateOf } from './panelState';
import { DistanceCurve } from './plots';
import { Samples } from './samples';
import { send } from './send';
import { Swatch } from './swatch';

/** Clusters shown on either side of the cut. */
const EDGE = 4;

export function ClassPage({ page }: { page: Page }) {
  const { classShown } = panelStateOf(page);
  const [classes, setClasses] = useState<readonly ClassEvidence[] | undefined>(undefined);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const { items } = page.session.value;
  useEffect(() => {
    // States and choices of the queue may have changed what was removed.
    let late = false;
    page.ask('classes', {}).then(
      answer => !late && setClasses(answer.classes),
      (error: unknown) => !late && setProblem(describeError(error)),
    );
    return () => {
      late = true;
    };
  }, [items]);
  if (problem !== undefined) return <p class="empty">{problem}</p>;
  if (!classes) return <ProgressRing label="Reading the classes" />;
  if (classes.length === 0) return <p class="empty">This data set has not been debiased, so there is nothing to say about its classes.</p>;
  const wanted = classShown.value ?? classInHand(page);
  const shown = wanted === 'all' ? undefined : classes.find(({ classId }) => classId === wanted);
  return shown ? <OneClass page={page} evidence={shown} /> : <AllClasses page={page} classes={classes} />;
}

function AllClasses({ page, classes }: { page: Page; classes: readonly ClassEvidence[] }) {
  const { classShown } = panelStateOf(page);
  return (
    <ul class="regions" aria-label="Classes of the data set">
      {classes.map(one => (
        <li key={one.classId}>
          <button type="button" class="region-button" onClick={() => (classShown.value = one.classId)}>
            <Swatch id={one.classId} />
            <span class="grow">
              {one.name} ({one.classId})
              <br />
              <span class="faint">{shortText(one)}</span>
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function OneClass({ page, evidence }: { page: Page; evidence: ClassEvidence }) {
  const state = panelStateOf(page);
  const photo = page.photo.value?.view.photo;
  const calibration = calibrationText(evidence);
  const own = evidence.clusters.flatMap((cluster, at) => (cluster.photo === photo ? [at] : []));
  const above = evidence.clusters.slice(Math.max(0, evidence.selected - EDGE), evidence.selected);
  const below = evidence.clusters.slice(evidence.selected, evidence.selected + EDGE);
  return (
    <article class="evidence" aria-label={`Class ${evidence.name}`}>
      <div class="row">
        <IconButton icon="arrow-left" label="All classes" onClick={() => (state.classShown.value = 'all')} />
        <h2>
          <Swatch id={evidence.classId} /> {evidence.name} ({evidence.classId})
        </h2>
      </div>
      <p class="decision">{verdictText(evidence)}</p>
      <p>{removedText(evidence)}</p>
      <ClassButtons page={page} evidence={evidence} />
      <section>
        <h3>Distances to backgrounds</h3>
        <DistanceCurve evidence={evidence} own={own} alt={curveAlt(evidence, own.length)} />
        <p class="faint">{agreementText(evidence)}</p>
        {calibration && <p class="faint">{calibration}</p>}
      </section>
      {evidence.groups.length > 0 && (
        <section>
          <h3>What the removed regions resemble</h3>
          <p class="faint">{GROUPS_ARE}</p>
          {evidence.groups.map(one => (
            <div key={one.group} class="group-of-backgrounds">
              <p>{groupText(one, evidence.removed)}</p>
              <Samples page={page} clusters={one.samples} classId={0} />
            </div>
          ))}
        </section>
      )}
      <section>
        <h3>What stands for the class</h3>
        <p>Just above the cut (they stand for it):</p>
        <Samples page={page} clusters={above} classId={evidence.classId} />
        <p>Just below the cut (they do not):</p>
        <Samples page={page} clusters={below} classId={evidence.classId} />
      </section>
    </article>
  );
}

/** Accept or restore everything (restoring asks first), or go through what is fragile. */
function ClassButtons({ page, evidence }: { page: Page; evidence: ClassEvidence }) {
  const { filter, sort } = panelStateOf(page);
  const [asking, setAsking] = useState(false);
  const { classId, name, regions, fragile } = evidence;
  if (regions === 0) return null;
  const choose = (choice: 'accepted' | 'restored'): void => {
    setAsking(false);
    send(page, 'chooseClass', { classId, choice });
  };
  const review = (): void => {
    filter.value = { ...NO_FILTER, classId, fragile: true };
    sort.value = 'fragile';
    page.run('focusQueue');
  };
  if (asking) {
    return (
      <div class="buttons" role="group" aria-label="Restore all">
        <span>Restore every removed region of {name}?</span>
        <Button primary onClick={() => choose('restored')}>
          Restore all
        </Button>
        <Button onClick={() => setAsking(false)}>Cancel</Button>
      </div>
    );
  }
  return (
    <div class="buttons">
      {!page.session.value.readOnly && <Button onClick={() => choose('accepted')}>Accept all</Button>}
      {!page.session.value.readOnly && <Button onClick={() => setAsking(true)}>Restore all</Button>}
      {fragile > 0 && (
        <Button primary onClick={review}>
          Review fragile
        </Button>
      )}
    </div>
  );
}
