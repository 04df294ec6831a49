import { kvKeys } from "../../../shared/storage/layout.ts";
import type { Stack } from "../platform/stack.ts";
import type { Mined } from "./mined.ts";
import type { Promised } from "./promised.ts";

/**
 * Holds in the end: each token registered one user, and the chain has a creation of each asset and a registration of
 * each user.
 */
export function checkRegistered({ world, kv }: Stack, promised: Promised, mined: Mined): void {
  for (const offered of promised.activations) {
    const registered = [...offered].filter((txId) => mined.has(txId) || promised.wasTaken(txId));
    if (registered.length > 1) world.broken("a token is spent once", registered.join(" and "));
  }
  for (const [name, alternatives] of promised.alternatives) {
    const taken = [...alternatives].filter((txId) => promised.wasTaken(txId) && !promised.mayBeErased(txId));
    if (taken.length > 0 && ![...alternatives].some((txId) => mined.has(txId)))
      world.broken("1 nothing is lost", `none of ${taken.join(", ")} is in the chain, all for ${name}`);
  }
  for (const userId of promised.usersWithMetadata) {
    const { version = 0 } = JSON.parse(kv.truth(kvKeys.user(userId)) ?? "{}") as { version?: number };
    if (version < promised.metadataOf(userId))
      world.broken(
        "metadata never goes back",
        `KV has version ${version} of ${userId}, ${promised.metadataOf(userId)} was answered`,
      );
  }
}
