/**
 * What stands around the canvas, by place: the page's layout (app.tsx) asks for these and nothing else of the panels.
 */
import type { Page } from '../page';

/** Toolbar, and bars that speak of conflicts and restrictions. */
export function TopSlot({ page }: { page: Page }) {
  return <div class="placeholder">{page.session.value.name}</div>;
}

/** The queue with its filters. */
export function LeftSlot({ page }: { page: Page }) {
  return <div class="placeholder">{page.session.value.items.length} photos</div>;
}

/** Layers, why, class page. */
export function RightSlot({ page }: { page: Page }) {
  return <div class="placeholder">{page.photo.value?.layers.length} layers</div>;
}

/** Filmstrip and status line. */
export function BottomSlot({ page }: { page: Page }) {
  return <div class="placeholder">{page.said.value}</div>;
}

/** Over the canvas: states in which there is no photo to show. Over all: help, tags. */
export function OverSlot({ page }: { page: Page }) {
  return page.problem.value === undefined ? null : <div class="placeholder">{page.problem.value}</div>;
}
