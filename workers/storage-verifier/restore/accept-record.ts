import * as v from "valibot";
import { readTokenMetadata } from "../../../shared/storage/activation-tokens.ts";
import { SEALED_NAMES } from "../../../shared/chain/sealed-names.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { Envelope } from "../../../shared/crypto/envelope.ts";
import { deadLetters } from "../../../shared/objects/dead-letters.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { readPendingMetadata } from "../../../shared/storage/pending.ts";
import {
  archiveIn,
  isEnvelopeOf,
  restoreArchive,
  type PrivateArchive,
} from "../../../shared/storage/private-archive.ts";
import { createOnly } from "../../../shared/storage/r2-tier.ts";
import {
  bytesOfRecord,
  ErasureRecord,
  jsonIn,
  recordKey,
  type RecordKind,
  type StoredRecord,
} from "../../../shared/storage/records.ts";
import type { Env } from "../env.ts";

/** `closed`: records are not accepted now · `invalid`: it is not such a record · `early`: the operator can supply it once the chain is restored. */
export type RecordAnswer =
  | "closed"
  | { readonly stored: boolean; readonly detail: string }
  | { readonly invalid: string }
  | { readonly early: string };

interface SuppliedRecord {
  readonly id: string;
  readonly key: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly facts: Readonly<Record<string, string>>;
}

type Accept = (supplied: SuppliedRecord, env: Env) => Promise<RecordAnswer>;

/** How each kind of record is accepted. User metadata goes through `accounts`, which alone writes it. */
const ACCEPT: Readonly<Record<Exclude<RecordKind, "user_metadata">, Accept>> = {
  erasure: acceptErasure,
  private_archive: acceptArchive,
  activation_token: acceptToken,
  pending_transaction: acceptTransaction,
  set_aside_transaction: acceptTransaction,
  signed_intent: acceptTransaction,
  dead_letter: acceptDeadLetter,
};

/**
 * Puts a record of an export back into R2 if R2 lacks it. A record that R2 has stays: it is the same or newer. The cron of the
 * miner, the cron of `accounts` and the index of the dead letters then read it as usual. Anyone can seal a payment to the
 * system's public key, so a record does not prove who made it. Therefore records are accepted only until the time that the
 * deployment's configuration names, which nobody can change with the operator's secret alone.
 */
export async function acceptRecord(record: StoredRecord, env: Env, log: Log): Promise<RecordAnswer> {
  const isOpen = Date.parse(env.ACCEPT_RECORDS_UNTIL) > Date.now(); // false for what is no time
  if (!isOpen) return "closed";
  const { kind, id, facts } = record;
  const bytes = await bytesOfRecord(record);
  if (typeof bytes === "string") return { invalid: bytes };
  const key = recordKey(kind, id);
  if (key === undefined || kind === "user_metadata") return { invalid: "it is not kept in R2" };
  const answer = await ACCEPT[kind]({ id, key, bytes, facts }, env);
  if (typeof answer === "object" && "stored" in answer && answer.stored)
    log.warn("record.restored", { kind, id });
  return answer;
}

async function create({ key, bytes, facts }: SuppliedRecord, env: Env): Promise<RecordAnswer> {
  return (await createOnly(env.R2, key, bytes, facts))
    ? { stored: true, detail: "it was missing in R2" }
    : { stored: false, detail: "R2 has it" };
}

/**
 * Accepts the record of an erasure. Until the chain is restored, the restore reads it from R2; afterwards the chain head is told
 * at once.
 */
async function acceptErasure(supplied: SuppliedRecord, env: Env): Promise<RecordAnswer> {
  const erasure = v.safeParse(ErasureRecord, jsonIn(supplied.bytes));
  if (!erasure.success || erasure.output.txId !== supplied.id)
    return { invalid: "it records no such erasure" };
  const answer = await create(supplied, env);
  if (await hasChain(env)) await chainHead(env).withdraw([supplied.id]);
  return answer;
}

