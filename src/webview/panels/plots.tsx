/**
 * The two plots: the histogram of similarity with its cut, and a class's distances with theirs. Drawn as SVG in the theme's colours; each has a text that says the same.
 */
import type { ClassEvidence } from '../../shared/evidence';

const WIDTH = 260;
const HEIGHT = 90;
const LEFT = 4;
const BASE = HEIGHT - 16;

/** Bars of 16 bins over 0..1; those below the cut are the ones that go. `other`: another cut that is being tried. */
export function Histogram({ bins, cut, other, alt }: { bins: readonly number[]; cut: number; other: number; alt: string }) {
  const most = Math.max(1, ...bins);
  const step = (WIDTH - 2 * LEFT) / bins.length;
  const x = (value: number): number => LEFT + value * (WIDTH - 2 * LEFT);
  return (
    <svg class="plot" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={alt}>
      {bins.map((count, i) => {
        const height = (count / most) * (BASE - 12);
        const goes = (i + 1) / bins.length <= other;
        return <rect key={i} class={goes ? 'goes' : 'stays'} x={LEFT + i * step + 0.5} y={BASE - height} width={step - 1} height={height} />;
      })}
      <line class="axis" x1={LEFT} x2={WIDTH - LEFT} y1={BASE} y2={BASE} />
      <line class="cut" x1={x(cut)} x2={x(cut)} y1={10} y2={BASE} />
      <text x={x(cut)} y={8} text-anchor="middle">
        cut {cut.toFixed(2)}
      </text>
      {other !== cut && <line class="other" x1={x(other)} x2={x(other)} y1={10} y2={BASE} />}
      <text x={LEFT} y={HEIGHT - 4}>
        0 unlike
      </text>
      <text x={WIDTH - LEFT} y={HEIGHT - 4} text-anchor="end">
        like 1
      </text>
    </svg>
  );
}

/** At most this many points are drawn. */
const MOST_POINTS = 400;

/** Falling distances; the first `selected` made the prototype. `own`: places of the open photo's clusters. */
export function DistanceCurve({ evidence, own, alt }: { evidence: ClassEvidence; own: readonly number[]; alt: string }) {
  const { distances, selected, cut } = evidence;
  const count = distances.length;
  if (count === 0) return null;
  const [low, high] = [Math.min(distances[count - 1], cut), Math.max(distances[0], cut)];
  const pad = Math.max(0.005, (high - low) * 0.08);
  const x = (at: number): number => LEFT + (count === 1 ? 0.5 : at / (count - 1)) * (WIDTH - 2 * LEFT);
  const y = (value: number): number => 8 + ((high + pad - value) / (high - low + 2 * pad)) * (BASE - 8);
  const every = Math.max(1, Math.ceil(count / MOST_POINTS));
  const points = distances.flatMap((value, at) => (at % every === 0 || at === count - 1 ? [`${x(at).toFixed(1)},${y(value).toFixed(1)}`] : []));
  const edge = selected >= count ? WIDTH - LEFT : selected === 0 ? LEFT : (x(selected - 1) + x(selected)) / 2;
  return (
    <svg class="plot" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={alt}>
      <rect class="chosen" x={LEFT} y={8} width={Math.max(0, edge - LEFT)} height={BASE - 8} />
      <line class="axis" x1={LEFT} x2={WIDTH - LEFT} y1={BASE} y2={BASE} />
      <line class="cut" x1={LEFT} x2={WIDTH - LEFT} y1={y(cut)} y2={y(cut)} />
      <text x={WIDTH - LEFT} y={Math.max(8, y(cut) - 3)} text-anchor="end">
        cut {cut.toFixed(3)}
      </text>
      <polyline class="curve" points={points.join(' ')} />
      {own.map(at => (
        <rect key={at} class={`own ${at < selected ? 'above' : 'below'}`} x={x(at) - 3} y={y(distances[at]) - 3} width="6" height="6" transform={`rotate(45 ${x(at)} ${y(distances[at])})`} />
      ))}
      <text x={LEFT} y={HEIGHT - 4}>
        far from backgrounds
      </text>
      <text x={WIDTH - LEFT} y={HEIGHT - 4} text-anchor="end">
        near
      </text>
    </svg>
  );
}
