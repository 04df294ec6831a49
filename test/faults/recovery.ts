import type { Seen } from "./control.ts";
import type { Cell } from "./cell.ts";

/** How a cell got over its fault, as it was seen. */
export const RECOVERIES = {
  went_on: "goes on",
  found_done: "found done",
  redelivered: "queue delivers again",
  alarm: "alarm again",
  told_again: "watchdog tells again",
  cron: "cron",
  sent_again: "sent again",
} as const;
export type Recovery = keyof typeof RECOVERIES;

/** @param seen from the beginning of the cell on */
export function recovery({ write, fault }: Cell, seen: readonly Seen[]): Recovery {
  const at = seen.findIndex(({ name, happened }) => name === write && happened === fault);
  const hit = seen[at];
  if (hit === undefined) throw new Error(`${write} was not hit`);
  const later = seen.slice(at + 1);
  const same = later.filter(({ invocation }) => invocation === hit.invocation);
  if (fault !== "dies" && fault !== "hangs" && (same.length > 0 || fault === "twice")) {
    const isRepeated = later.some((other) => other.name === write && isAbout(other, hit));
    if (!isRepeated) return "went_on";
  }
  const [again] = later.filter(({ actor, invocation }) => actor === hit.actor && invocation !== hit.invocation);
  if (hit.actor.endsWith("(queue)")) {
    const stage = hit.actor.split(" ")[0] ?? "";
    if (later.some(({ actor, delivery }) => actor === hit.actor && (delivery ?? 1) > 1)) return "redelivered";
    if (later.some(({ name }) => name === `chain-head (ChainHead.alarm): send to ${stage}`)) return "told_again";
  }
  if (again === undefined) return "found_done";
  if (hit.actor.endsWith("alarm)")) return "alarm";
  if (hit.actor.endsWith("(scheduled)")) return "cron";
  if (hit.actor.endsWith("(queue)")) return "found_done";
  return "sent_again";
}

function isAbout(one: Seen, other: Seen): boolean {
  return one.target === other.target && (one.does.includes(".") ? one.value === other.value : true);
}