async function acceptArchive({ id, bytes }: SuppliedRecord, env: Env): Promise<RecordAnswer> {
  const archive = archiveIn(bytes);
  const blockNumber = Number(id);
  if (archive?.blockNumber !== blockNumber) return { invalid: "it is no archive of this block" };
  const block = await chainHead(env).blockWithTransactions(blockNumber);
  if (block === null && (await hasChain(env))) return { invalid: `the chain has no block ${blockNumber}` };
  const own = block === null ? archive : archiveOf(archive, block.transactions);
  if (own === undefined) return { invalid: `it holds nothing of block ${blockNumber}` };
  const other = Object.entries(own.envelopes).find(
    ([txId, envelope]) => v.is(Envelope, envelope) && !isEnvelopeOf(txId, envelope),
  );
  if (other !== undefined)
    return { invalid: `the envelope of ${other[0].slice(0, 60)} was sealed as something else` };
  return (await restoreArchive(env.R2, own))
    ? { stored: true, detail: "what R2 lacked of it was put" }
    : { stored: false, detail: "R2 has all of it" };
}

/**
 * The part of an archive that is about these transactions: it may also hold those of a block of the same number that a lost chain
 * head made. `undefined`: it is about none of them.
 */
function archiveOf(archive: PrivateArchive, txIds: readonly string[]): PrivateArchive | undefined {
  const known = new Set(txIds);
  const envelopes = Object.entries(archive.envelopes).filter(([txId]) => known.has(txId));
  const missing = archive.missing.filter((txId) => known.has(txId));
  const erased = (archive.erased ?? []).filter((txId) => known.has(txId));
  if (envelopes.length + missing.length + erased.length === 0) return undefined;
  return { ...archive, envelopes: Object.fromEntries(envelopes), missing, erased };
}

async function acceptToken(supplied: SuppliedRecord, env: Env): Promise<RecordAnswer> {
  const token = readTokenMetadata(supplied.facts);
  if (token === undefined || !isSealedAs(SEALED_NAMES.activation(supplied.id), supplied.bytes))
    return { invalid: "it is no activation token of this hash" };
  return create(supplied, env);
}

/**
 * Accepts a transaction's object, unless its block is complete or it was erased: then the object would only be deleted again.
 * Until the block is complete, the miner and the archive of private parts read the object.
 */
async function acceptTransaction(supplied: SuppliedRecord, env: Env): Promise<RecordAnswer> {
  const { id, bytes, facts } = supplied;
  if (readPendingMetadata(facts) === undefined || !isSealedAs(SEALED_NAMES.transaction(id), bytes))
    return { invalid: "it is no sealed transaction of this id" };
  if (!(await hasChain(env))) return EARLY;
  const known = await chainHead(env).transaction(id);
  if (known?.block?.state === "complete") return { stored: false, detail: "its block is complete" };
  if (known?.reason === "erased") return { stored: false, detail: "it was erased" };
  return create(supplied, env);
}

async function acceptDeadLetter({ id, bytes }: SuppliedRecord, env: Env): Promise<RecordAnswer> {
  if (!(await hasChain(env))) return EARLY;
  const outcome = await deadLetters(env).restoreRecord(id, bytes);
  if (outcome === "invalid") return { invalid: "it is no record of this dead letter" };
  return outcome === "stored"
    ? { stored: true, detail: "it was missing in R2" }
    : { stored: false, detail: outcome === "erased" ? "its transaction was erased" : "R2 has it" };
}

/** A chain head without its chain would begin a new one with the first transaction that it is told of. */
const EARLY: RecordAnswer = { early: "The chain head has no chain yet. Restore the chain first" };

async function hasChain(env: Env): Promise<boolean> {
  const { genesisHash, restoring } = await chainHead(env).head();
  return genesisHash !== null && !restoring;
}

function isSealedAs(name: string, bytes: Uint8Array): boolean {
  const envelope = jsonIn(bytes);
  return v.is(Envelope, envelope) && envelope.txId === name;
}
