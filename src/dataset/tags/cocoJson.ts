/**
 * COCO instances: the tags of an image are the categories of its annotations; an image without annotations is "nothing in
 * it". Shapes are not looked at. Category ids may have gaps; our ids come from the class table, not from COCO.
 */
import * as v from 'valibot';
import { TagList } from './tagList';

const id = v.union([v.number(), v.string()]);
const cocoSchema = v.object({
  images: v.array(v.object({ id, file_name: v.string() })),
  annotations: v.pipe(v.array(v.object({ image_id: id, category_id: id })), v.minLength(1)),
  categories: v.array(v.object({ id, name: v.string() })),
});

/** Nothing if `json` (parsed) is not COCO with annotations that have categories (captions, lists of test images). */
export function readCocoJson(json: unknown, source: string, folder: string): TagList | undefined {
  const parsed = v.safeParse(cocoSchema, json);
  if (!parsed.success) return undefined;
  const { images, annotations, categories } = parsed.output;
  const list = new TagList(source, folder);
  const names = new Map(categories.map(category => [String(category.id), category.name]));
  const files = new Map<string, string>();
  for (const image of images) {
    if (files.has(String(image.id))) list.note(`image id ${String(image.id)} stands twice; the first counts`);
    else files.set(String(image.id), image.file_name);
  }
  for (const file of files.values()) list.add(file, []);
  for (const { image_id, category_id } of annotations) {
    const file = files.get(String(image_id));
    const name = names.get(String(category_id));
    if (file === undefined) list.note(`an annotation belongs to image ${String(image_id)}, which is not listed`);
    else if (name === undefined) list.note(`an annotation has category ${String(category_id)}, which is not listed`);
    else list.add(file, [name]);
  }
  return list;
}
