/**
 * One curve over the steps, drawn as SVG in the theme's colours: the values thin, their running mean bold, a line where each epoch begins. It is a slider over its
 * points: pointer and arrow keys read single values.
 */
import { useMemo, useState } from 'preact/hooks';
import { lossText } from '../../shared/runTexts';
import { axisOf, nearest, placeOn, smoothed, thinned, type Point } from './plotMaths';

const WIDTH = 360;
const HEIGHT = 170;
const LEFT = 44;
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 20;
const [INNER_WIDTH, INNER_HEIGHT] = [WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM];
/** Curves of more points get a running mean, over this share of them to either side. */
const NOISY = 24;
const REACH = 1 / 30;
/** Lines of epochs are at least this far apart, in units of the drawing. */
const EPOCH_GAP = 26;

export interface LossChartProps {
  title: string;
  /** By rising step. */
  points: readonly Point[];
  /** Of the whole stage. */
  steps: number;
  epochs: readonly { step: number; epoch: number }[];
  isLog: boolean;
  /** Values without noise: no running mean. */
  isExact?: boolean;
}

export function LossChart({ title, points, steps, epochs, isLog, isExact = false }: LossChartProps) {
  const [at, setAt] = useState<number | null>(null);
  const axis = useMemo(() => axisOf(points.map(({ y }) => y), isLog), [points, isLog]);
  const hasMean = !isExact && points.length > NOISY;
  const mean = useMemo(() => (hasMean ? smoothed(points, Math.max(1, points.length * REACH)) : []), [points, hasMean]);
  if (points.length === 0) return null;
  const last = points.length - 1;
  const x = (step: number): number => LEFT + (Math.min(step, steps) / Math.max(1, steps)) * INNER_WIDTH;
  const y = (value: number): number => TOP + (1 - placeOn(axis, value)) * INNER_HEIGHT;
  const path = (curve: readonly Point[]): string => thinned(curve, INNER_WIDTH).map(point => `${x(point.x).toFixed(1)},${y(point.y).toFixed(1)}`).join(' ');
  const read = Math.min(at ?? last, last);
  const { x: step, y: value } = points[read];
  const words = `step ${step}${epochAt(epochs, step)}: ${lossText(value)}`;
  const pressed = (event: KeyboardEvent): void => {
    const next = { ArrowRight: read + 1, ArrowLeft: read - 1, PageUp: read + Math.ceil(last / 10), PageDown: read - Math.ceil(last / 10), Home: 0, End: last }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    setAt(Math.max(0, Math.min(last, next)));
  };
  const moved = (event: PointerEvent & { currentTarget: SVGSVGElement }): void => {
    const box = event.currentTarget.getBoundingClientRect();
    const place = ((event.clientX - box.left) / box.width) * WIDTH;
    setAt(nearest(points, ((place - LEFT) / INNER_WIDTH) * steps));
  };
  return (
    <figure class="chart">
      <figcaption class="row">
        <span class="grow">{title}</span>
        <span class="number">{at === null ? lossText(value) : words}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="slider"
        tabIndex={0}
        aria-label={`${title}, ${points.length} points`}
        aria-valuemin={0}
        aria-valuemax={last}
        aria-valuenow={read}
        aria-valuetext={words}
        onKeyDown={pressed}
        onPointerMove={moved}
        onPointerLeave={() => setAt(null)}
        onBlur={() => setAt(null)}
      >
        {axis.ticks.map(tick => (
          <g key={tick}>
            <line class="grid" x1={LEFT} x2={WIDTH - RIGHT} y1={y(tick)} y2={y(tick)} />
            <text x={LEFT - 4} y={y(tick)} dy="0.35em" text-anchor="end">
              {lossText(tick)}
            </text>
          </g>
        ))}
        {apart(epochs, x).map(({ step: begin, epoch }) => (
          <g key={epoch}>
            <line class="epoch" x1={x(begin)} x2={x(begin)} y1={TOP} y2={HEIGHT - BOTTOM} />
            <text x={x(begin) + 2} y={HEIGHT - 6}>
              {epoch}
            </text>
          </g>
        ))}
        <text class="unit" x={WIDTH - RIGHT} y={HEIGHT - 6} text-anchor="end">
          epoch
        </text>
        {points.length === 1 ? <circle class="curve" cx={x(step)} cy={y(value)} r="2.5" /> : <polyline class={hasMean ? 'values' : 'curve'} points={path(points)} />}
        {hasMean && <polyline class="curve" points={path(mean)} />}
        {at !== null && (
          <g>
            <line class="cursor" x1={x(step)} x2={x(step)} y1={TOP} y2={HEIGHT - BOTTOM} />
            <circle class="cursor" cx={x(step)} cy={y(value)} r="3.5" />
          </g>
        )}
      </svg>
    </figure>
  );
}

/** ', epoch 3' */
function epochAt(epochs: LossChartProps['epochs'], step: number): string {
  const found = epochs.filter(({ step: begin }) => begin < step).at(-1);
  return found ? `, epoch ${found.epoch}` : '';
}

/** Epochs whose lines leave room for their numbers, and for the word at the right. */
function apart(epochs: LossChartProps['epochs'], x: (step: number) => number): LossChartProps['epochs'] {
  let last = -Infinity;
  return epochs.filter(({ step }) => {
    const place = x(step);
    if (place - last < EPOCH_GAP || place > WIDTH - RIGHT - 2 * EPOCH_GAP) return false;
    last = place;
    return true;
  });
}
