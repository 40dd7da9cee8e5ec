/**
 * How well each class is told from the photos: its average precision as a bar, with a mark where it was at first.
 */
import { lastTagging, type StageCurve } from '../../shared/trainingHistory';

const WIDTH = 200;
const HEIGHT = 10;

export function Tagging({ curve }: { curve: StageCurve }) {
  const now = lastTagging(curve);
  if (!now) return null;
  const first = curve.points.find(({ tagging }) => tagging)?.tagging ?? now;
  const classes = Object.entries(now).sort(([a], [b]) => a.localeCompare(b));
  return (
    <section aria-label="Tagging">
      <h2>Tagging</h2>
      <p class="faint">Average precision of each class over the photos that are learnt from; the mark is where it was at first.</p>
      <table class="tagging">
        <thead class="unseen">
          <tr>
            <th scope="col">class</th>
            <th scope="col">bar</th>
            <th scope="col">average precision</th>
          </tr>
        </thead>
        <tbody>
          {classes.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>
                <Bar value={value} first={first[name] ?? value} />
              </td>
              <td class="number">{value.toFixed(2)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Bar({ value, first }: { value: number; first: number }) {
  const place = (share: number): number => Math.min(1, Math.max(0, share)) * WIDTH;
  return (
    <svg class="bar" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <rect class="room" x="0.5" y="0.5" width={WIDTH - 1} height={HEIGHT - 1} />
      <rect class="value" width={place(value)} height={HEIGHT} />
      <line class="first" x1={place(first)} x2={place(first)} y1="0" y2={HEIGHT} />
    </svg>
  );
}
