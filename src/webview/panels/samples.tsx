/**
 * Photos named by evidence: as links into this review, and as rows of thumbnails with one cluster outlined.
 */
import type { ComponentChildren } from 'preact';
import type { ClusterRef } from '../../shared/evidence';
import type { Page } from '../page';
import { distance } from '../../shared/texts/words';
import { placesOf, Thumbnail } from './thumbnails';

/** Opens the photo in this review; plain where it is not in the queue. */
export function PhotoLink({ page, photo, children }: { page: Page; photo: string; children: ComponentChildren }) {
  const index = placesOf(page).get(photo);
  if (index === undefined) return <span data-tip={photo}>{children}</span>;
  return (
    <button type="button" class="link" data-tip={`Open ${photo}`} onClick={() => page.goTo(index)}>
      {children}
    </button>
  );
}

/** Clusters of a class (0: of backgrounds) with their distances. */
export function Samples({ page, clusters, classId }: { page: Page; clusters: readonly ClusterRef[]; classId: number }) {
  if (clusters.length === 0) return <p class="faint">None.</p>;
  return (
    <ul class="samples">
      {clusters.map(({ photo, cluster, distance: away }) => (
        <li key={`${photo} ${cluster}`}>
          <PhotoLink page={page} photo={photo}>
            <Thumbnail page={page} photo={photo} cluster={{ classId, cluster }} longSide={96} alt={`Cluster ${cluster + 1} of ${photo}, outlined; distance ${distance(away)}`} />
          </PhotoLink>
          <span class="faint number">{distance(away)}</span>
        </li>
      ))}
    </ul>
  );
}
