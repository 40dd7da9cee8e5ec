/**
 * The panel at the right: layers, why, classes, behind three tabs.
 */
import type { Page, Panels } from '../page';
import { ClassPage } from './classPage';
import { LayersPanel } from './layers';
import { Roving } from './roving';
import { WhyPanel } from './why';

type Side = Panels['side']['value'];

const TABS: readonly { side: Side; text: string }[] = [
  { side: 'layers', text: 'Layers' },
  { side: 'why', text: 'Why' },
  { side: 'class', text: 'Classes' },
];

export function Side({ page }: { page: Page }) {
  const { side } = page.panels;
  return (
    <>
      <Roving role="tablist" label="Panels" class="tabs" chooses>
        {TABS.map(tab => (
          <button type="button" role="tab" key={tab.side} id={`tab-${tab.side}`} aria-selected={tab.side === side.value} aria-controls="side-panel" onClick={() => (side.value = tab.side)}>
            {tab.text}
          </button>
        ))}
      </Roving>
      <div id="side-panel" class="side-panel" role="tabpanel" aria-labelledby={`tab-${side.value}`}>
        {side.value === 'layers' ? <LayersPanel page={page} /> : side.value === 'why' ? <WhyPanel page={page} /> : <ClassPage page={page} />}
      </div>
    </>
  );
}
