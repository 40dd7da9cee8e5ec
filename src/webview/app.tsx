/**
 * The layout of the page: toolbar on top, queue to the left, canvas in the middle, layers and explanations to the right, filmstrip and status line below.
 */
import { Canvas } from './canvas/canvas';
import type { ReviewPage } from './core';
import { BottomSlot, LeftSlot, OverSlot, RightSlot, TopSlot } from './panels/slots';

export function App({ page }: { page: ReviewPage }) {
  return (
    <>
      <header class="slot top">
        <TopSlot page={page} />
      </header>
      <aside class="slot left">
        <LeftSlot page={page} />
      </aside>
      <main class="slot centre">
        <Canvas page={page} />
      </main>
      <aside class="slot right">
        <RightSlot page={page} />
      </aside>
      <footer class="slot bottom">
        <BottomSlot page={page} />
      </footer>
      <OverSlot page={page} />
    </>
  );
}
