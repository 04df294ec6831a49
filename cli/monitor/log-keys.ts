import * as v from "valibot";
import type { ChainEnd } from "../../shared/chain/verify-chain.ts";
import {
  LogKeys,
  verifyEndorsement,
  type EndorsedKeys,
  type LogEndorsement,
} from "../../shared/tlog/endorsement.ts";
import { InvalidLog } from "../../shared/tlog/invalid-log.ts";
import { BrokenPromise } from "./broken-promise.ts";
import type { Remembered } from "./log-memory.ts";

/** The chain whose block key vouches for the log's keys. */
type VouchingChain = Pick<ChainEnd, "chainId" | "genesisHash" | "keys">;

/**
 * Finds the keys that sign a checkpoint of this size. The chain's block key must have endorsed them, and they replace
 * remembered keys only from a size that is not below the remembered one.
 * @param keysJson contents of `/log/keys.json`
 * @param end end of the verified chain
 * @throws InvalidLog, BrokenPromise "changed_key"
 */
export async function signingKeys(
  keysJson: string,
  size: number,
  end: VouchingChain,
  remembered: Remembered | null,
): Promise<{ readonly endorsement: LogEndorsement; readonly keys: EndorsedKeys }> {
  const endorsement = endorsements(keysJson).findLast(({ fromSize }) => fromSize <= size);
  if (endorsement === undefined)
    throw new InvalidLog("wrong_endorsement", `no keys are endorsed for a log of ${size} blocks`);
  const keys = await verifyEndorsement(endorsement, end, (keyId) =>
    blockKey(end, keyId, endorsement.fromSize),
  );
  if (remembered !== null) refuseOther(remembered, endorsement);
  return { endorsement, keys };
}

function endorsements(keysJson: string): readonly LogEndorsement[] {
  const parsed = v.safeParse(LogKeys, parsedJson(keysJson));
  if (!parsed.success) throw new InvalidLog("malformed_endorsement", "/log/keys.json is no vdc-log-keys@1");
  return parsed.output.endorsements;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A key endorses nothing after the block that retires it, and nothing from the block on from which it is revoked. */
function blockKey({ keys }: VouchingChain, keyId: string, fromSize: number): string | undefined {
  const key = keys.find((known) => known.keyId === keyId);
  if (key === undefined) return undefined;
  const isRetired = key.retiredIn !== null && fromSize > key.retiredIn + 1;
  const isRevoked = key.revocation !== null && fromSize >= key.revocation.fromBlock;
  return isRetired || isRevoked ? undefined : key.publicKey;
}

function refuseOther({ size, endorsement: before }: Remembered, now: LogEndorsement): void {
  const isSame = now.vkeys.every((vkey, i) => vkey === before.vkeys[i]);
  if (now.origin === before.origin && (isSame || now.fromSize >= size)) return;
  throw new BrokenPromise(
    "changed_key",
    `the log ${now.origin} has other keys from size ${now.fromSize} on, and the keys of ${before.origin} were seen to sign at size ${size}`,
    { endorsement: now },
  );
}
