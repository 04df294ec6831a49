import type { Halted } from "../../../shared/api/halted.ts";
import type { IndexedThrough } from "../../../shared/api/indexed-through.ts";
import { whyHalted } from "../decisions/halt.ts";
import { signingKeys, type KnownKey } from "../decisions/signing-keys.ts";
import { getValue } from "../storage/key-values.ts";
import type { Sql } from "../storage/schema.ts";
import { block, type BlockFacts } from "./block-facts.ts";
import { findBlock } from "./blocks.ts";

export interface HeadFacts {
  readonly chainId: string;
  /** The highest block that is in every tier together with all before it. */
  readonly latest: BlockFacts | null;
  readonly halted: Halted | null;
  /** A restore rebuilds the chain head from stored blocks; it may not have all of them. */
  readonly restoring: boolean;
  readonly signingKeys: readonly KnownKey[];
  readonly genesisHash: string | null;
  readonly indexedThrough: IndexedThrough | null;
}

export function head(sql: Sql, chainId: string): HeadFacts {
  const latest = getValue(sql, "latest");
  return {
    chainId,
    latest: latest === undefined ? null : block(sql, latest),
    halted: whyHalted(sql),
    restoring: getValue(sql, "restoring") !== undefined,
    signingKeys: signingKeys(sql),
    genesisHash: findBlock(sql, 0)?.hash ?? null,
    indexedThrough: getValue(sql, "indexedThrough") ?? null,
  };
}
