import { expect } from 'vitest';

import type { ErrorCode } from '../../ts/client/src/error-codes.js';
import { PodherdError } from '../../ts/client/src/errors.js';
import { serverKind } from './paths.js';
import { within } from './until.js';

/**
 * The error that a call ends with. Fails when the call succeeds, or takes so long that it must hang. The code is
 * compared for our server only: others have none.
 */
export async function failure(
  call: Promise<unknown>,
  code: ErrorCode | readonly ErrorCode[],
  message: RegExp = /./,
): Promise<PodherdError> {
  const error = await within(
    'the failing call',
    call.then(
      () => undefined,
      (thrown: unknown) => thrown,
    ),
  );
  if (!(error instanceof PodherdError)) throw new Error('the call succeeded', { cause: error });
  expect(error.message).toMatch(message);
  if (serverKind === 'podherd') expect([code].flat(), error.message).toContain(error.code);
  return error;
}
