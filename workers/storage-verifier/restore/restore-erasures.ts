import { chainHead } from "../../../shared/objects/chain-head.ts";
import { r2Keys, txIdOfErasedKey } from "../../../shared/storage/layout.ts";
import type { RestorePoint } from "../../chain-head/decisions/restore.ts";
import type { Env } from "../env.ts";

/**
 * Gives the chain head the next page of R2's records of erasures. They come before the blocks, because an attempt that holds an
 * erased transaction must not become a block. A sealed block keeps an erased transaction all the same.
 */
export async function restoreErasures({ life, erasures }: RestorePoint, env: Env): Promise<RestorePoint> {
  const { objects, truncated } = await env.R2.list({
    prefix: r2Keys.erasedPrefix,
    ...(erasures.through !== null && { startAfter: erasures.through }),
  });
  return chainHead(env).restoreErasures({
    life,
    txIds: objects.flatMap(({ key }) => txIdOfErasedKey(key) ?? []),
    through: objects.at(-1)?.key ?? erasures.through,
    all: !truncated,
  });
}
