import type { ChainKey } from "../chain/signing-keys.ts";
import { openCheckpoint, type OpenedCheckpoint } from "../tlog/open-checkpoint.ts";
import { parseCheckpoint } from "../tlog/checkpoint.ts";
import {
  TRANSACTIONS_SUFFIX,
  verifyEndorsement,
  type EndorsedKeys,
  type LogEndorsement,
} from "../tlog/endorsement.ts";
import { InvalidLog } from "../tlog/invalid-log.ts";
import { parseNote } from "../tlog/note.ts";
import type { TlogPolicy } from "../tlog/policy.ts";
import type { VerifierKey } from "../tlog/vkey.ts";

type Log = keyof EndorsedKeys;

interface Endorsed extends EndorsedKeys {
  readonly origin: string;
  readonly fromSize: number;
}

/** The keys that may sign the two logs' checkpoints: pinned ones where the policy has them, else endorsed ones. */
export class LogKeyChain {
  readonly #endorsed: readonly Endorsed[];
  readonly #pinned: readonly VerifierKey[];
  readonly #witnesses: readonly VerifierKey[];

  private constructor(endorsed: readonly Endorsed[], policy: TlogPolicy | undefined) {
    this.#endorsed = endorsed;
    this.#pinned = (policy?.logs ?? []).map(({ key }) => key);
    this.#witnesses = (policy?.witnesses ?? []).map(({ key }) => key);
  }

  /**
   * Verifies every endorsement by the chain's block keys.
   * @throws InvalidLog
   */
  static async verified(
    endorsements: readonly LogEndorsement[],
    chain: { readonly chainId: string; readonly genesisHash: string; readonly keys: readonly ChainKey[] },
    policy: TlogPolicy | undefined,
  ): Promise<LogKeyChain> {
    const endorsed: Endorsed[] = [];
    for (const endorsement of endorsements) {
      const { origin, fromSize } = endorsement;
      const keys = await verifyEndorsement(endorsement, chain, (keyId) =>
        blockKey(chain.keys, keyId, fromSize),
      );
      endorsed.push({ origin, fromSize, ...keys });
    }
    return new LogKeyChain(endorsed, policy);
  }

  /** Number of keys that can vouch for a checkpoint. */
  get count(): number {
    return this.#endorsed.length + this.#pinned.length;
  }

  /**
   * Verifies a log's note. Every pinned key of the log, or every endorsed one, must have signed.
   * @param atSize number of blocks: it chooses the endorsement
   * @throws InvalidLog
   */
  async open(log: Log, text: string, atSize: number): Promise<OpenedCheckpoint> {
    const { origin } = parseCheckpoint(parseNote(text).text);
    if (!isOf(log, origin)) throw new InvalidLog("wrong_origin", `${origin} is not the log of ${log}`);
    const keys = this.#keysOf(log, origin, atSize);
    const opened = await openCheckpoint(text, keys, this.#witnesses);
    const missing = keys.find((key) => !opened.signatures.some((signature) => signature.key === key));
    if (missing !== undefined)
      throw new InvalidLog(
        "no_known_signature",
        `the key ${missing.name} (${missing.id}) did not sign the checkpoint`,
      );
    return opened;
  }

  #keysOf(log: Log, origin: string, atSize: number): readonly VerifierKey[] {
    const pinned = this.#pinned.filter(({ name }) => isOf(log, name));
    // A pinned key excludes every other log: an endorsement must not replace the verifier's own choice.
    if (pinned.length > 0) return pinned.filter((key) => key.name === origin);
    const name = log === "blocks" ? origin : origin.slice(0, -TRANSACTIONS_SUFFIX.length);
    const newest = this.#endorsed.findLast((one) => one.origin === name && one.fromSize <= atSize);
    if (newest === undefined)
      throw new InvalidLog(
        "wrong_origin",
        `neither your policy nor the block key names keys of the log ${origin}`,
      );
    return newest[log];
  }
}

function isOf(log: Log, origin: string): boolean {
  return origin.endsWith(TRANSACTIONS_SUFFIX) === (log === "transactions");
}

/** A revoked key endorses nothing from the revoked block on. */
function blockKey(keys: readonly ChainKey[], keyId: string, fromSize: number): string | undefined {
  const key = keys.find((known) => known.keyId === keyId);
  return key?.revocation != null && fromSize >= key.revocation.fromBlock ? undefined : key?.publicKey;
}

/** Size of the tree of a note that is not verified yet. */
export function statedSize(text: string): number {
  return parseCheckpoint(parseNote(text).text).size;
}
