import type { Keyring } from "../../shared/crypto/keyring.ts";
import type { Reservation } from "../../shared/chain/reservation.ts";
import { chainHead } from "../../shared/objects/chain-head.ts";
import { RetryLater } from "../../shared/runtime/errors.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { MineRequest } from "../../shared/queue/messages.ts";
import type { NoReservation } from "../chain-head/decisions/reserve.ts";
import { buildAndSeal } from "./build-and-seal.ts";
import { endorseLog } from "./endorse-log.ts";
import { keyringOf, type Env } from "./env.ts";

/** An erasure or another miner may change an open reservation, so a second try is ordinary. */
const MOST_TRIES = 3;

/** Mines a block, then endorses the log's keys if they wait. A log that can't be endorsed holds up no block. */
export async function mine(_: MineRequest, env: Env, log: Log): Promise<void> {
  const keyring = await keyringOf(env);
  await mineBlock(keyring, env, log);
  await endorseLog(keyring, env, log);
}

/**
 * Mines one block of the approved transactions, or sets all of them aside. An invocation has limits of time, memory and calls, so
 * each further block has a message of its own: the chain head sends it when this block is sealed or its reservation is dissolved.
 * @throws RetryLater when the reservation changed each time
 */
async function mineBlock(keyring: Keyring, env: Env, log: Log): Promise<void> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const reservation = await reservationOrGenesis(env);
    if ("none" in reservation) {
      log.info("mining.idle", { reason: reservation.none });
      return;
    }
    const outcome = await buildAndSeal(reservation, keyring, env, log);
    if (outcome === "dissolved") return;
    if (outcome === "changed") continue;
    await env.TIER_PERSISTER_QUEUE.send({ v: 1, blockNumber: reservation.blockNumber });
    return;
  }
  throw new RetryLater(1, `the reservation changed ${MOST_TRIES} times`);
}

/** Reserves the next block. If it is undecided whether a chain begins here, the chain head decides that first. */
async function reservationOrGenesis(env: Env): Promise<Reservation | NoReservation> {
  const reservation = await chainHead(env).reserve();
  if (!("none" in reservation) || reservation.none !== "genesis_undecided") return reservation;
  await chainHead(env).allowGenesis();
  return chainHead(env).reserve();
}
