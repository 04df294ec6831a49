import { DatabaseSync, type StatementSync } from "node:sqlite";
import { InvalidBlock, readBlock } from "../../shared/chain/block.ts";
import { inOrder } from "../chain/in-order.ts";
import { UnverifiedChain, type ChainSource, type SourceBlock } from "../chain/verify.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { startProgress, type Progress } from "../output/progress.ts";

/** Reads the bytes that have this CID. The reader checks the CID. @throws when nobody gives them */
export type ReadCid = (cid: string) => Promise<Uint8Array<ArrayBuffer>>;

/** The facts of an unverified block that the walk reads. */
interface Step {
  readonly blockNumber: number;
  readonly previousCid: string | null;
}

/**
 * The chain that ends with a given CID, found by walking back: each block names the CID of the one before it. Only CIDs are
 * kept, in a temporary database on disk, so memory does not grow with the chain. The blocks are read a second time when
 * they are verified, from genesis on.
 */
export class ChainByCid implements ChainSource {
  readonly count: number;
  readonly #cids = new DatabaseSync(""); // on disk, and removed when it is closed
  readonly #add: StatementSync;
  readonly #find: StatementSync;
  readonly #read: ReadCid;

  private constructor(count: number, read: ReadCid) {
    this.count = count;
    this.#read = read;
    this.#cids.exec(
      "PRAGMA journal_mode = OFF; BEGIN; CREATE TABLE block (number INTEGER PRIMARY KEY, cid TEXT NOT NULL)",
    );
    this.#add = this.#cids.prepare("INSERT INTO block VALUES (?, ?)");
    this.#find = this.#cids.prepare("SELECT cid FROM block WHERE number = ?");
  }

  /**
   * Walks from the block of this CID back to block `downTo`.
   * @param downTo 0, or the number of a block up to which the chain is verified already
   * @throws UnverifiedChain when a block is not one less than the one after it; CommandFailure when the CID is no block's
   */
  static async walk(cid: string, read: ReadCid, downTo = 0): Promise<ChainByCid> {
    const latest = stepOf(await read(cid), (why) => notABlock(cid, why));
    const chain = new ChainByCid(latest.blockNumber + 1, read);
    const progress = startProgress({
      doing: "walking back",
      total: Math.max(1, chain.count - downTo),
      of: "blocks",
    });
    try {
      await chain.#walk(cid, latest, downTo, progress);
      return chain;
    } catch (error) {
      chain.close();
      throw error;
    } finally {
      progress.end();
    }
  }

  async #walk(cid: string, latest: Step, downTo: number, progress: Progress): Promise<void> {
    this.#add.run(latest.blockNumber, cid);
    for (let here = latest; here.blockNumber > downTo;) {
      const { blockNumber, previousCid } = here;
      const number = blockNumber - 1;
      if (previousCid === null)
        throw new UnverifiedChain(
          blockNumber,
          "wrong_place",
          "it names no block before it, and is not genesis",
        );
      here = stepOf(
        await this.#read(previousCid),
        (why) => new UnverifiedChain(number, "not_a_block", `${previousCid} is no block: ${why}`),
      );
      if (here.blockNumber !== number)
        throw new UnverifiedChain(
          number,
          "wrong_place",
          `${previousCid}, which block ${blockNumber} names as the one before it, is block ${here.blockNumber}`,
        );
      this.#add.run(number, previousCid);
      progress.to(this.count - number);
    }
  }

  blocks(from: number): AsyncGenerator<SourceBlock> {
    return inOrder(from, this.count - 1, async (number) => {
      const cid = this.#cidOf(number);
      return { cid, bytes: await this.#read(cid) };
    });
  }

  close(): void {
    this.#cids.close();
  }

  #cidOf(number: number): string {
    const row = this.#find.get(number);
    if (row === undefined) throw new Error(`the walk did not pass block ${number}`);
    return String(row.cid);
  }
}

function stepOf(bytes: Uint8Array, refusal: (why: string) => Error): Step {
  try {
    const { blockNumber, previousCid } = readBlock(bytes);
    return { blockNumber, previousCid };
  } catch (error) {
    throw error instanceof InvalidBlock ? refusal(error.message) : error;
  }
}

function notABlock(cid: string, why: string): CommandFailure {
  return new CommandFailure(
    `${cid} is not the CID of a block: ${why}. Give the CID of a block`,
    EXIT.unverified,
  );
}
