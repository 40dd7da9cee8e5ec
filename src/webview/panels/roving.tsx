/**
 * A group with a single tab stop (toolbar, tabs): arrow keys, Home and End move the focus inside it. Which child has the stop: the focused one, else the chosen one
 * (pressed, selected or checked), else the first.
 */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

export interface RovingProps {
  role: 'toolbar' | 'tablist' | 'radiogroup';
  label: string;
  class: string;
  children: ComponentChildren;
  /** Moving the focus also clicks: for tabs. */
  chooses?: boolean;
}

const CHOSEN = '[aria-pressed="true"], [aria-selected="true"], [aria-checked="true"]';

export function Roving({ role, label, class: name, children, chooses = false }: RovingProps) {
  const group = useRef<HTMLDivElement>(null);
  const stops = (): HTMLElement[] => [...(group.current?.querySelectorAll<HTMLElement>('button, [data-stop]') ?? [])];
  const settle = (): void => {
    const all = stops();
    const stop = all.find(one => one === document.activeElement) ?? all.find(one => one.matches(CHOSEN)) ?? all[0];
    for (const one of all) one.tabIndex = one === stop ? 0 : -1;
  };
  useLayoutEffect(settle);
  const pressed = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const all = stops();
    const at = all.findIndex(one => one === event.target);
    const next = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const stop = all[(next + all.length) % all.length];
    stop.focus();
    if (chooses) stop.click();
  };
  return (
    <div ref={group} {...{ role }} aria-label={label} class={name} onKeyDown={pressed} onFocusIn={settle}>
      {children}
    </div>
  );
}
