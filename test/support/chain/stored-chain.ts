import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newPin } from "../../../cli/local/pinning/pin.ts";
import { transactionEntries } from "../../../shared/operations/block-index.ts";
import { blockBytes, buildBlock, NO_PREVIOUS_HASH } from "../../../shared/chain/block.ts";
import { append, historyRoot, type NodeStore } from "../../../shared/chain/history.ts";
import { txIdOf, type Transaction } from "../../../shared/chain/transaction.ts";
import { base64url, fromHex, hex } from "../../../shared/crypto/bytes.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { loadKeyring } from "../../../shared/crypto/keyring.ts";
import { kvKeys, r2Keys } from "../../../shared/storage/layout.ts";
import { blockRecord } from "../../../shared/storage/kv-tier.ts";
import { settleConnections } from "../../../shared/storage/limits.ts";
import type { BlockCopy } from "../../../shared/storage/tier.ts";
import type { Pipeline } from "../stack/pipeline.ts";

const CHAIN_ID = "vdc-main";

/** Makes a chain with one payment in each block, signed by the system's own key, as if it had been mined long ago. */
export async function longChain(keyringJson: string, length: number): Promise<readonly BlockCopy[]> {
  const { signing } = await loadKeyring(keyringJson);
  const { active } = signing;
  const nodes = new Map<string, Uint8Array>();
  const store: NodeStore = {
    get: (level, index) => nodes.get(`${level}/${index}`) ?? new Uint8Array(),
    set: (level, index, hash) => void nodes.set(`${level}/${index}`, hash),
  };
  const genesis: Transaction = {
    id: txIdOf({ source: "genesis", chainId: CHAIN_ID }),
    type: "genesis",
    timestamp: 1,
    data: {
      chainId: CHAIN_ID,
      formatVersion: 1,
      signingKeys: [{ keyId: active.keyId, algorithm: "ML-DSA-44", publicKey: base64url(active.publicKey) }],
      encryptionKeys: [],
    },
    signatures: {},
  };
  const copies: BlockCopy[] = [];
  let previous: BlockCopy | undefined;
  for (let n = 0; n < length; n++) {
    const frame = {
      chainId: CHAIN_ID,
      blockNumber: n,
      timestamp: n + 1,
      previousHash: previous?.block.hash ?? NO_PREVIOUS_HASH,
      previousCid: previous?.cid ?? null,
      historyRoot: hex(historyRoot(store, n)),
    };
    const block = await buildBlock(frame, [n === 0 ? genesis : payment(n)], active);
    append(store, n, fromHex(block.hash));
    const bytes = blockBytes(block);
    previous = { block, bytes, cid: await cidV0(bytes) };
    copies.push(previous);
  }
  return copies;
}

function payment(n: number): Transaction {
  return { id: txIdOf({ source: "test", n }), type: "payment", timestamp: n, data: {}, signatures: {} };
}

/** Writes the pins of a chain to the directory that the pinning service reads when it starts. */
export function writePins(directory: string, copies: readonly BlockCopy[]): void {
  for (const name of ["files", "pins"]) mkdirSync(join(directory, name), { recursive: true });
  for (const [i, { bytes, cid, block }] of copies.entries()) {
    const name = `vdc-${CHAIN_ID}-block-${block.blockNumber}.json`;
    const draft = {
      cid,
      cid_version: "v0" as const,
      name,
      size: bytes.length,
      mime_type: "application/json",
      group_id: null,
      keyvalues: { chainId: CHAIN_ID, blockHash: block.hash },
    };
    writeFileSync(join(directory, "files", cid), bytes);
    writeFileSync(
      join(directory, "pins", `${cid}.json`),
      JSON.stringify(newPin(draft, new Date(1_700_000_000_000 + i))),
    );
  }
}

/**
 * Archives a chain in R2 and points `vdc:latest` to its end. The chain head, KV's blocks and the index do not know it.
 */
export async function archiveChain({ kv, r2 }: Pipeline, copies: readonly BlockCopy[]): Promise<void> {
  await forEach(copies, ({ block, bytes }) => r2.put(r2Keys.block(block.blockNumber), bytes));
  await publish(kv, copies);
}

/** Puts a chain into KV and R2, index included. The chain head does not know it. */
export async function storeChain({ kv, r2, pinning }: Pipeline, copies: readonly BlockCopy[]): Promise<void> {
  const settings = { gatewayUrl: pinning.gatewayUrl, now: () => 0 };
  await forEach(copies, async (copy) => {
    const { block, bytes, cid } = copy;
    const metadata = { hash: block.hash, ipfsHash: cid };
    await Promise.all([
      r2.put(r2Keys.block(block.blockNumber), bytes),
      kv.put(kvKeys.block(block.blockNumber), JSON.stringify(blockRecord(copy, settings)), { metadata }),
      ...transactionEntries(block, 0, block.transactions.length).map(({ key, value }) => kv.put(key, value)),
    ]);
  });
  await publish(kv, copies);
}

async function forEach(
  copies: readonly BlockCopy[],
  store: (copy: BlockCopy) => Promise<unknown>,
): Promise<void> {
  for (const outcome of await settleConnections(copies, store, 20))
    if (outcome.status === "rejected") throw outcome.reason;
}

async function publish(kv: KVNamespace, copies: readonly BlockCopy[]): Promise<void> {
  const last = copies.at(-1);
  if (last === undefined) return;
  const { blockNumber, hash, timestamp } = last.block;
  await kv.put(kvKeys.latest, JSON.stringify({ blockNumber, hash, ipfsHash: last.cid, timestamp }));
}
