import { type ByteSinkHandlers, serveByteSink } from '../generated/podherd.js';
import type { LocalCapability } from '../capnp/index.js';
import type { Output } from './output.js';

/**
 * An output as an object that the server writes to. Each write is answered when the reader has room for more, and the
 * server has few of them open: so a slow reader holds up whoever writes.
 */
export function outputSink(output: Output): LocalCapability<ByteSinkHandlers> {
  return serveByteSink({
    // Writes begin in their order and push at once; only their answers wait.
    write: ({ data }) => output.give(data),
    end: () => output.finish(),
  });
}
