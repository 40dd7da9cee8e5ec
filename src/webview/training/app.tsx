/**
 * The training page: state and buttons on top, then the curves of the losses, tagging by class, and the sample photos with their masks by epoch.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { durationText, lossText } from '../../shared/runTexts';
import { STAGE_NAMES, type StageCurve } from '../../shared/trainingHistory';
import type { TrainingCommand, TrainingStatus } from '../../shared/trainingPage';
import { Button, Icon } from '../panels/elements';
import { Tooltip } from '../panels/tooltip';
import { Curves } from './curves';
import { Samples } from './samples';
import { Tagging } from './tagging';
import type { TrainingPage } from './trainingPage';

const STATES: Record<TrainingStatus['state'], { icon: string; text: string }> = {
  running: { icon: 'sync', text: 'running' },
  done: { icon: 'pass', text: 'done' },
  cancelled: { icon: 'circle-slash', text: 'cancelled' },
  interrupted: { icon: 'debug-disconnect', text: 'interrupted' },
  failed: { icon: 'error', text: 'stopped' },
};

const COMMANDS: Record<TrainingCommand, string> = { cancel: 'Cancel', resume: 'Resume Training', generate: 'Generate Masks', showLog: 'Show Log' };

export function App({ page }: { page: TrainingPage }) {
  const status = page.status.value;
  const stages = page.stages.value;
  const [chosen, choose] = useState<string | null>(null);
  if (!status) return <main class="training" aria-busy="true" />;
  // The stage that runs, until a person looks at another one.
  const shown = stages.find(({ stage }) => stage === chosen) ?? stages.at(-1);
  return (
    <main class="training">
      <Header page={page} status={status} stages={stages} />
      {stages.length > 1 && (
        <div class="stages" role="group" aria-label="Stage">
          {stages.map(({ stage }) => (
            <button type="button" key={stage} class="chip" aria-pressed={stage === shown?.stage} onClick={() => choose(stage)}>
              {STAGE_NAMES[stage]}
            </button>
          ))}
        </div>
      )}
      {shown ? <Curves key={shown.stage} curve={shown} /> : <p class="empty">{status.state === 'running' ? 'The curves begin with the first steps.' : 'This training ended before its first step.'}</p>}
      {shown && <Tagging curve={shown} />}
      <Samples photos={page.samples.value} classes={status.classes} />
      {status.notes.length > 0 && (
        <section aria-label="Notes">
          <h2>Notes</h2>
          <ul class="notes">
            {status.notes.map((note, i) => (
              <li key={i}>{note}</li>
            ))}
          </ul>
        </section>
      )}
      <Tooltip />
    </main>
  );
}

function Header({ page, status, stages }: { page: TrainingPage; status: TrainingStatus; stages: readonly StageCurve[] }) {
  const { icon, text } = STATES[status.state];
  const progress = page.progress.value;
  return (
    <header>
      <div class="row head">
        <h1 class="grow">
          Training · {status.name} {status.preset && <span class="faint">· {status.preset}</span>}
        </h1>
        {status.commands.map(name => (
          <Button key={name} primary={name === 'generate' || name === 'resume'} onClick={() => page.command(name)}>
            {COMMANDS[name]}
          </Button>
        ))}
      </div>
      <p class={`state ${status.state}`}>
        <Icon name={icon} /> {text}
        {progress && <span> · {progress.text}</span>}
        {!progress && status.device && <span> · {status.device}</span>}
        {status.started && <span class="faint"> · started {new Date(status.started).toLocaleString()}</span>}
      </p>
      {progress && (
        <svg class="progress" viewBox="0 0 100 1" preserveAspectRatio="none" role="progressbar" aria-label="Training" aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(100 * progress.share)} aria-valuetext={progress.text}>
          <rect width={100 * progress.share} height="1" />
        </svg>
      )}
      {status.problem && (
        <p class="problem" role="alert">
          <Icon name="error" /> {status.problem}
        </p>
      )}
      {page.fault.value && (
        <p class="problem" role="alert">
          <Icon name="warning" /> {page.fault.value}
        </p>
      )}
      {stages.length > 0 && <Facts stages={stages} />}
      <Announcer status={status} stages={stages} />
    </header>
  );
}

/** Where the newest stage is. */
function Facts({ stages }: { stages: readonly StageCurve[] }) {
  const { stage, points } = stages[stages.length - 1];
  const last = points[points.length - 1];
  const facts: [string, string][] = [
    ['stage', STAGE_NAMES[stage]],
    ['epoch', `${last.epoch} of ${last.epochs}`],
    ['step', `${last.step.toLocaleString('en-US')} of ${last.steps.toLocaleString('en-US')}`],
    ['loss', 'total' in last.losses ? lossText(last.losses['total']) : '–'],
    ['learning rate', lossText(last.rate)],
    ['trained for', durationText(last.seconds)],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class="number">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Tells screen readers when an epoch or the training ends; not every step. */
function Announcer({ status, stages }: { status: TrainingStatus; stages: readonly StageCurve[] }) {
  const [said, say] = useState('');
  const before = useRef('');
  const newest = stages.at(-1);
  const epoch = newest?.points.at(-1)?.epoch ?? 0;
  const now = status.state === 'running' ? (newest ? `${STAGE_NAMES[newest.stage]}, epoch ${epoch}` : '') : `Training ${STATES[status.state].text}`;
  useEffect(() => {
    if (now === before.current) return;
    before.current = now;
    const loss = newest?.points.at(-1)?.losses['total'];
    say(`${now}${loss === undefined ? '' : `, loss ${lossText(loss)}`}`);
  }, [now]);
  return (
    <p class="unseen" role="status">
      {said}
    </p>
  );
}
