import { fromHex, utf8 } from "../crypto/bytes.ts";
import { verifyTimestamp } from "../timestamp/verify-timestamp.ts";
import type { VdcProof } from "./bundle.ts";
import type { LogKeyChain } from "./log-keys.ts";
import { statedSize } from "./log-keys.ts";
import { Refused } from "./report.ts";
import { isIncluded } from "./signed-header.ts";
import type { Outcome } from "./steps.ts";
import { bytesOf } from "./transaction.ts";

/**
 * Verifies each stamped checkpoint and that it covers the block; and the stamps of the authorities whose certificates the
 * verifier pins. A stamp of any other authority proves nothing, and is not read.
 * @param issuers pinned certificates in PEM, by the authority's name
 */
export async function requireTimestamps(
  { block, timestamps }: VdcProof,
  hash: string,
  logKeys: LogKeyChain,
  issuers: Readonly<Record<string, string>>,
): Promise<Outcome> {
  const times = new Map<string, string>();
  for (const { authority, checkpoint, path, token } of timestamps) {
    const { size, root } = (await logKeys.open("blocks", checkpoint, statedSize(checkpoint))).checkpoint;
    if (!isIncluded({ entry: fromHex(hash), index: block.header.blockNumber, size, path, root }))
      throw new Refused(
        "not_in_history",
        `the checkpoint that ${authority} stamped does not cover the block`,
      );
    const pinned = Object.hasOwn(issuers, authority) ? issuers[authority] : undefined;
    if (pinned === undefined) continue;
    const { time } = await verifyTimestamp({
      response: bytesOf(token),
      data: utf8(checkpoint),
      issuers: pinned,
    });
    times.set(authority, textOf(time));
  }
  const wanted = Object.keys(issuers);
  if (wanted.length === 0)
    return { state: "not_checked", detail: "your policy names no time-stamp authority" };
  const missing = wanted.filter((authority) => !times.has(authority));
  return missing.length === 0
    ? [...times].map(([authority, time]) => `${authority} at ${time}`).join(", ")
    : { state: "could_not_check", detail: `the proof has no time stamp of ${missing.join(", ")} yet` };
}

/** The room knows no clock, so the time stays a number of milliseconds. */
function textOf(time: number): string {
  return `${time} ms since 1970`;
}
