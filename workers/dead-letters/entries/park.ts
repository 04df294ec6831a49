import * as v from "valibot";
import { canonicalBytes, canonicalText, type Json } from "../../../shared/crypto/canonical.ts";
import { base64url } from "../../../shared/crypto/bytes.ts";
import { sha256Hex } from "../../../shared/crypto/hash.ts";
import { type Failure } from "../../../shared/api/dead-letters.ts";
import { deadLetters } from "../../../shared/objects/dead-letters.ts";
import { DeadLetter, SetAside } from "../../../shared/queue/messages.ts";
import { errorText, type Log } from "../../../shared/runtime/log.ts";
import { stageOfDeadLetterQueue, WORKERS, type StageName } from "../../../shared/pipeline.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { createOnly, replaceOnly } from "../../../shared/storage/r2-tier.ts";
import type { Env } from "../env.ts";
import { eraseRecord } from "./erase.ts";
import { withFailure } from "./history.ts";
import { factsOf, recordFrom, type ParkedMessage } from "./record.ts";

/**
 * Parks a message durably: in R2, then in the index. When the same message fails again, its record gets one more failure; the
 * same failure delivered twice changes nothing. Any message of a queue can be parked, except the envelope of an erased
 * transaction.
 */
export async function park(dead: Message, queue: string, env: Env, log: Log): Promise<void> {
  const stage = stageOfDeadLetterQueue(queue);
  if (stage === undefined) throw new Error(`${queue} is not a dead-letter queue of the pipeline`);
  const { message, failure, blockNumber } = understand(dead, stage);
  const id = sha256Hex(canonicalBytes({ stage, message })).slice(0, 32);
  const parked = await store(env.R2, {
    id,
    stage,
    reason: failure.reason,
    error: failure.error,
    txId: textMember(message, "txId"),
    blockNumber: blockNumber ?? numberMember(message, "blockNumber"),
    firstSeen: failure.at,
    lastSeen: failure.at,
    failures: [failure],
    message,
  });
  const erased = await deadLetters(env).note(factsOf(parked));
  if (erased !== undefined) await eraseRecord(env.R2, r2Keys.deadLetter(stage, id), erased);
  log.warn("dead_letter.parked", {
    stage,
    id,
    reason: failure.reason,
    txId: parked.txId,
    blockNumber: parked.blockNumber,
  });
}

/** Stores the record, or adds its failure to the one in R2. Returns the record as R2 then holds it. */
async function store(bucket: R2Bucket, parked: ParkedMessage): Promise<ParkedMessage> {
  const key = r2Keys.deadLetter(parked.stage, parked.id);
  if (await createOnly(bucket, key, canonicalBytes(parked as unknown as Json))) return parked;
  const object = await bucket.get(key);
  if (object === null) throw new Error(`${key} was there a moment ago: retrying`);
  const known = recordFrom(new Uint8Array(await object.arrayBuffer()));
  const updated = withFailure(known, parked);
  if (updated === known) return known;
  if (!(await replaceOnly(bucket, key, object.etag, canonicalBytes(updated as unknown as Json))))
    throw new Error(`${key} was changed at the same moment: retrying`);
  return updated;
}

interface Understood {
  readonly message: Json;
  readonly failure: Failure;
  /** The block that could not take the transaction, if the message does not name it. */
  readonly blockNumber?: number;
}

/** Schemas that also accept messages of a newer Worker: new reasons and members do not change what the message is. */
const AnyDeadLetter = v.object({
  ...DeadLetter.entries,
  v: v.number(),
  stage: v.string(),
  reason: v.string(),
});
const AnySetAside = v.object({ ...SetAside.entries, v: v.number(), reason: v.string() });

/**
 * Reads the message and its failure. A stage that gave up sends the reason. A bare message comes from the platform, after its
 * last retry.
 */
function understand({ body, timestamp }: Message, stage: StageName): Understood {
  const deadLetter = v.safeParse(AnyDeadLetter, body);
  if (deadLetter.success) {
    const { reason, error, failedAt, attempts, message } = deadLetter.output;
    return {
      message: storable(message),
      failure: { at: failedAt, reason, error: errorText(error), attempts },
    };
  }
  const setAside = v.safeParse(AnySetAside, body);
  if (setAside.success) {
    const { txId, blockNumber, reason, error, failedAt } = setAside.output;
    // A transaction has one record, however many blocks could not take it.
    return {
      message: { txId },
      failure: { at: failedAt, reason, error: errorText(error), attempts: 1 },
      blockNumber,
    };
  }
  const error = "the platform moved it here after the last retry; the Worker's log has the cause";
  // The message's own `attempts` counts its deliveries here, and would make each delivery another failure.
  const attempts = WORKERS[stage].consumes.max_retries + 1;
  return {
    message: storable(body),
    failure: { at: timestamp.getTime(), reason: "retries_exhausted", error, attempts },
  };
}

/** Returns the message as JSON. Bytes and values that JSON can't hold get a readable form. */
function storable(body: unknown): Json {
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body))
    return {
      bytes: base64url(
        body instanceof ArrayBuffer
          ? new Uint8Array(body)
          : new Uint8Array(body.buffer, body.byteOffset, body.byteLength),
      ),
    };
  if (body === undefined) return { unreadable: "undefined" }; // JSON would leave it out
  try {
    const json = body as Json;
    canonicalText({ message: json }); // nested as deeply as in the record
    return json;
  } catch {
    return { unreadable: textOf(body).toWellFormed() };
  }
}

function textOf(body: unknown): string {
  try {
    const text: unknown = JSON.stringify(body, (_, value: unknown) =>
      typeof value === "bigint" ? value.toString() : value,
    );
    return typeof text === "string" ? text : String(body);
  } catch (error) {
    return `no JSON can hold it: ${errorText(error)}`; // a cycle, or too deeply nested
  }
}

function textMember(message: Json, name: string): string | null {
  const value = memberOf(message, name);
  return typeof value === "string" ? value : null;
}

function numberMember(message: Json, name: string): number | null {
  const value = memberOf(message, name);
  return typeof value === "number" ? value : null;
}

function memberOf(message: Json, name: string): unknown {
  return message !== null && typeof message === "object" ? Reflect.get(message, name) : undefined;
}
