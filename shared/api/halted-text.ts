import type { Halted } from "./halted.ts";

const WAY_ON: Readonly<Record<Halted["endsWith"], string>> = {
  resume:
    "Find out why and mend it (docs/operations.md, alert `halted`), then let the chain go on: `vdc resume --reason …`.",
  restore:
    "`vdc restore --reason …` restores the chain head, or goes on with a restore that was begun. A new chain needs a bucket and a namespace of its own.",
};

/** A message to operators: what happened, what it means, what to do. */
export function haltedText({ reason, endsWith }: Halted): string {
  return `The chain is halted: ${reason}. No block is made; payments are taken and wait. ${WAY_ON[endsWith]}`;
}
