import * as api from "../../../shared/api/proof.ts";
import type { TransactionRecord } from "../../../shared/operations/block-index.ts";
import {
  consistencyOf,
  coveringPair,
  MissingTile,
  proofBundle,
  tileReader,
  transactionProof,
  type StampedCheckpoint,
} from "../../../shared/operations/log-proof.ts";
import { fromBase64url, fromUtf8 } from "../../../shared/crypto/bytes.ts";
import { json } from "../../../shared/http/answer.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { errorText } from "../../../shared/runtime/log.ts";
import { kvKeys, r2Keys } from "../../../shared/storage/layout.ts";
import { mapConnections } from "../../../shared/storage/limits.ts";
import { readObject } from "../../../shared/storage/r2-tier.ts";
import { RECEIPTS_TYPE, receiptsOf } from "../../../shared/tlog/receipt.ts";
import { tlogProofText } from "../../../shared/tlog/tlog-proof.ts";
import type { VdcProof } from "../../../shared/verify/bundle.ts";
import type { BlockFacts } from "../../chain-head/reads/block-facts.ts";
import type { HeadFacts } from "../../chain-head/reads/head.ts";
import { preferredType } from "../http/accept.ts";
import { operation, type Call } from "../http/operation.ts";
import { countReadBeyondKv } from "../http/rate-limit.ts";
import type { LogFacts } from "../../checkpointer/log-head/log-head.ts";
import type { Stamp } from "../../checkpointer/log-head/stamps.ts";
import { logState, shownPair } from "./log-state.ts";
import { readSealed } from "./sealed-blocks.ts";

const RETRY_SECONDS = 2; // a mined block gets its checkpoint within a second or two

/** Proves a transaction against a checkpoint. The answer changes with each better checkpoint, so it is not cached. */
export const proof = operation(api.proof, async (call) => {
  const { env, params, request } = call;
  const { txId } = params;
  const type = preferredType(request.headers.get("accept"), [
    "text/plain",
    "application/json",
    RECEIPTS_TYPE,
  ]);
  await countReadBeyondKv(call);
  const place = await placeOf(call, txId);
  const [facts, log] = await Promise.all([publishedFacts(call, place.blockNumber), logState(env)]);
  const pair = coveringPair(place.blockNumber, log);
  if (facts === undefined || pair === undefined) throw notCovered(txId, "mined");
  const headers = {
    vary: "accept",
    "cache-control": "no-store",
    [api.WITNESS_QUORUM_HEADER]: quorumOf(log, pair === log.cosigned),
  };
  const entry = { ...place, firstEntry: facts.firstEntry };
  const transactionTiles = tileReader(env.R2, r2Keys.transactionLogPrefix);
  if (type === "text/plain") {
    const made = await provenOrUnavailable(call, () => transactionProof(transactionTiles, entry, pair));
    return new Response(tlogProofText(made), {
      headers: { ...headers, "content-type": api.TLOG_PROOF_TYPE, ...download(`${txId}.tlog-proof`) },
    });
  }
  if (type === RECEIPTS_TYPE) {
    const { index, path } = await provenOrUnavailable(call, () =>
      transactionProof(transactionTiles, entry, pair),
    );
    const signatures = pair.rootSignatures.map(({ signature, ...key }) => ({
      ...key,
      signature: fromBase64url(signature),
    }));
    return new Response(receiptsOf(signatures, { size: pair.entries, index, path }), {
      headers: { ...headers, "content-type": RECEIPTS_TYPE, ...download(`${txId}.cose`) },
    });
  }
  const head = await chainHead(env).head();
  const block = await readSealed(call, facts);
  const bundle = await provenOrUnavailable(call, async () =>
    proofBundle(
      {
        ...entry,
        chainId: head.chainId,
        genesisHash: genesisOf(head),
        placed: { block, cid: facts.ipfsHash },
        pair,
        logKeys: log.endorsements,
        keyBlocks: keyBlocksOf(head),
        stamps: await stampedCheckpoints(call, log.stamps),
      },
      {
        blockTiles: tileReader(env.R2, r2Keys.logPrefix),
        transactionTiles,
        readBlock: (blockNumber) => readPublished(call, blockNumber),
      },
    ),
  );
  return json(bundle satisfies VdcProof, { headers: { ...headers, ...download(`${txId}.vdc-proof.json`) } });
});

export const consistency = operation(api.consistency, async (call) => {
  const { env, query } = call;
  await countReadBeyondKv(call);
  const pair = await shownPair(env);
  const [size, prefix] =
    query.log === "blocks" ? [pair.size, r2Keys.logPrefix] : [pair.entries, r2Keys.transactionLogPrefix];
  const { from, to = size } = query;
  if (from > to || to > size)
    throw new Problem(
      "not-found",
      `There is no proof from size ${from} to ${to}: the log has ${size} entries, and grows from the smaller to the larger.`,
    );
  const made = await provenOrUnavailable(call, () =>
    consistencyOf(tileReader(env.R2, prefix), size, from, to),
  );
  const { path } = made;
  return json({ log: query.log, ...made, path: [...path] } satisfies api.Consistency);
});

