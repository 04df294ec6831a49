import { InvalidArgumentError, Option } from "commander";
import type { ChainState } from "./state.ts";
import { hashOf, UnverifiedChain, type ChainSource } from "./verify.ts";

/** A block that the caller noted earlier. */
export interface NotedHead {
  readonly blockNumber: number;
  readonly hash: string;
}

export function headOption(): Option {
  return new Option(
    "--head <n:hash>",
    "block n must have this hash: a head that you noted earlier, or that others published",
  ).argParser((text) => {
    const [, number = "", hash = ""] = /^(0|[1-9]\d{0,14}):([0-9a-f]{64})$/.exec(text) ?? [];
    if (hash === "")
      throw new InvalidArgumentError("expected a block's number and hash: 41:<64 lower-case hex digits>");
    return { blockNumber: Number(number), hash };
  });
}

/**
 * Requires that the verified chain has the noted block.
 * @param state of the verification, which has ended
 * @throws UnverifiedChain
 */
export async function requireHead(
  source: ChainSource,
  state: ChainState,
  { blockNumber, hash }: NotedHead,
): Promise<void> {
  const refused = (detail: string) => new UnverifiedChain(blockNumber, "not_continued", detail);
  if (source.count <= blockNumber)
    throw refused(
      `the chain has ${source.count} blocks only, and you noted block ${blockNumber}: it was cut, or is another chain`,
    );
  for await (const { bytes } of source.blocks(blockNumber)) {
    if (!state.isVerified(blockNumber, bytes))
      throw refused("the source now gives other bytes than those that were verified");
    const found = hashOf(bytes);
    if (found !== hash)
      throw refused(
        `its hash is ${found ?? "none"}, and you noted ${hash}: the chain was changed, or is another one. Keep both as evidence`,
      );
    return;
  }
  throw refused("the source gives no such block");
}
