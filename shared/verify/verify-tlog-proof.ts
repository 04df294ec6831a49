import { leafHash, verifyInclusion } from "../chain/merkle.ts";
import { fromUtf8 } from "../crypto/bytes.ts";
import { InvalidLog } from "../tlog/invalid-log.ts";
import { openCheckpoint } from "../tlog/open-checkpoint.ts";
import { quorumReached, type TlogPolicy } from "../tlog/policy.ts";
import { parseTlogProof } from "../tlog/tlog-proof.ts";
import type { Report } from "./report.ts";
import { Steps } from "./steps.ts";

/** Decides by its first line whether these bytes are a C2SP tlog-proof in UTF-8. */
export function isTlogProof(bytes: Uint8Array): boolean {
  try {
    return fromUtf8(bytes).startsWith("c2sp.org/tlog-proof@");
  } catch {
    return false;
  }
}

/**
 * Verifies a C2SP tlog-proof of an entry. It needs neither the chain nor its keys: the policy's `log` lines alone name the log.
 * Never throws for a bad proof: the report says what is wrong.
 * @param text the proof
 * @param entry the canonical bytes of the transaction
 */
export async function verifyTlogProof(text: string, entry: Uint8Array, policy: TlogPolicy): Promise<Report> {
  const steps = new Steps();
  const logKeys = policy.logs.map(({ key }) => key);
  const witnessKeys = policy.witnesses.map(({ key }) => key);
  const parsed = await steps.run("proof", "recomputed here", () => {
    const proof = parseTlogProof(text);
    return { value: proof, detail: `a proof of entry ${proof.index}` };
  });
  const opened = await steps.run("transactions_checkpoint", "named by you", async () => {
    if (parsed === undefined) throw new Error("the step proof must come first");
    const value = await openCheckpoint(parsed.checkpoint, logKeys, witnessKeys);
    const { origin, size } = value.checkpoint;
    const missing = logKeys.find(
      (key) => key.name === origin && !value.signatures.some((signature) => signature.key === key),
    );
    if (missing !== undefined)
      throw new InvalidLog("no_known_signature", `your key ${missing.name} (${missing.id}) did not sign it`);
    return { value, detail: `${origin} of size ${size}` };
  });
  await steps.run("transaction_in_log", "recomputed here", () => {
    if (parsed === undefined || opened === undefined) throw new Error("the checkpoint must come first");
    const { size, root } = opened.checkpoint;
    const { index, path } = parsed;
    const isIn = verifyInclusion({
      leafIndex: index,
      treeSize: size,
      leafHash: leafHash(entry),
      proof: path,
      root,
    });
    if (!isIn)
      throw new InvalidLog("not_included", "the path does not lead from the transaction to the root");
    return `entry ${index} of ${size}`;
  });
  await steps.run("witnesses", "recomputed here", () => {
    if (policy.quorum === "none") return { state: "not_checked", detail: "your policy names no witnesses" };
    const cosigned = (opened?.signatures ?? []).map(({ key }) => key);
    return quorumReached(policy, cosigned)
      ? `the quorum ${policy.quorum} cosigned the checkpoint`
      : { state: "could_not_check", detail: "the quorum did not cosign the checkpoint" };
  });
  return steps.report([
    "proof",
    "transactions_checkpoint",
    "transaction_in_log",
    ...(policy.quorum === "none" ? [] : (["witnesses"] as const)),
  ]);
}
