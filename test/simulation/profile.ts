import { GATEWAY } from "./platform/pinning.ts";
import { FAULT_KINDS, type FaultKind } from "./world/faults.ts";
import type { Random } from "./world/random.ts";
import type { FaultRates } from "./world/world.ts";

/** The rates of a fault in a seed that has it, 0 to 1: seldom, now and then, often. */
const RATES: Readonly<Record<FaultKind, readonly [number, number, number]>> = {
  "call fails, not done": [0.002, 0.01, 0.04],
  "call done, reports failure": [0.002, 0.01, 0.04],
  "worker dies": [0.001, 0.005, 0.02],
  "call hangs": [0.0005, 0.002, 0.01],
  "call done twice": [0.002, 0.01, 0.04],
  "answer late": [0.0002, 0.001, 0.005],
  "KV stale read": [0.1, 0.3, 0.7],
  "KV write late": [0.005, 0.02, 0.1],
  "KV write limited": [1, 1, 1],
  "R2 write late": [0.005, 0.02, 0.1],
  "R2 write limited": [0.2, 0.5, 1],
  "message duplicated": [0.01, 0.05, 0.2],
  "message delayed": [0.01, 0.05, 0.2],
  "message expired": [0.005, 0.02, 0.1],
  "worker broken": [0.005, 0.02, 0.06],
  "queue paused": [0.001, 0.005, 0.01],
  "object evicted": [0.002, 0.01, 0.04],
  "alarm late": [0.01, 0.05, 0.2],
  "alarm twice": [0.01, 0.05, 0.2],
  "cron skipped": [0.01, 0.1, 0.5],
  "cron doubled": [0.01, 0.05, 0.2],
  "pin lies": [0.01, 0.05, 0.2],
  "pin not kept": [0.01, 0.05, 0.2],
  "pin lost": [0.01, 0.05, 0.2],
  "pinning limited": [0.01, 0.05, 0.2],
  "pinning down": [0.001, 0.005, 0.02],
  "gateway lies": [0.01, 0.05, 0.2],
  "storage lost": [0.2, 0.5, 1],
  "worker outlives the loss": [0.5, 1, 1],
  "copy spoilt": [0.2, 0.5, 1],
  "clock jumps": [0.02, 0.1, 0.3],
  "client hangs up": [0.01, 0.05, 0.2],
  "stripe repeats": [0.05, 0.2, 0.5],
  "operator clicks twice": [0.1, 0.3, 0.6],
  "consumer beside another": [0.2, 0.5, 1],
  "call outlives its caller": [0.5, 1, 1],
};

/** Picks about half of the faults, each at a random rate. Faults that hide each other then occur in different seeds. */
export function faultRates(random: Random): FaultRates {
  return Object.fromEntries(
    FAULT_KINDS.flatMap((kind) => (random.chance(0.5) ? [[kind, random.pick(RATES[kind])]] : [])),
  );
}

export interface Profile {
  readonly vars: Readonly<Record<string, string>>;
  /** Milliseconds in which people act. */
  readonly busy: number;
  readonly purchases: number;
  /** The number of floods by a hostile submitter. */
  readonly floods: number;
  /** The number of users who sign transactions. */
  readonly users: number;
  /** The number of requests for an erasure. */
  readonly erasures: number;
}

/** Picks another deployment and other people for each seed. */
export function profileOf(random: Random): Profile {
  return {
    vars: {
      MINING_MODE: random.pick(["auto", "auto", "approval"]),
      MINE_AT_COUNT: String(random.between(1, 12)),
      MINE_AFTER_SECONDS: String(random.pick([60, 300, 900])),
      BLOCK_MAX_TRANSACTIONS: String(random.pick([1, 2, 3, 5, 10, 500])),
      MAX_BLOCKS_IN_FLIGHT: String(random.between(1, 4)),
      STALL_AFTER_SECONDS: String(random.pick([60, 120, 300])),
      RETRY_BASE_SECONDS: String(random.pick([5, 10, 60])),
      IPFS_GATEWAY_URL: GATEWAY,
      LOG_ORIGIN: "vdc.simulated/vdc-main",
      PIN_DEADLINE_SECONDS: String(random.pick([10, 60])),
      SUBMISSION_WINDOW_SECONDS: String(random.pick([300, 900])),
      ...random.pick([
        { PAID_TYPES: "", REGISTRATION: "open" },
        { PAID_TYPES: "", REGISTRATION: "open" },
        { PAID_TYPES: "asset_creation", REGISTRATION: "open" },
        { PAID_TYPES: "asset_transfer", REGISTRATION: "paid" },
      ]),
      INTENT_TTL_DAYS: random.pick(["0.05", "0.1", "0.5"]),
    },
    busy: random.pick([1, 3, 6, 12]) * 3_600_000,
    purchases: random.chance(0.02) ? random.between(200, 400) : random.between(5, 40),
    floods: random.pick([0, 0, 0, 1, 2]),
    users: random.pick([0, 0, 1, 2, 3, 4]),
    erasures: random.pick([0, 0, 1, 3, 6]),
  };
}

/** Milliseconds for which a submission waits for its payment. */
export function intentLifetime({ vars }: Profile): number {
  return Number(vars.INTENT_TTL_DAYS) * 24 * 3_600_000;
}
