import type { Cell } from "./cell.ts";
import type { Seen } from "./control.ts";

/** The ways in which a cell recovered from its fault, in the words of the page. */
export const RECOVERIES = {
  counts_once: "counts once",
  went_on: "goes on",
  found_done: "found done",
  redelivered: "redelivered",
  told_again: "told again",
  alarm: "alarm",
  cron: "cron",
  sent_again: "sent again",
} as const;
export type Recovery = keyof typeof RECOVERIES;

/** @param seen the attempts since the beginning of the cell */
export function recovery({ write, fault }: Cell, seen: readonly Seen[]): Recovery {
  const at = seen.findIndex(({ name, happened }) => name === write && happened === fault);
  const hit = seen[at];
  if (hit === undefined) throw new Error(`${write} was not hit`);
  if (fault === "twice") return "counts_once";
  const later = seen.slice(at + 1);
  const others = later.filter(({ invocation }) => invocation !== hit.invocation);
  const isAgain = ({ actor, name }: Seen) =>
    actor === hit.actor && (name === hit.name || hit.delivery !== undefined);
  if (hit.delivery !== undefined) {
    const attempt = hit.delivery;
    if (others.some((one) => isAgain(one) && (one.delivery ?? 1) > attempt)) return "redelivered";
    const nudge = `chain-head (ChainHead.alarm): send to ${hit.actor.replace(" (queue)", "")}`;
    const isOver =
      fault === "dies" || fault === "hangs" || !later.some((one) => one.invocation === hit.invocation);
    if (isOver && hit.actor !== "miner (queue)" && others.some(({ name }) => name === nudge))
      return "told_again";
    return isOver ? "found_done" : "went_on";
  }
  const again = others.some((one) => isAgain(one) && one.target === hit.target);
  if (again) {
    if (hit.actor.endsWith("alarm)")) return "alarm";
    return hit.actor.endsWith("(scheduled)") ? "cron" : "sent_again";
  }
  const lives = later.some((one) => one.invocation === hit.invocation);
  if (lives && fault !== "dies" && fault !== "hangs") return "went_on";
  if (!others.some(isAgain)) return "found_done";
  if (hit.actor.endsWith("alarm)")) return "alarm";
  return hit.actor.endsWith("(scheduled)") ? "cron" : "sent_again";
}
