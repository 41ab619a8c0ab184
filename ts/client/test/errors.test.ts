import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CLIENT_ERROR_CODES, SERVER_ERROR_CODES } from '../src/error-codes.js';
import { errorFromException, parseCodedText, toPodherdError } from '../src/error-from.js';
import { PodherdError } from '../src/errors.js';

test.each([
  ['INVALID_ID: no slash', 'INVALID_ID', 'no slash'],
  ['remote exception: ID_IN_USE: web', 'ID_IN_USE', 'web'],
  ['RUNTIME_FAILED: runc: INTERNAL: of the runtime', 'RUNTIME_FAILED', 'runc: INTERNAL: of the runtime'],
  ['COMMAND_NOT_FOUND: two\nlines', 'COMMAND_NOT_FOUND', 'two\nlines'],
])('%j has a code and a message', (text, code, message) => {
  expect(parseCodedText(text)).toEqual({ code, message });
});

test.each([
  '',
  'INVALID_ID',
  'XINVALID_ID: x',
  'NEVER_HEARD_OF: x',
  'invalid_id: x',
  'TIMEOUT: only the client says this',
])('%j has none', (text) => expect(parseCodedText(text)).toBeNull());

test('an exception without a known code keeps its kind and text', () => {
  expect(errorFromException('failed', 'what?')).toMatchObject({ code: 'SERVER_ERROR', message: 'what?' });
  expect(errorFromException('overloaded', 'what?')).toMatchObject({ code: 'OVERLOADED' });
  expect(errorFromException('unimplemented', 'what?')).toMatchObject({ code: 'UNIMPLEMENTED' });
});

test('anything becomes a PodherdError, one stays what it is', () => {
  const own = new PodherdError('TIMEOUT', 'late');
  expect(toPodherdError(own)).toBe(own);
  const cause = new RangeError('far');
  expect(toPodherdError(cause, 'INTERNAL')).toMatchObject({ code: 'INTERNAL', message: 'far', cause });
  expect(toPodherdError('text')).toMatchObject({ code: 'SERVER_ERROR', message: 'text', cause: 'text' });
  expect(own.timedOut && !own.aborted && !own.disconnected).toBe(true);
});

test('every code is documented, and every documented code exists', () => {
  const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
  const documented = [...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1]);
  expect(documented.sort()).toEqual([...SERVER_ERROR_CODES, ...CLIENT_ERROR_CODES].sort());
});
