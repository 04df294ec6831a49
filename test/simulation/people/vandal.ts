import type { Block } from "../../../shared/chain/block.ts";
import { transactionEntries } from "../../../shared/operations/block-index.ts";
import { kvKeys, r2Keys } from "../../../shared/storage/layout.ts";
import type { Stack } from "../platform/stack.ts";
import type { Onlooker } from "../promises/onlooker.ts";

/** A copy of a block, or the index entry of one of its transactions. */
type Target = "R2" | "KV" | "IPFS" | "index";

/** Spoils one copy of an old block unnoticed. The other copies are intact, so it can be restored. */
export class Vandal {
  readonly #stack: Stack;
  readonly #onlooker: Onlooker;

  constructor(stack: Stack, onlooker: Onlooker) {
    this.#stack = stack;
    this.#onlooker = onlooker;
  }

  strikes(): void {
    const { world, r2, kv, pinning } = this.#stack;
    const { random } = world;
    const latest = JSON.parse(kv.truth(kvKeys.latest) ?? "null") as { blockNumber: number } | null;
    if (latest === null) return;
    const blockNumber = random.between(0, latest.blockNumber);
    const target = random.pick<Target>(["R2", "KV", "IPFS", "index"]);
    const bytes = r2.truth(r2Keys.block(blockNumber))?.bytes;
    if (bytes === undefined || this.#onlooker.isSpoilt(blockNumber)) return; // a second spoilt copy might leave no intact one
    if (!world.strikes("copy spoilt", `block ${blockNumber} in ${target}`)) return;
    this.#onlooker.spoilt(blockNumber);
    const isGone = random.chance(0.5);
    switch (target) {
      case "R2":
        r2.tamper(
          r2Keys.block(blockNumber),
          isGone ? undefined : flipped(bytes, random.between(0, bytes.length - 1)),
        );
        return;
      case "KV":
        kv.tamper(
          kvKeys.block(blockNumber),
          isGone ? undefined : kv.truth(kvKeys.block(blockNumber))?.replace('"hash":"', '"hash":"0'),
        );
        return;
      case "IPFS":
        pinning.forget(bytes);
        return;
      case "index": {
        const block = JSON.parse(Buffer.from(bytes).toString()) as Block;
        const entries = transactionEntries(block, 0, block.transactions.length);
        kv.tamper(random.pick(entries).key, undefined);
      }
    }
  }
}

function flipped(bytes: Uint8Array<ArrayBuffer>, at: number): Uint8Array<ArrayBuffer> {
  return bytes.with(at, (bytes[at] ?? 0) ^ 1);
}
