/**
 * The photos of the queue as a list box with one tab stop, upright (the queue) or lying (the filmstrip). Only what is in sight is drawn, so 100,000 photos are as
 * light as 100. Arrow keys move, Enter opens, Shift extends what is picked, Ctrl+Space adds to it, Ctrl+A picks all.
 */
import { useSignalEffect } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { rangeBetween } from '../../shared/queueOrder';
import type { QueueItem } from '../../shared/review';
import type { Page } from '../page';
import { itemText } from '../texts/queueTexts';
import { classNames } from '../../shared/texts/words';

export interface PhotoListProps {
  page: Page;
  /** Indices into the queue, in the order shown. */
  shown: readonly number[];
  axis: 'x' | 'y';
  label: string;
  /** CSS pixels of one entry along the axis. */
  size: number;
  /** Gets the focus of the command 'focusQueue'. */
  focus?: 'queue';
  entry(item: QueueItem, index: number): ComponentChildren;
}

/** Entries drawn before and after those in sight. */
const BEYOND = 4;

export function PhotoList({ page, shown, axis, label, size, focus, entry }: PhotoListProps) {
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const anchor = useRef<number | null>(null);
  const [window, setWindow] = useState({ from: 0, to: 0 });
  const { items, current, classes, dirty } = page.session.value;
  const picked = page.panels.picked.value;
  // By its index in the queue, so that it stays where it is when the order changes.
  const [activePhoto, setActivePhoto] = useState(current);
  const active = shown.indexOf(activePhoto);
  const names = classNames(classes);
  const lying = axis === 'x';

  const measure = (): void => {
    const element = box.current;
    if (!element) return;
    const [at, length] = lying ? [element.scrollLeft, element.clientWidth] : [element.scrollTop, element.clientHeight];
    const from = Math.max(0, Math.floor(at / size) - BEYOND);
    const to = Math.min(shown.length, Math.ceil((at + length) / size) + BEYOND);
    setWindow(before => (before.from === from && before.to === to ? before : { from, to }));
  };
  useLayoutEffect(measure, [shown, size]);
  useEffect(() => {
    const observer = new ResizeObserver(measure);
    if (box.current) observer.observe(box.current);
    return () => observer.disconnect();
  }, [shown]);

  const reveal = (at: number): void => {
    const element = box.current;
    if (!element || at < 0) return;
    const [start, length] = lying ? [element.scrollLeft, element.clientWidth] : [element.scrollTop, element.clientHeight];
    if (at * size >= start && (at + 1) * size <= start + length) return;
    const to = lying ? at * size - (length - size) / 2 : at * size < start ? at * size : (at + 1) * size - length;
    element.scrollTo({ [lying ? 'left' : 'top']: to, behavior: 'instant' });
  };
  // The focus follows where one is.
  useEffect(() => {
    setActivePhoto(current);
    reveal(shown.indexOf(current));
  }, [current, shown.length]);
  useSignalEffect(() => {
    // What is not in the queue any more is not picked.
    const count = page.session.value.items.length;
    const chosen = page.panels.picked.peek();
    if ([...chosen].some(index => index >= count)) page.panels.picked.value = new Set([...chosen].filter(index => index < count));
  });

  const pick = (indices: Iterable<number>): void => void (page.panels.picked.value = new Set(indices));
  const toggle = (index: number): void => {
    const now = new Set(picked);
    if (!now.delete(index)) now.add(index);
    anchor.current = index;
    pick(now);
  };
  const clicked = (event: MouseEvent, index: number): void => {
    if (event.shiftKey) return pick(rangeBetween(shown, anchor.current ?? current, index));
    if (event.ctrlKey || event.metaKey) return toggle(index);
    anchor.current = index;
    pick([]);
    page.goTo(index);
  };
  const move = (to: number, extend: boolean): void => {
    const at = Math.max(0, Math.min(shown.length - 1, to));
    if (extend) {
      anchor.current ??= shown[Math.max(0, active)];
      pick(rangeBetween(shown, anchor.current, shown[at]));
    } else anchor.current = shown[at];
    setActivePhoto(shown[at]);
    reveal(at);
  };
  const pressed = (event: KeyboardEvent): void => {
    const ctrl = event.ctrlKey || event.metaKey;
    if (shown.length === 0 || event.altKey) return;
    const page_ = Math.max(1, Math.floor((lying ? (box.current?.clientWidth ?? 0) : (box.current?.clientHeight ?? 0)) / size) - 1);
    const steps: Record<string, number> = {
      [lying ? 'ArrowLeft' : 'ArrowUp']: active - 1,
      [lying ? 'ArrowRight' : 'ArrowDown']: active + 1,
      PageUp: active - page_,
      PageDown: active + page_,
      Home: 0,
      End: shown.length - 1,
    };
    if (event.key in steps && !ctrl) move(steps[event.key], event.shiftKey);
    else if (event.key === 'Enter' && !ctrl && !event.shiftKey) page.goTo(shown[active] ?? current);
    else if (event.key === ' ') toggle(shown[active] ?? current);
    else if (ctrl && event.key.toLowerCase() === 'a') pick(shown);
    else if (event.key === 'Escape' && picked.size > 0) pick([]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const rows = [];
  for (let at = window.from; at < Math.min(window.to, shown.length); at++) {
    const index = shown[at];
    const item = items[index];
    if (!item) continue;
    rows.push(
      <div
        key={item.photo}
        id={`${id}-${at}`}
        class={`entry${at === active ? ' active' : ''}`}
        role="option"
        aria-selected={picked.has(index)}
        aria-current={index === current ? 'true' : undefined}
        aria-posinset={at + 1}
        aria-setsize={shown.length}
        aria-label={itemText(item, names, dirty.includes(index))}
        data-tip={item.problem ?? item.photo}
        style={{ [lying ? 'left' : 'top']: `${at * size}px`, [lying ? 'width' : 'height']: `${size}px` }}
        onClick={event => clicked(event, index)}
      >
        {entry(item, index)}
      </div>,
    );
  }
  return (
    <div
      ref={box}
      class={`photo-list ${axis}`}
      role="listbox"
      tabIndex={0}
      data-focus={focus}
      aria-label={label}
      aria-multiselectable="true"
      aria-orientation={lying ? 'horizontal' : 'vertical'}
      aria-activedescendant={active >= window.from && active < window.to ? `${id}-${active}` : undefined}
      onScroll={measure}
      onKeyDown={pressed}
    >
      <div class="all" role="presentation" style={{ [lying ? 'width' : 'height']: `${shown.length * size}px` }}>
        {rows}
      </div>
    </div>
  );
}
