import { getValue, setValue } from "../storage/key-values.ts";
import type { Sql } from "../storage/schema.ts";

/**
 * Begins a life of the chain head, which lasts as long as its storage. When the storage is lost, the next life counts its
 * revisions from 1 again, while Workers of the earlier life still hold reservations and blocks. Every reservation and block that
 * a Worker gets therefore carries the life's id, and the chain head compares it with each report.
 */
export function beginLife(sql: Sql, now: number, random: string): void {
  if (!hasLife(sql)) setValue(sql, "life", `${new Date(now).toISOString()}/${random}`);
}

export function hasLife(sql: Sql): boolean {
  return getValue(sql, "life") !== undefined;
}

/** Returns the id of this life. Ids sort by the time at which their lives began. */
export function lifeOf(sql: Sql): string {
  const life = getValue(sql, "life");
  if (life === undefined) throw new Error("the chain head's life has no id");
  return life;
}
