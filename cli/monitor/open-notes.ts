import type { ChainEnd } from "../../shared/chain/verify-chain.ts";
import { parseCheckpoint, type Checkpoint } from "../../shared/tlog/checkpoint.ts";
import { InvalidLog } from "../../shared/tlog/invalid-log.ts";
import { parseNote } from "../../shared/tlog/note.ts";
import { openCheckpoint } from "../../shared/tlog/open-checkpoint.ts";
import { quorumReached, type TlogPolicy } from "../../shared/tlog/policy.ts";
import type { VerifierKey } from "../../shared/tlog/vkey.ts";
import { signingKeys } from "./log-keys.ts";
import type { Remembered } from "./log-memory.ts";
import type { ServedLog } from "./served-log.ts";

/** Both notes as the deployment served them. */
export interface Notes {
  readonly blocks: string;
  readonly transactions: string;
}

/** Both checkpoints, signed by keys that the chain endorses. */
export type Opened = Pick<Remembered, "endorsement"> & {
  readonly blocks: Checkpoint;
  readonly transactions: Checkpoint;
  /** Decides whether the quorum of the policy cosigned both; true without a policy. */
  readonly hasQuorum: boolean;
};

/** Reads both notes, unverified; `undefined` while there is no checkpoint. */
export async function notesOf(log: ServedLog): Promise<Notes | undefined> {
  const transactions = await log.text("tx/checkpoint"); // first: the blocks' checkpoint is then not the older one
  const blocks = await log.text("checkpoint");
  return blocks === undefined || transactions === undefined ? undefined : { blocks, transactions };
}

/**
 * Verifies the signatures of both notes.
 * @param end end of the verified chain
 * @throws InvalidLog, BrokenPromise "changed_key"
 */
export async function openNotes(
  log: ServedLog,
  end: Pick<ChainEnd, "chainId" | "genesisHash" | "keys">,
  { policy }: { readonly policy?: TlogPolicy },
  newest: Remembered | null,
  notes: Notes,
): Promise<Opened> {
  const { size } = parseCheckpoint(parseNote(notes.blocks).text);
  const keysJson = await log.text("keys.json");
  if (keysJson === undefined)
    throw new InvalidLog("wrong_endorsement", "a checkpoint is there without /log/keys.json");
  const { endorsement, keys } = await signingKeys(keysJson, size, end, newest);
  const witnesses = (policy?.witnesses ?? []).map(({ key }) => key);
  const [blocks, transactions] = [
    await openSigned(notes.blocks, keys.blocks, witnesses),
    await openSigned(notes.transactions, keys.transactions, witnesses),
  ];
  const hasQuorum =
    policy === undefined ||
    [blocks, transactions].every(({ signatures }) =>
      quorumReached(
        policy,
        signatures.map(({ key }) => key).filter((key) => witnesses.includes(key)),
      ),
    );
  return { blocks: blocks.checkpoint, transactions: transactions.checkpoint, hasQuorum, endorsement };
}

/** @throws InvalidLog unless each key of the log signed */
async function openSigned(note: string, keys: readonly VerifierKey[], witnesses: readonly VerifierKey[]) {
  const opened = await openCheckpoint(note, keys, witnesses);
  const missing = keys.find((key) => !opened.signatures.some((signature) => signature.key === key));
  if (missing !== undefined)
    throw new InvalidLog("no_known_signature", `the key ${missing.name} (${missing.id}) did not sign`);
  return opened;
}