interface Place {
  readonly blockNumber: number;
  readonly index: number;
}

/**
 * Finds the block of a transaction, from KV or, where KV does not have it yet, from the chain head.
 * @throws Problem "not-found" for a transaction that no block will hold, "not-in-checkpoint" for one that waits
 */
async function placeOf({ env }: Call, txId: string): Promise<Place> {
  const indexed = await env.KV.get<TransactionRecord>(kvKeys.transaction(txId), "json");
  if (indexed !== null) return indexed;
  const { transaction, intent } = await chainHead(env).whereIs(txId);
  if (transaction === null || transaction.state === "set_aside")
    throw new Problem("not-found", "The chain has no such transaction.", {
      members: { txId, state: transaction?.state ?? intent?.state ?? "unknown" },
    });
  const { block } = transaction;
  if (block === null || block.index === null) throw notCovered(txId, block === null ? "pending" : "reserved");
  return { blockNumber: block.blockNumber, index: block.index };
}

/** A block that is in every tier. */
interface SealedFacts {
  readonly blockNumber: number;
  readonly sha256: string;
  readonly ipfsHash: string;
  readonly firstEntry: number;
}

/** Returns the facts of a published block; `undefined` while it is being made. */
async function publishedFacts({ env }: Call, blockNumber: number): Promise<SealedFacts | undefined> {
  const facts = await chainHead(env).block(blockNumber);
  if (facts === null || !facts.published) return undefined;
  return sealedFacts(facts);
}

function sealedFacts({ blockNumber, sha256, ipfsHash, firstEntry }: BlockFacts): SealedFacts {
  if (sha256 === null || ipfsHash === null || firstEntry === null)
    throw new Error(`block ${blockNumber} is published and lacks its hash, its CID or its place in the log`);
  return { blockNumber, sha256, ipfsHash, firstEntry };
}

async function readPublished(call: Call, blockNumber: number) {
  const facts = await chainHead(call.env).block(blockNumber);
  if (facts === null) throw new Error(`the chain head has no block ${blockNumber}`);
  return readSealed(call, sealedFacts(facts));
}

function notCovered(txId: string, state: string): Problem {
  return new Problem(
    "not-in-checkpoint",
    state === "mined"
      ? "The transaction is mined, and no checkpoint covers its block yet. Ask again shortly."
      : `The transaction is ${state}: it has a proof once a block holds it and a checkpoint covers the block.`,
    { members: { txId, state }, headers: { "retry-after": String(RETRY_SECONDS) } },
  );
}

function genesisOf({ genesisHash }: HeadFacts): string {
  if (genesisHash === null) throw new Error("a checkpoint covers a chain without genesis");
  return genesisHash;
}

/** Numbers of the blocks that announce or revoke signing keys: as many as an operator's rotations and revocations, and one. */
function keyBlocksOf({ signingKeys }: HeadFacts): number[] {
  return signingKeys.flatMap(({ announcedIn, revocation }) =>
    revocation === null ? [announcedIn] : [announcedIn, revocation.blockNumber],
  );
}

/** Reads the stamped checkpoints, as they were published, with their tokens: the newest of each authority. */
function stampedCheckpoints({ env }: Call, stamps: readonly Stamp[]): Promise<StampedCheckpoint[]> {
  return mapConnections(stamps, async ({ authority, size }) => {
    const [checkpoint, token] = await Promise.all([
      readObject(env.R2, r2Keys.logCheckpoint(r2Keys.logPrefix, size)),
      readObject(env.R2, r2Keys.timestamp(authority, size)),
    ]);
    if (checkpoint === undefined || token === undefined)
      throw new MissingTile(`R2 has no stamp of ${authority} for the checkpoint of ${size} blocks`);
    return { authority, size, checkpoint: fromUtf8(checkpoint), token };
  });
}

function quorumOf({ policy }: LogFacts, isCosigned: boolean): api.WitnessQuorum {
  if (policy === null) return "none";
  return isCosigned ? "reached" : "not-reached";
}

/** @throws Problem "unavailable" when R2 lacks an object of the log */
async function provenOrUnavailable<Proof>({ log }: Call, prove: () => Promise<Proof>): Promise<Proof> {
  try {
    return await prove();
  } catch (error) {
    if (!(error instanceof MissingTile)) throw error;
    log.error("log.object_missing", { error: errorText(error) });
    throw new Problem("unavailable", "A part of the log can't be read just now. Try again shortly.", {
      headers: { "retry-after": "5" },
    });
  }
}

function download(name: string): Record<string, string> {
  return { "content-disposition": `attachment; filename="${name}"` };
}
