import * as v from "valibot";
import { headerHash } from "../chain/block.ts";
import { lookupIn, untrustedBlocks, untrustedFor, type ChainKey } from "../chain/signing-keys.ts";
import type { Transaction } from "../chain/transaction.ts";
import { userFault } from "../chain/user-signature.ts";
import { equalBytes, fromHex, fromUtf8 } from "../crypto/bytes.ts";
import { issuesText } from "../schema/issue-text.ts";
import { isReadWhole } from "../schema/lossless.ts";
import { quorumReached } from "../tlog/policy.ts";
import type { OpenedCheckpoint } from "../tlog/open-checkpoint.ts";
import { VdcProof } from "./bundle.ts";
import { requireDocument } from "./document.ts";
import { requireInBlock, verifyKeyChain } from "./key-chain.ts";
import { LogKeyChain, statedSize } from "./log-keys.ts";
import type { VerifyPolicy } from "./policy.ts";
import { Refused, type Report, type StepName } from "./report.ts";
import { isIncluded, verifySignedHeader, type SignedHeader } from "./signed-header.ts";
import { Steps } from "./steps.ts";
import { requireTimestamps } from "./timestamps.ts";
import { bytesOf, readTransaction } from "./transaction.ts";

/** A proof with its transaction, when all its bytes could be read. */
export interface VerifiedProof {
  readonly report: Report;
  /** Present unless the verdict is "failed". */
  readonly transaction?: Transaction;
  readonly proof?: VdcProof;
}

/** The largest bundle that is read: a transaction and a few dozen key statements have far less. */
export const MAX_PROOF_BYTES = 10_000_000;

const ALWAYS: readonly StepName[] = [
  "proof",
  "genesis",
  "key_chain",
  "transaction",
  "merkle_path",
  "block_signature",
  "revocations",
  "log_keys",
  "blocks_checkpoint",
  "block_in_log",
  "transactions_checkpoint",
  "transaction_in_log",
];

/**
 * Verifies a bundle `vdc-proof@1`. Never throws for bad bytes: the report says what is wrong.
 * @param bytes the JSON
 */
export async function verifyProof(bytes: Uint8Array, policy: VerifyPolicy): Promise<VerifiedProof> {
  const steps = new Steps();
  let proof: VdcProof | undefined;
  await steps.run("proof", "recomputed here", () => {
    proof = readProof(bytes);
    return "it has the shape vdc-proof@1, and all its blocks are of one chain";
  });
  if (proof === undefined) return { report: steps.report(ALWAYS) };
  const transaction = await checkContents(steps, proof, policy);
  const report = steps.report(requiredBy(policy));
  return { report, ...(report.verdict !== "failed" && transaction !== undefined && { transaction, proof }) };
}

function requiredBy({ witnesses, issuers, head, document }: VerifyPolicy): readonly StepName[] {
  return [
    ...ALWAYS,
    ...(witnesses !== undefined && witnesses.quorum !== "none" ? (["witnesses"] as const) : []),
    ...(issuers !== undefined && Object.keys(issuers).length > 0 ? (["timestamps"] as const) : []),
    ...(document !== undefined ? (["document"] as const) : []),
    ...(head !== undefined ? (["known_head"] as const) : []),
  ];
}

