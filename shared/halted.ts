import * as v from "valibot";
import { Timestamp } from "./chain/transaction.ts";

/** Why no block is made, since when, and which command ends it. */
export const Halted = v.strictObject({
  reason: v.string(),
  at: Timestamp,
  endsWith: v.picklist(["resume", "restore"]),
});
export type Halted = v.InferOutput<typeof Halted>;

const WAY_ON: Readonly<Record<Halted["endsWith"], string>> = {
  resume:
    "Find out why and mend it (docs/operations.md, alert `halted`), then let the chain go on: `vdc resume --reason …`.",
  restore:
    "`vdc restore --reason …` restores the chain head, or goes on with a restore that was begun. A new chain needs a bucket and a namespace of its own.",
};

/** For people: what happened, what it means, what to do. */
export function haltedText({ reason, endsWith }: Halted): string {
  return `The chain is halted: ${reason}. No block is made; payments are taken and wait. ${WAY_ON[endsWith]}`;
}
