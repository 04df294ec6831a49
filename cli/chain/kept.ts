import type { ChainState } from "./state.ts";
import { UnverifiedChain, type ChainSource, type VerifiedBlock } from "./verify.ts";

/** Stores each verified block's bytes in the state. */
export async function* keptIn(
  state: ChainState,
  blocks: AsyncIterable<VerifiedBlock>,
): AsyncGenerator<VerifiedBlock> {
  for await (const verified of blocks) {
    state.keep(verified.block.blockNumber, verified.bytes);
    yield verified;
  }
}

/**
 * Yields the exact bytes of all blocks that the state has verified: from the state, else from an earlier export, else
 * from the source.
 * @throws UnverifiedChain when the source gives other bytes than those that were verified
 */
export async function* keptBlocks(
  state: ChainState,
  before: ChainSource | undefined,
  source: ChainSource,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const count = state.end?.next ?? 0;
  const earlier = new Sequence(before);
  const later = new Sequence(source);
  for (let number = 0; number < count; number++) {
    let bytes = state.kept(number) ?? (await earlier.block(number));
    if (bytes === undefined || !state.isVerified(number, bytes)) bytes = await later.block(number);
    if (bytes === undefined || !state.isVerified(number, bytes))
      throw new UnverifiedChain(number, "not_continued", "its bytes are not those that were verified before");
    yield bytes;
  }
}

/** A source that is read in ascending order. It is opened again after a block was skipped. */
class Sequence {
  readonly #source: ChainSource | undefined;
  #blocks: AsyncIterator<{ readonly bytes: Uint8Array<ArrayBuffer> }> | undefined;
  #next = 0;

  constructor(source: ChainSource | undefined) {
    this.#source = source;
  }

  /** @returns the block's bytes, `undefined` when the source ends before it */
  async block(number: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#source === undefined || number >= this.#source.count) return undefined;
    if (this.#blocks === undefined || this.#next !== number)
      this.#blocks = this.#source.blocks(number)[Symbol.asyncIterator]();
    this.#next = number + 1;
    const { value, done } = await this.#blocks.next();
    return done === true ? undefined : value.bytes;
  }
}
