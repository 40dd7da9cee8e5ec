/**
 * The canvas of the page: two canvases on each other, the picture with its layers below, what tools are about to do above; the controller draws and listens.
 */
import { useEffect, useRef } from 'preact/hooks';
import type { ReviewPage } from '../core';
import { photoAlt } from '../texts/queueTexts';
import { classNames } from '../../shared/texts/words';
import { CanvasController } from './controller';
import { SwipeHandle } from './swipeHandle';

export function Canvas({ page }: { page: ReviewPage }) {
  const stage = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!stage.current) return undefined;
    const controller = new CanvasController(stage.current, page);
    return () => controller.dispose();
  }, [page]);
  return (
    <>
      <div class="stage" ref={stage} tabIndex={0} role="application" aria-roledescription="mask on its photo" aria-label={altText(page)} data-focus="canvas">
        <canvas />
        <canvas />
      </div>
      <SwipeHandle page={page} />
    </>
  );
}

/** The photo in words: its name, its state, and the share of each class of its mask as far as it is known. */
function altText(page: ReviewPage): string {
  const { items, current, classes } = page.session.value;
  const item = items[current];
  return item ? photoAlt(item, page.photo.value?.view, classNames(classes)) : 'No photo';
}
