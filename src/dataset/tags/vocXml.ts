/**
 * The tags of one photo from its PASCAL VOC annotation: the names of its objects. Document types and entities are refused
 * before the parser sees the text; only the five entities of XML itself and character numbers are decoded.
 */
import { XMLParser } from 'fast-xml-parser';
import * as v from 'valibot';
import { SeedMaskError } from '../../shared/errors';

const objectSchema = v.looseObject({ name: v.string() });
const fileSchema = v.object({ annotation: v.union([v.looseObject({ object: v.optional(v.array(objectSchema)) }), v.literal('')]) });

const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  processEntities: false,
  maxNestedTags: 32,
  isArray: (name: string) => name === 'object',
});

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Object names in the file's order, doubles included; [] where it has no object. @throws SeedMaskError 'bad-tags'. */
export function readVocXml(text: string, source: string): string[] {
  if (/<!(doctype|entity)/i.test(text)) throw new SeedMaskError('bad-tags', 'XML with a document type or entities is refused', source);
  let xml: unknown;
  try {
    xml = parser.parse(text, true);
  } catch (error) {
    throw new SeedMaskError('bad-tags', `is not valid XML: ${error instanceof Error ? error.message : String(error)}`, source, { cause: error });
  }
  const parsed = v.safeParse(fileSchema, xml);
  if (!parsed.success) throw new SeedMaskError('bad-tags', 'is not a VOC annotation (<annotation> with <object><name>)', source);
  const { annotation } = parsed.output;
  return annotation === '' ? [] : (annotation.object ?? []).map(object => decode(object.name, source));
}

function decode(text: string, source: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi, (_, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined) {
      if (!Object.hasOwn(NAMED, name)) throw new SeedMaskError('bad-tags', `XML entity &${name}; is refused`, source);
      return NAMED[name];
    }
    const code = hex !== undefined ? parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
  });
}
