/**
 * Tooltips of everything that has `data-tip`: on the pointer after a moment, on keyboard focus at once; Escape takes them away. One element for the whole page.
 */
import { useEffect, useRef, useState } from 'preact/hooks';

/** ms */
const DELAY = 400;

interface Shown {
  text: string;
  x: number;
  y: number;
  above: boolean;
}

export function Tooltip() {
  const [shown, show] = useState<Shown | null>(null);
  const timer = useRef<number>(0);
  useEffect(() => {
    const hide = (): void => {
      clearTimeout(timer.current);
      show(null);
    };
    const showOf = (element: Element): void => {
      const text = element.getAttribute('data-tip');
      const box = element.getBoundingClientRect();
      if (!text) return;
      const above = box.bottom + 60 > innerHeight;
      show({ text, x: Math.max(4, Math.min(box.left, innerWidth - 320)), y: above ? innerHeight - box.top + 4 : box.bottom + 4, above });
    };
    const owner = (event: Event): Element | null => (event.target instanceof Element ? event.target.closest('[data-tip]') : null);
    const over = (event: Event): void => {
      hide();
      const element = owner(event);
      if (element) timer.current = window.setTimeout(() => showOf(element), DELAY);
    };
    const focused = (event: Event): void => {
      const element = owner(event);
      if (element?.matches(':focus-visible')) showOf(element);
    };
    const pressed = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') hide();
    };
    const listeners: [string, (event: never) => void][] = [
      ['pointerover', over],
      ['pointerdown', hide],
      ['focusin', focused],
      ['focusout', hide],
      ['keydown', pressed],
    ];
    for (const [type, listener] of listeners) document.addEventListener(type, listener as EventListener, true);
    return () => {
      hide();
      for (const [type, listener] of listeners) document.removeEventListener(type, listener as EventListener, true);
    };
  }, []);
  if (!shown) return null;
  return (
    <div class="tooltip" role="tooltip" style={{ left: `${shown.x}px`, [shown.above ? 'bottom' : 'top']: `${shown.y}px` }}>
      {shown.text}
    </div>
  );
}
