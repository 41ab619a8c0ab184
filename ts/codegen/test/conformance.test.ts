/** Our messages against those of Cap'n Proto's own tool, in both directions. */

import { describe, expect, test } from 'vitest';

import { decodeMessage, encodeMessage } from '../../client/src/capnp/index.js';
import { canonical, encodeText } from './capnp-tool.js';
import { samples } from './samples.js';

const FILE = 'everything.capnp';

describe.each(samples)('$type, $what', ({ type, codec, text, written, read }) => {
  test('is read from what the tool writes', () => {
    expect(decodeMessage(codec, encodeText(FILE, type, text))).toStrictEqual(read);
  });

  test.each([1, 2, 3, 5])('is read from segments of %i words', (words) => {
    expect(decodeMessage(codec, encodeText(FILE, type, text, words))).toStrictEqual(read);
  });

  test('is written as the tool writes it', () => {
    const ours = canonical(FILE, type, encodeMessage(codec, written));
    expect(ours).toEqual(canonical(FILE, type, encodeText(FILE, type, text)));
  });

  test('reads again as it was written', () => {
    expect(decodeMessage(codec, encodeMessage(codec, written))).toStrictEqual(read);
  });

  test('can be written as it was read', () => {
    // An enum or `which` that we don't know would be the exception, and there is none here.
    const again = encodeMessage(codec, read as never);
    expect(decodeMessage(codec, again)).toStrictEqual(read);
  });
});