async function checkContents(
  steps: Steps,
  proof: VdcProof,
  policy: VerifyPolicy,
): Promise<Transaction | undefined> {
  const { block, chainId, genesisHash, logs } = proof;
  const { header } = block;
  const { blockNumber } = header;
  const hash = headerHash(header);

  await steps.run(
    "genesis",
    policy.genesisHash === undefined ? "read from the operator" : "named by you",
    () => {
      const [genesis] = proof.keys;
      const found = genesis === undefined ? undefined : headerHash(genesis.header);
      if (found !== genesisHash)
        throw new Refused(
          "wrong_genesis",
          `the hash of block 0 is ${found ?? "not shown"}, and not ${genesisHash}`,
        );
      if (policy.genesisHash === undefined)
        return { state: "could_not_check", detail: "you named no genesis, and any chain vouches for itself" };
      if (found !== policy.genesisHash)
        throw new Refused(
          "wrong_genesis",
          `block 0 is ${found}, and not ${policy.genesisHash}: another chain`,
        );
      return `block 0 is ${found}`;
    },
  );

  let keys: readonly ChainKey[] = [];
  await steps.run("key_chain", "recomputed here", async () => {
    keys = await verifyKeyChain(proof.keys);
    return `${keys.length} signing key${keys.length === 1 ? "" : "s"}, from genesis on`;
  });

  let transaction: Transaction | undefined;
  await steps.run("transaction", "recomputed here", () => {
    transaction = readTransaction(proof.transaction, header);
    const { id } = transaction;
    const isOther =
      (policy.txId !== undefined && id !== policy.txId) ||
      (policy.transaction !== undefined && !equalBytes(policy.transaction, bytesOf(proof.transaction)));
    if (isOther)
      throw new Refused(
        "other_record",
        `the proof is about ${id}, and not about the transaction that you named`,
      );
    return `${transaction.id} is a ${transaction.type} in canonical form`;
  });
  await steps.run("document", "recomputed here", () => {
    if (transaction === undefined) throw new Error("the transaction step must come first");
    return policy.document === undefined
      ? { state: "not_checked", detail: "you gave no document" }
      : `its SHA-256 is ${requireDocument(policy.document, transaction)}`;
  });
  await steps.run("user_signature", "recomputed here", async () => {
    if (transaction === undefined) throw new Error("the transaction step must come first");
    const fault = await userFault(transaction, chainId);
    if (fault !== undefined) throw new Refused("not_canonical", USER_FAULT_TEXTS[fault]);
    const { user } = transaction.signatures;
    return user === undefined
      ? { state: "not_checked", detail: `no user signs a ${transaction.type} of this kind` }
      : `signed by key ${user.keyId}`;
  });
  await steps.run("merkle_path", "recomputed here", () => {
    requireInBlock({ ...proof, header });
    return `transaction ${proof.index} of ${header.transactionCount} in block ${blockNumber}`;
  });
  await steps.run("block_signature", "recomputed here", async () => {
    await verifySignedHeader(block, lookupIn(keys));
    return `block ${blockNumber} has hash ${hash}, signed by key ${block.blockSignature.keyId}`;
  });
  await steps.run("revocations", "recomputed here", () => {
    requireTrusted(block, keys);
    return "no shown block revokes the key that signed it";
  });

  let logKeys: LogKeyChain | undefined;
  await steps.run(
    "log_keys",
    policy.witnesses?.logs.length ? "named by you" : "recomputed here",
    async () => {
      logKeys = await LogKeyChain.verified(proof.logKeys, { chainId, genesisHash, keys }, policy.witnesses);
      return logKeys.count === 0
        ? { state: "could_not_check", detail: "neither your policy nor the block key names keys of the logs" }
        : `${proof.logKeys.length} endorsed by the block key, ${policy.witnesses?.logs.length ?? 0} pinned`;
    },
  );
  const opened: OpenedCheckpoint[] = [];
  const open = async (log: "blocks" | "transactions"): Promise<OpenedCheckpoint> => {
    if (logKeys === undefined) throw new Error("the step log_keys must come first");
    const one = await logKeys.open(log, logs[log].checkpoint, statedSize(logs.blocks.checkpoint));
    opened.push(one);
    return one;
  };
  await steps.run("blocks_checkpoint", "recomputed here", async () => checkpointText(await open("blocks")));
  await steps.run("block_in_log", "recomputed here", () => {
    const { size, root } = at(opened, 0).checkpoint;
    if (!isIncluded({ entry: fromHex(hash), index: blockNumber, size, path: logs.blocks.path, root }))
      throw new Refused("not_in_history", "the path does not lead from the block to the checkpoint's root");
    return `entry ${blockNumber} of ${size}`;
  });
  await steps.run("later_head", "recomputed here", async () => {
    const { size } = at(opened, 0).checkpoint;
    if (proof.head !== null) return verifyHead(proof.head, proof, keys);
    if (blockNumber !== size - 1)
      throw new Refused("not_in_history", `it shows no later block, although the log has ${size}`);
    return { state: "not_checked", detail: "it is the newest block of the checkpoint" };
  });
  await steps.run("known_head", "named by you", () => requireKnownHead(proof, policy));
  await steps.run("transactions_checkpoint", "recomputed here", async () =>
    checkpointText(await open("transactions")),
  );
  await steps.run("transaction_in_log", "recomputed here", () => {
    const { size, root } = at(opened, 1).checkpoint;
    const { index, path } = logs.transactions;
    if (!isIncluded({ entry: bytesOf(proof.transaction), index, size, path, root }))
      throw new Refused(
        "other_record",
        "the path does not lead from the transaction to the checkpoint's root",
      );
    return `entry ${index} of ${size}, the same bytes as in the block`;
  });

  await steps.run("witnesses", "recomputed here", () => {
    const { witnesses } = policy;
    if (witnesses === undefined || witnesses.quorum === "none")
      return { state: "not_checked", detail: "your policy names no witnesses" };
    const lacking = opened.find(
      ({ signatures }) =>
        !quorumReached(
          witnesses,
          signatures.map(({ key }) => key),
        ),
    );
    return lacking === undefined
      ? `the quorum ${witnesses.quorum} cosigned both checkpoints`
      : {
          state: "could_not_check",
          detail: `the quorum did not cosign the checkpoint of ${lacking.checkpoint.origin}`,
        };
  });
  await steps.run("timestamps", "recomputed here", () => {
    if (logKeys === undefined) throw new Error("the step log_keys must come first");
    return requireTimestamps(proof, hash, logKeys, policy.issuers ?? {});
  });
  await steps.run("cid", "read from the operator", () => ({
    state: "not_checked",
    detail: `${block.cid} can be recomputed from the whole block only`,
  }));
  return transaction;
}

