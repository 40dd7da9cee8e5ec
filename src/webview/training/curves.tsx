/**
 * The curves of one stage: one small chart for each loss (so that no colour has to tell them apart and each has its own scale) and one for the learning rate, and
 * the same values as a table by epoch.
 */
import { useMemo, useState } from 'preact/hooks';
import { lossText } from '../../shared/runTexts';
import type { TrainingMetrics } from '../../shared/training';
import type { StageCurve } from '../../shared/trainingHistory';
import { Checkbox } from '../panels/elements';
import { epochRows, epochStarts, lossNames } from './epochs';
import { LossChart } from './lossChart';

/** What the methods' losses are called; others keep their names. */
const LOSS_NAMES: Record<string, string> = { total: 'total loss' };

export function Curves({ curve }: { curve: StageCurve }) {
  const [isLog, setLog] = useState(false);
  const { points } = curve;
  const names = useMemo(() => lossNames(points), [points]);
  const epochs = useMemo(() => epochStarts(points), [points]);
  const { steps } = points[points.length - 1];
  return (
    <section aria-label="Losses">
      <div class="row">
        <h2 class="grow">Losses</h2>
        <Checkbox checked={isLog} onChange={setLog}>
          Logarithmic
        </Checkbox>
      </div>
      <div class="charts">
        {names.map(name => (
          <LossChart
            key={name}
            title={LOSS_NAMES[name] ?? name}
            points={points.flatMap(({ step, losses }) => (name in losses ? [{ x: step, y: losses[name] }] : []))}
            {...{ steps, epochs, isLog }}
          />
        ))}
        <LossChart title="learning rate" points={points.map(({ step, rate }) => ({ x: step, y: rate }))} isExact {...{ steps, epochs, isLog }} />
      </div>
      <details>
        <summary>Values as a table</summary>
        <ValueTable points={points} names={names} />
      </details>
    </section>
  );
}

/** A row an epoch. */
function ValueTable({ points, names }: { points: readonly TrainingMetrics[]; names: readonly string[] }) {
  const rows = epochRows(points, names);
  const hasTagging = rows.some(({ tagging }) => tagging !== null);
  return (
    <table class="values">
      <thead>
        <tr>
          <th scope="col">epoch</th>
          <th scope="col">steps</th>
          {names.map(name => (
            <th scope="col" key={name}>
              {LOSS_NAMES[name] ?? name}
            </th>
          ))}
          <th scope="col">learning rate</th>
          {hasTagging && <th scope="col">tagging, mean</th>}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ epoch, steps, losses, rate, tagging }) => (
          <tr key={epoch}>
            <th scope="row">{epoch}</th>
            <td class="number">{steps}</td>
            {losses.map((loss, i) => (
              <td class="number" key={names[i]}>
                {loss === null ? '–' : lossText(loss)}
              </td>
            ))}
            <td class="number">{lossText(rate)}</td>
            {hasTagging && <td class="number">{tagging === null ? '–' : tagging.toFixed(3)}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
