import type { Report, Step, StepName } from "./report.ts";

/** Says what a passed step proves. A step without a text only serves another step. */
const PROVED: Partial<Record<StepName, string>> = {
  user_signature: "The user named in the transaction signed exactly these contents.",
  document: "The transaction commits to exactly the document that you gave.",
  block_signature: "The operator's key of that time signed the block, and the block holds this transaction.",
  genesis: "The block belongs to the chain whose genesis you named.",
  later_head:
    "A later signed block commits to this block, so the operator can't replace the one without the other.",
  known_head: "The block is in the history of the block that you named.",
  block_in_log: "The operator's log of blocks holds the block.",
  transaction_in_log: "The operator's log of transactions holds exactly this transaction.",
  witnesses: "The witnesses of your policy saw both logs in this state.",
  timestamps:
    "The authorities of your policy stamped a checkpoint that covers the block: it existed by then.",
};

/** Says what stays open when a step did not pass. */
const OPEN: Partial<Record<StepName, string>> = {
  genesis:
    "That this is the chain you mean: a proof vouches for its own genesis. Name the hash that you know from elsewhere.",
  user_signature:
    "That a user wanted this transaction: no user signed it, so it is the operator's word alone.",
  later_head: "That the chain goes on from this block: it is the newest in the proof.",
  witnesses: "That others are shown the same log: no witness of yours confirmed it.",
  timestamps:
    "When the block was made: its time is the operator's word, and no authority of yours stamped it.",
  cid: "That IPFS holds the block: its CID is the operator's word, for a proof holds only the block's header.",
};

/** No proof of one transaction shows these. */
const NEVER = [
  "That the whole chain keeps the rules, for instance that an asset has one creator: `vdc verify` reads every block.",
  "That no later block revokes a key or transfers the asset: a proof ends with its checkpoint.",
];

export function provedBy(passed: readonly StepName[]): string[] {
  return passed.flatMap((name) => PROVED[name] ?? []);
}

export function notProvedBy(passed: readonly StepName[], steps: readonly Step[]): string[] {
  const open = steps.flatMap(({ name }) => (passed.includes(name) ? [] : (OPEN[name] ?? [])));
  return [...open, ...NEVER];
}

/** The report's last words. */
export function verdictText({ verdict, because, steps }: Report): string {
  if (because !== undefined)
    return `Refused at the step ${because.step} (${because.fault}): ${because.detail}`;
  if (verdict === "verified") return "Verified: every step that your policy asks for passed.";
  const open = steps.flatMap(({ name, state, detail }) =>
    state === "could_not_check" ? [`${name} (${detail})`] : [],
  );
  return `Incomplete: nothing is wrong, but not everything could be checked: ${open.join(", ")}`;
}