const USER_FAULT_TEXTS = {
  unsigned: "its user's signature is missing",
  not_to_be_signed: "no user signs a transaction of this type",
  wrong_id: "its id is not that of what its user signed for this chain",
  wrong_signature: "its user's signature does not verify",
} as const;

function checkpointText({ checkpoint, signatures }: OpenedCheckpoint): string {
  return `${checkpoint.origin} of size ${checkpoint.size}, with ${signatures.length} signatures of known keys`;
}

async function verifyHead(
  head: SignedHeader & { readonly path: readonly string[] },
  { block }: VdcProof,
  keys: readonly ChainKey[],
): Promise<string> {
  const { blockNumber, historyRoot } = head.header;
  const isCovered = isIncluded({
    entry: fromHex(headerHash(block.header)),
    index: block.header.blockNumber,
    size: blockNumber,
    path: head.path,
    root: fromHex(historyRoot),
  });
  if (!isCovered)
    throw new Refused("not_in_history", `the history of block ${blockNumber} does not hold this block`);
  await verifySignedHeader(head, lookupIn(keys));
  requireTrusted(head, keys);
  return `block ${blockNumber} has it in its history`;
}

function requireTrusted({ header: { blockNumber } }: SignedHeader, keys: readonly ChainKey[]): void {
  const untrusted = untrustedFor(blockNumber, untrustedBlocks(keys));
  if (untrusted === undefined) return;
  const { keyId, revocation } = untrusted;
  throw new Refused(
    "revoked_key",
    `block ${blockNumber} is signed by key ${keyId}, which block ${revocation.blockNumber} revokes from block ${revocation.fromBlock} on: ${revocation.reason}`,
  );
}

function requireKnownHead({ block, head }: VdcProof, policy: VerifyPolicy) {
  const known = policy.head;
  if (known === undefined) return { state: "not_checked", detail: "you named no block" } as const;
  const shown = [head?.header, block.header].find((header) => header?.blockNumber === known.blockNumber);
  if (shown === undefined)
    return {
      state: "could_not_check",
      detail: `the proof does not show block ${known.blockNumber}`,
    } as const;
  const hash = headerHash(shown);
  if (hash !== known.hash)
    throw new Refused("wrong_head", `block ${known.blockNumber} is ${hash}, and not ${known.hash}: a fork`);
  return `block ${known.blockNumber} is the one that you named`;
}

/** @throws Refused "malformed_proof" or "other_chain" */
export function readProof(bytes: Uint8Array): VdcProof {
  if (bytes.length > MAX_PROOF_BYTES)
    throw new Refused("malformed_proof", `it has more than ${MAX_PROOF_BYTES} bytes`);
  const value = jsonOf(bytes);
  const parsed = v.safeParse(VdcProof, value);
  if (!parsed.success)
    throw new Refused("malformed_proof", issuesText(parsed.issues.slice(0, 5), "the proof"));
  if (!isReadWhole(value, parsed.output))
    throw new Refused("malformed_proof", "it has a list where an object belongs");
  const { chainId, block, head, keys } = parsed.output;
  for (const { header } of [block, ...keys, ...(head === null ? [] : [head])])
    if (header.chainId !== chainId)
      throw new Refused(
        "other_chain",
        `block ${header.blockNumber} is of the chain ${header.chainId}, not ${chainId}`,
      );
  return parsed.output;
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch {
    throw new Refused("malformed_proof", "it is not JSON in UTF-8");
  }
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new Error(`no step has opened checkpoint ${index}`);
  return item;
}
