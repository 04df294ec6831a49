/**
 * Every fault, by the name under which the report counts it. The first five are the faults of the fault matrix and can
 * hit every call that leaves a Worker. Each of the others belongs to one part of the platform.
 */
export const FAULTS = {
  "call fails, not done": "a call fails, and nothing was done",
  "call done, reports failure": "a call is done, but reports failure",
  "worker dies": "the Worker dies before or after a call: nothing behind it runs",
  "call hangs": "a call does not answer, and may be done later",
  "call done twice": "a call is done twice",
  "answer late": "a call is done, and the Worker hears of it up to ten minutes later",
  "KV stale read": "KV answers what was there up to 60 s ago, or that nothing was",
  "KV write late":
    "KV reports failure of a write, and does it up to WRITE_LANDS_WITHIN_SECONDS after it was begun",
  "KV write limited": "KV refuses a second write of a key within a second",
  "R2 write late": "R2 reports failure of a write or a delete, and does it up to 45 s after it was begun",
  "R2 write limited": "R2 refuses a second write of a key within a second",
  "message duplicated": "a queue delivers a message again that was acknowledged",
  "message delayed": "a queue holds a message back for minutes",
  "message expired": "a queue drops a message that only points to something",
  "worker broken": "a Worker fails at all that it does, for up to two hours: a bad deployment",
  "queue paused": "a queue delivers nothing for up to two hours",
  "object evicted": "a Durable Object is evicted, with what it had not written to disk",
  "alarm late": "an alarm comes up to five minutes late",
  "alarm twice": "an alarm comes twice",
  "cron skipped": "a cron trigger is left out",
  "cron doubled": "a cron trigger comes twice",
  "pin lies": "the pinning service names another CID",
  "pin not kept":
    "the pinning service says that it pinned what it did not keep, and its gateway shows a page instead",
  "pin lost": "the pinning service loses a pin",
  "pinning limited": "the pinning service answers 429",
  "pinning down": "the pinning service answers 503 or does not answer, for up to two hours",
  "gateway lies": "the IPFS gateway serves other bytes, or that it has none",
  "storage lost": "the chain head loses all that it stored; an operator has it restored",
  "worker outlives the loss":
    "a Worker that was at work when the chain head lost its storage goes on minutes later",
  "copy spoilt": "one copy of an old block is lost or changed behind everybody's back",
  "clock jumps": "a Worker's clock jumps, by up to two minutes, forwards or back",
  "client hangs up": "who called does not wait for the answer, and calls again",
  "stripe repeats": "Stripe delivers an event again",
  "operator clicks twice": "an operator sends a request twice",
  "consumer beside another":
    "a queue runs one more consumer than it may: it had given up one that is still at work",
  "call outlives its caller": "a Worker dies while a call is on its way, and the call is done later",
} as const;

export type FaultKind = keyof typeof FAULTS;

export const FAULT_KINDS = Object.keys(FAULTS) as FaultKind[];
