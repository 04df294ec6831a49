import type { Halted } from "../../../shared/api/halted.ts";
import { deleteValue, getValue, setValue } from "../storage/key-values.ts";
import { lifeOf } from "./life.ts";
import { requeueAll } from "../outbox/requeue.ts";
import type { Sql } from "../storage/schema.ts";

/** Says why the chain is halted. A chain that is being restored makes no block either, even if the restore never continues. */
export function whyHalted(sql: Sql): Halted | null {
  const since = getValue(sql, "restoring");
  if (since === undefined) {
    const halted = getValue(sql, "halted");
    if (halted === undefined) return null;
    const { reason, at, endsWithRestore } = halted;
    return { reason, at, endsWith: endsWithRestore === true ? "restore" : "resume" };
  }
  const reason =
    "the chain head is being restored from stored blocks, and makes none before it has all of them; " +
    "`vdc storage runs` shows how far it is";
  return { reason, at: since, endsWith: "restore" };
}

/**
 * Stops mining until an operator resumes. The first reason stays, because it is the one to look at. A second reason replaces
 * only a halt for lost storage: the restore ends that one, and the new reason must outlive it.
 */
export function halt(sql: Sql, reason: string, now: number): void {
  const halted = getValue(sql, "halted");
  if (halted === undefined || halted.endsWithRestore === true) setValue(sql, "halted", { reason, at: now });
}

/** Stops mining until the chain head is restored. */
export function haltUntilRestored(sql: Sql, reason: string, now: number): void {
  if (getValue(sql, "halted") === undefined)
    setValue(sql, "halted", { reason, at: now, endsWithRestore: true });
}

/**
 * Ends the halt of a chain head that lost its storage. A halt for any other reason stays, also one that came during the restore.
 */
export function endHaltUntilRestored(sql: Sql): void {
  if (awaitsRestore(sql)) deleteValue(sql, "halted");
}

/**
 * Halts the chain for a Worker. A fault that the Worker found during an earlier life proves nothing about the present one.
 * @param life the life that handed the block to the Worker, if one did
 */
export function haltBy(sql: Sql, reason: string, life: string | undefined, now: number): "halted" | "stale" {
  if (life !== undefined && life !== lifeOf(sql)) return "stale";
  halt(sql, reason, now);
  return "halted";
}

/** Decides whether the chain head lost its storage and no restore has ended since. */
export function awaitsRestore(sql: Sql): boolean {
  return getValue(sql, "halted")?.endsWithRestore === true;
}

/**
 * Ends a halt and makes every stage due at once. A chain head that lost its storage does not resume while R2 or KV hold its
 * chain: only a restore ends that halt.
 * @returns whether the chain was halted and is not any more
 */
export function resume(sql: Sql, storageHoldsChain: boolean): boolean {
  if (storageHoldsChain && awaitsRestore(sql)) return false;
  const goesOn = getValue(sql, "halted") !== undefined && getValue(sql, "restoring") === undefined;
  deleteValue(sql, "halted");
  requeueAll(sql);
  return goesOn;
}
