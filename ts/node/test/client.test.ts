import { expectTypeOf, test } from 'vitest';
import type { PacketModule } from '../../client/src/packets/addon.js';
import * as packets from '../src/index.js';

test('it is what the client, which does not import its types, expects of it', () => {
  expectTypeOf(packets).toExtend<PacketModule>();
});
