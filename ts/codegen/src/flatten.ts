import type { Pointer } from 'capnp-ts';

/**
 * Copy what a pointer leads to into one segment of its own that begins with a root pointer.
 * Undefined for a null pointer.
 *
 * Written over the raw words: capnp-ts's deep copy erases parts of what it has just copied when a
 * list of structs has both data and pointers.
 */
export function flatten(pointer: Pointer): Uint8Array | undefined {
  const segments = pointer.segment.message._capnp.segments.map(({ buffer }) => new DataView(buffer));
  const target = new Target();
  const root = target.allocate(1);
  const found = copy(segments, target, pointer.segment.id, pointer.byteOffset, root);
  return found ? target.bytes() : undefined;
}

class Target {
  readonly #words: bigint[] = [];

  /** Index of fresh, zeroed words. */
  allocate(count: number): number {
    const index = this.#words.length;
    for (let i = 0; i < count; i++) this.#words.push(0n);
    return index;
  }

  set(index: number, word: bigint): void {
    this.#words[index] = BigInt.asUintN(64, word);
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.#words.length * 8);
    const view = new DataView(bytes.buffer);
    this.#words.forEach((word, index) => {
      view.setBigUint64(index * 8, word, true);
    });
    return bytes;
  }
}

function copy(
  segments: readonly DataView[],
  target: Target,
  segment: number,
  offset: number,
  slot: number,
): boolean {
  const source = follow(segments, segment, offset);
  if (source === undefined) return false;
  const { view, low, high, content } = source;
  const word = (index: number): bigint => view.getBigUint64(content + index * 8, true);
  const point = (to: number): void => {
    target.set(slot, (BigInt(high) << 32n) | (BigInt(((to - slot - 1) << 2) | (low & 3)) & 0xffff_ffffn));
  };
  const copyStruct = (from: number, to: number, dataWords: number, pointerCount: number): void => {
    for (let i = 0; i < dataWords; i++) target.set(to + i, word(from + i));
    for (let i = dataWords; i < dataWords + pointerCount; i++) {
      copy(segments, target, source.segment, content + (from + i) * 8, to + i);
    }
  };

  if ((low & 3) === 0) {
    const dataWords = high & 0xffff;
    const pointerCount = high >>> 16;
    const to = target.allocate(dataWords + pointerCount);
    point(dataWords + pointerCount === 0 ? slot : to);
    copyStruct(0, to, dataWords, pointerCount);
    return true;
  }
  if ((low & 3) !== 1) throw new Error('a constant can hold no capability');

  const length = high >>> 3;
  const size = high & 7;
  if (size === 7) {
    const tag = word(0);
    const to = target.allocate(length + 1);
    point(to);
    target.set(to, tag);
    const dataWords = Number((tag >> 32n) & 0xffffn);
    const pointerCount = Number(tag >> 48n);
    const stride = dataWords + pointerCount;
    const count = Number((tag & 0xffff_ffffn) >> 2n);
    for (let i = 0; i < count; i++) copyStruct(1 + i * stride, to + 1 + i * stride, dataWords, pointerCount);
    return true;
  }
  const bits = [0, 1, 8, 16, 32, 64, 64][size] ?? 64;
  const words = Math.ceil((length * bits) / 64);
  const to = target.allocate(words);
  point(to);
  if (size === 6) copyStruct(0, to, 0, words);
  else copyStruct(0, to, words, 0);
  return true;
}

interface Source {
  readonly view: DataView;
  readonly segment: number;
  /** The words of the pointer that describes the content, without a far one's indirection. */
  readonly low: number;
  readonly high: number;
  readonly content: number;
}

function follow(segments: readonly DataView[], segment: number, offset: number): Source | undefined {
  const view = segmentAt(segments, segment);
  const low = view.getUint32(offset, true);
  const high = view.getUint32(offset + 4, true);
  if (low === 0 && high === 0) return undefined;
  if ((low & 3) !== 2) return { view, segment, low, high, content: offset + 8 + (low >> 2) * 8 };
  const pad = (low >>> 3) * 8;
  if ((low & 4) === 0) return follow(segments, high, pad);
  const padView = segmentAt(segments, high);
  const target = padView.getUint32(pad + 4, true);
  return {
    view: segmentAt(segments, target),
    segment: target,
    low: padView.getUint32(pad + 8, true),
    high: padView.getUint32(pad + 12, true),
    content: (padView.getUint32(pad, true) >>> 3) * 8,
  };
}

function segmentAt(segments: readonly DataView[], segment: number): DataView {
  const view = segments[segment];
  if (view === undefined) throw new Error(`the request has no segment ${segment}`);
  return view;
}
