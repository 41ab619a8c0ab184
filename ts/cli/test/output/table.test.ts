import { expect, test } from 'vitest';
import { coloured } from '../../src/output/colour.js';
import { type Column, tableLines } from '../../src/output/table.js';
import { cut, printable, widthOf } from '../../src/output/text.js';

interface Row {
  id: string;
  size: number;
}

const columns: Column<Row>[] = [
  { title: 'ID', value: ({ id }) => id, cuttable: true },
  { title: 'SIZE', value: ({ size }) => String(size), align: 'right' },
];

test('columns are as wide as what is in them, and nothing is cut where there is no terminal', () => {
  const rows = [
    { id: 'a', size: 1 },
    { id: 'x'.repeat(300), size: 12_345 },
  ];
  expect(tableLines(columns, rows, null)).toEqual([
    `ID${' '.repeat(298)}   SIZE`,
    `a${' '.repeat(299)}      1`,
    `${'x'.repeat(300)}  12345`,
  ]);
});

test('a terminal cuts what may be cut', () => {
  const lines = tableLines(columns, [{ id: 'x'.repeat(300), size: 1 }], 40);
  expect(lines.map(widthOf)).toEqual([40, 40]);
  expect(lines[1]).toBe(`${'x'.repeat(33)}…     1`);
});

test('one that is too narrow for anything gets the columns that can not be cut', () => {
  expect(tableLines(columns, [{ id: 'x'.repeat(30), size: 1 }], 3)[1]).toBe(`${'x'.repeat(7)}…     1`);
});

test('wide characters count twice, colours do not count', () => {
  const painted: Column<Row>[] = [{ ...columns[0]!, paint: (cell) => coloured('red', cell) }, columns[1]!];
  const lines = tableLines(
    painted,
    [
      { id: '箱', size: 1 },
      { id: 'ab', size: 2 },
    ],
    null,
  );
  expect(lines).toEqual(['ID  SIZE', '\x1b[31m箱\x1b[39m     1', '\x1b[31mab\x1b[39m     2']);
  expect(widthOf('箱')).toBe(2);
  expect(cut('箱箱箱', 4)).toBe('箱…');
});

test('a terminal is not given what it would obey', () => {
  expect(printable('a\x1b[2Jb\r\n\u202e')).toBe('a\\x1b[2Jb\\x0d\\x0a\\u202e');
});
