import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import { noteText, parseNote, type NoteSignature } from "../../../shared/tlog/note.ts";
import { parsePolicy, quorumReached, type TlogPolicy } from "../../../shared/tlog/policy.ts";
import { getValue, setValue, type CheckpointPair } from "./schema.ts";

/** The two logs of a chain. */
export type LogName = "blocks" | "transactions";

/** How far a witness has cosigned one of the logs. */
export interface WitnessState {
  /** Address of the witness. */
  readonly url: string;
  readonly log: LogName;
  /** Number of entries that it cosigned last. */
  readonly size: number;
  /** When it cosigned last, in milliseconds since the epoch. */
  readonly at: number;
}

/** Cosignatures of the shown checkpoints, each verified with a key of the policy. */
export interface Cosigned {
  /** Number of blocks of the shown checkpoints. */
  readonly size: number;
  readonly blocks: readonly NoteSignature[];
  readonly transactions: readonly NoteSignature[];
  readonly witnesses: readonly WitnessState[];
}

/**
 * Begins a round of requests to the witnesses, unless one began within the pause, and notes the policy that readers get.
 * @param pauseMs milliseconds between two rounds
 * @returns whether the caller may ask
 */
export function beginRound(sql: Sql, policy: string, pauseMs: number, now: number): boolean {
  setValue(sql, "policy", policy);
  const last = getValue(sql, "roundAt") ?? -Infinity;
  if (now >= last && now - last < pauseMs) return false;
  setValue(sql, "roundAt", now);
  return true;
}

/**
 * Adds cosignatures to the shown notes, where they are still of the shown size. When both notes reach the policy's quorum, they
 * are the newest cosigned checkpoints.
 */
export function addCosignatures(sql: Sql, { size, blocks, transactions, witnesses }: Cosigned): void {
  for (const witness of witnesses) noteWitness(sql, witness);
  const shown = getValue(sql, "shown");
  const policy = getValue(sql, "policy");
  if (shown?.size !== size || policy === undefined) return;
  const pair = {
    ...shown,
    blocks: withLines(shown.blocks, blocks),
    transactions: withLines(shown.transactions, transactions),
  };
  setValue(sql, "shown", pair);
  if (isCosigned(parsePolicy(policy), pair)) setValue(sql, "cosigned", pair);
}

/** Lists how far each witness is, in the order of their addresses. */
export function witnessStates(sql: Sql): WitnessState[] {
  return sql
    .exec<WitnessRow>("SELECT url, log, size, at FROM witness ORDER BY url, log LIMIT ?", MOST_WITNESSES)
    .toArray();
}

type WitnessRow = { url: string; log: LogName; size: number; at: number };

const MOST_WITNESSES = 200;

function noteWitness(sql: Sql, { url, log, size, at }: WitnessState): void {
  sql.exec("INSERT OR REPLACE INTO witness (url, log, size, at) VALUES (?, ?, ?, ?)", url, log, size, at);
}

/** Adds lines to a note. A key that has already signed keeps its line, unless a newer cosignature replaces it. */
function withLines(note: string, lines: readonly NoteSignature[]): string {
  const { text, signatures } = parseNote(note);
  const isReplaced = ({ name, keyId }: NoteSignature) =>
    lines.some((line) => line.name === name && line.keyId === keyId);
  return noteText({ text, signatures: [...signatures.filter((line) => !isReplaced(line)), ...lines] });
}

function isCosigned(policy: TlogPolicy, { blocks, transactions }: CheckpointPair): boolean {
  return policy.witnesses.length > 0 && [blocks, transactions].every((note) => reaches(policy, note));
}

/** The caller verified every line, so the names and ids of the keys decide. */
function reaches(policy: TlogPolicy, note: string): boolean {
  const { signatures } = parseNote(note);
  const keys = policy.witnesses
    .map(({ key }) => key)
    .filter(({ name, id }) => signatures.some((line) => line.name === name && line.keyId === id));
  return quorumReached(policy, keys);
}
