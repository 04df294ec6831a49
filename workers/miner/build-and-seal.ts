import { blockBytes, buildBlock, verifyBlock } from "../../shared/chain/block.ts";
import type { Reservation } from "../../shared/chain/reservation.ts";
import { chainHead } from "../../shared/objects/chain-head.ts";
import { cidV0 } from "../../shared/crypto/cid.ts";
import { sha256HexOfFile } from "../../shared/crypto/hash.ts";
import type { Keyring } from "../../shared/crypto/keyring.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { createOnly } from "../../shared/storage/r2-tier.ts";
import { stagedMetadata } from "../../shared/storage/staged.ts";
import type { NotRevised } from "../chain-head/decisions/set-aside.ts";
import type { Env } from "./env.ts";
import { openReserved } from "./open-reserved.ts";
import { systemPart } from "./system-part.ts";

/**
 * Builds, signs, stages and seals the reserved block. The signed bytes are durable before anything outside can see them, and the
 * chain head takes one version of them for ever. `changed`: the miner must reserve again.
 */
export async function buildAndSeal(
  reservation: Reservation,
  keyring: Keyring,
  env: Env,
  log: Log,
): Promise<"sealed" | NotRevised["none"]> {
  const { blockNumber } = reservation;
  const opened = await openReserved(reservation, keyring, env, log);
  if ("none" in opened) return opened.none;
  const system = systemPart(opened.reservation, keyring);

  const block = await buildBlock(
    opened.reservation,
    [...system.transactions, ...opened.transactions],
    system.signer,
  );
  const bytes = blockBytes(block);
  // The miner verifies the bytes as a stranger would: bytes that do not verify are never staged.
  await verifyBlock(bytes, opened.reservation, system.publicKeyOf);

  const { life, revision } = opened.reservation;
  const sha256 = await sha256HexOfFile(bytes);
  await createOnly(env.R2, r2Keys.sealed(blockNumber, sha256), bytes, stagedMetadata({ life, revision }));
  const answer = await chainHead(env).seal(blockNumber, block.previousHash, {
    life,
    revision,
    hash: block.hash,
    sha256,
    cid: await cidV0(bytes),
    byteLength: bytes.length,
    keyId: block.blockSignature.keyId,
    announces: system.announces,
    revokes: system.revokes,
    systemTransactions: system.transactions.length,
    ...opened.changes,
  });
  if ("stale" in answer) {
    log.info("block.stale", { blockNumber });
    return "changed";
  }
  log.info(answer.won ? "block.sealed" : "block.sealed_by_another", {
    blockNumber,
    hash: answer.hash,
    transactions: block.transactionCount,
    bytes: bytes.length,
  });
  return "sealed";
}
