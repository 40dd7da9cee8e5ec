/**
 * tags.csv and tags.tsv: a row per photo (or per photo and tag), the file first unless a header says otherwise. Columns
 * part by comma, semicolon or tab, whichever the first row uses first; several tags stand in several columns or in one,
 * parted by `;`, `,` or `|`. With a header of class names and cells of 0 and 1, the ones are the tags. A row without tags
 * says "nothing in it".
 */
import { CsvError, parse } from 'csv-parse/sync';
import { SeedMaskError } from '../../shared/errors';
import { TagList } from './tagList';

const FILE_HEADER = /^(file|file[ _]?name|files|image|image[ _]?(name|id|path|file)|img|photo|path|filepath|name|id)$/i;
const TAGS_HEADER = /^(tags?|labels?|class(es)?|class[ _]?names?|categor(y|ies)|name)$/i;

interface Row {
  line: number;
  cells: string[];
}

/** @throws SeedMaskError 'bad-tags' with the line (a quote that never closes). */
export function readTagsCsv(text: string, source: string, folder: string): TagList {
  const list = new TagList(source, folder);
  const rows = parseRows(text, source);
  const columns = readHeader(rows);
  let again = 0;
  for (const { line, cells } of rows) {
    const file = cells[columns.file] ?? '';
    if (file === '') {
      list.note(`line ${line}: names no file`);
      continue;
    }
    if (list.tags.has(file)) again++;
    list.add(file, columns.tagsOf(cells));
  }
  if (again > 0) list.note(`${again} rows name a file again; the tags of its rows are put together`);
  return list;
}

function parseRows(text: string, source: string): Row[] {
  const declared = /^sep=(.)\r?\n/.exec(text);
  const body = declared ? text.slice(declared[0].length) : text;
  try {
    const records: unknown[] = parse(body, {
      delimiter: declared?.[1] ?? findDelimiter(body),
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
      info: true,
      max_record_size: 1_000_000,
    });
    return (records as { record: string[]; info: { lines: number } }[]).map(({ record, info }) => ({ line: info.lines + (declared ? 1 : 0), cells: record }));
  } catch (error) {
    if (error instanceof CsvError) throw new SeedMaskError('bad-tags', `is not valid CSV: ${error.message}`, source, { cause: error });
    throw error;
  }
}

/** The first of tab, semicolon, comma that stands outside quotes. */
function findDelimiter(text: string): string {
  let quoted = false;
  for (const c of text.slice(0, 100_000)) {
    if (c === '"') quoted = !quoted;
    else if (!quoted && (c === '\t' || c === ';' || c === ',')) return c;
  }
  return ',';
}

interface Columns {
  file: number;
  tagsOf: (cells: string[]) => string[];
}

/** What the columns mean; takes the header off `rows` if there is one. */
function readHeader(rows: Row[]): Columns {
  const split = (cells: string[]): string[] => cells.flatMap(cell => cell.split(/[;,|]/)).map(tag => tag.trim()).filter(tag => tag !== '');
  const header = rows[0]?.cells ?? [];
  const file = header.findIndex(cell => FILE_HEADER.test(cell));
  const isHeader = file >= 0 && !header.some(cell => /\.(jpe?g|png|webp|tiff?|gif|avif|bmp)$/i.test(cell));
  if (!isHeader) return { file: 0, tagsOf: cells => split(cells.slice(1)) };
  rows.shift();
  const named = header.flatMap((cell, i) => (i !== file && TAGS_HEADER.test(cell) ? [i] : []));
  if (named.length > 0) return { file, tagsOf: cells => split(named.map(i => cells[i] ?? '')) };
  const others = header.map((_, i) => i).filter(i => i !== file);
  const flags = others.length > 0 && rows.length > 0 && rows.every(({ cells }) => others.every(i => /^[01]?$/.test(cells[i] ?? '')));
  return flags
    ? { file, tagsOf: cells => others.filter(i => cells[i] === '1').map(i => header[i]) }
    : { file, tagsOf: cells => split(others.map(i => cells[i] ?? '')) };
}
