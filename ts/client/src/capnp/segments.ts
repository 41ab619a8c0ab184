import { MalformedMessageError } from './errors.js';

/** Nesting past this is refused: no schema of ours comes near it, and a message could loop. */
export const MAX_DEPTH = 64;

/**
 * Words (of 8 bytes) that one message may make its reader visit. Each list element counts at least
 * one, even where it takes no space, so that a few bytes can't claim a billion elements.
 */
export const TRAVERSAL_LIMIT_WORDS = 16 * 1024 * 1024;

/** Resolves capability indices of one message. */
export type CapabilityTable = (index: number) => unknown;

/** Where a struct's two sections lie. Immutable; reading never changes a message. */
export interface StructLocation {
  readonly kind: 'struct';
  readonly view: DataView;
  readonly segment: number;
  readonly dataOffset: number;
  readonly dataBytes: number;
  readonly pointerOffset: number;
  readonly pointerCount: number;
}

/** Where a list lies. Elements of every encoding are described alike: a data part, then pointers. */
export interface ListLocation {
  readonly kind: 'list';
  readonly view: DataView;
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
  /** Bits from one element to the next. */
  readonly strideBits: number;
  readonly elementDataBits: number;
  readonly elementPointers: number;
}

export interface CapabilityLocation {
  readonly kind: 'capability';
  readonly index: number;
}

export type Location = StructLocation | ListLocation | CapabilityLocation;

const ELEMENT_BITS = [0, 1, 8, 16, 32, 64] as const;

/** The segments of a received message. Follows pointers, and checks each against its segment. */
export class Segments {
  readonly #views: readonly DataView[];
  readonly capabilities: CapabilityTable;
  #wordsLeft = TRAVERSAL_LIMIT_WORDS;

  constructor(views: readonly DataView[], capabilities: CapabilityTable) {
    this.#views = views;
    this.capabilities = capabilities;
  }

  view(segment: number): DataView {
    const view = this.#views[segment];
    if (view === undefined) throw new MalformedMessageError(`no segment ${segment}`);
    return view;
  }

  /** Follow the pointer at a byte offset. Undefined: it is null. */
  resolve(segment: number, offset: number): Location | undefined {
    const view = this.view(segment);
    check(view, offset, 8);
    const low = view.getUint32(offset, true);
    const high = view.getUint32(offset + 4, true);
    if (low === 0 && high === 0) return undefined;
    if ((low & 3) !== 2) return this.#locate(segment, low, high, offset + 8 + (low >> 2) * 8);

    const pad = (low >>> 3) * 8;
    const padView = this.view(high);
    check(padView, pad, (low & 4) === 0 ? 8 : 16);
    const padLow = padView.getUint32(pad, true);
    const padHigh = padView.getUint32(pad + 4, true);
    if ((low & 4) === 0) {
      if ((padLow & 3) === 2) throw new MalformedMessageError('a far pointer leads to a far pointer');
      return this.#locate(high, padLow, padHigh, pad + 8 + (padLow >> 2) * 8);
    }
    // Double far: the pad holds a far pointer to the content, then a tag that describes it.
    if ((padLow & 7) !== 2) throw new MalformedMessageError('a double-far pad without a far pointer');
    const tagLow = padView.getUint32(pad + 8, true);
    const tagHigh = padView.getUint32(pad + 12, true);
    if ((tagLow & 3) === 2) throw new MalformedMessageError('a double-far tag is a far pointer');
    return this.#locate(padHigh, tagLow, tagHigh, (padLow >>> 3) * 8);
  }

  #locate(segment: number, low: number, high: number, target: number): Location {
    switch (low & 3) {
      case 0:
        return this.#structAt(segment, target, high & 0xffff, high >>> 16);
      case 1:
        return (high & 7) === 7
          ? this.#compositeAt(segment, target, high >>> 3)
          : this.#plainListAt(segment, target, high & 7, high >>> 3);
      default:
        if (low !== 3) throw new MalformedMessageError(`pointer of an unknown kind (0x${low.toString(16)})`);
        return { kind: 'capability', index: high };
    }
  }

  #structAt(segment: number, offset: number, dataWords: number, pointerCount: number): StructLocation {
    const view = this.view(segment);
    this.#visit(dataWords + pointerCount);
    check(view, offset, (dataWords + pointerCount) * 8);
    const pointerOffset = offset + dataWords * 8;
    return {
      kind: 'struct',
      view,
      segment,
      dataOffset: offset,
      dataBytes: dataWords * 8,
      pointerOffset,
      pointerCount,
    };
  }

  #plainListAt(segment: number, offset: number, size: number, length: number): ListLocation {
    const view = this.view(segment);
    const bits = ELEMENT_BITS[size] ?? 64;
    // Text and data are read in place, and exec output is tens of megabytes: they count by their size.
    this.#visit(bits === 0 ? length : Math.ceil((length * bits) / 64));
    check(view, offset, Math.ceil((length * bits) / 8));
    const pointers = size === 6 ? 1 : 0;
    const elementDataBits = pointers === 1 ? 0 : bits;
    return {
      kind: 'list',
      view,
      segment,
      offset,
      length,
      strideBits: bits,
      elementDataBits,
      elementPointers: pointers,
    };
  }

  #compositeAt(segment: number, offset: number, words: number): ListLocation {
    const view = this.view(segment);
    check(view, offset, (words + 1) * 8);
    const tagLow = view.getUint32(offset, true);
    if ((tagLow & 3) !== 0) throw new MalformedMessageError('a list of structs whose tag is no struct');
    const length = tagLow >>> 2;
    const dataWords = view.getUint16(offset + 4, true);
    const elementPointers = view.getUint16(offset + 6, true);
    const elementWords = dataWords + elementPointers;
    if (length * elementWords > words)
      throw new MalformedMessageError('a list of structs longer than its space');
    this.#visit(Math.max(length, words));
    const strideBits = elementWords * 64;
    return {
      kind: 'list',
      view,
      segment,
      offset: offset + 8,
      length,
      strideBits,
      elementDataBits: dataWords * 64,
      elementPointers,
    };
  }

  #visit(words: number): void {
    // Even an empty struct counts, so that a ring of pointers comes to an end.
    this.#wordsLeft -= Math.max(1, words);
    if (this.#wordsLeft < 0)
      throw new MalformedMessageError('its content is read more often than its size allows');
  }
}

function check(view: DataView, offset: number, bytes: number): void {
  if (offset < 0 || offset + bytes > view.byteLength) {
    throw new MalformedMessageError(`${bytes} bytes at ${offset} of a segment of ${view.byteLength}`);
  }
}
