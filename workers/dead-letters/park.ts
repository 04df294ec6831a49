import * as v from "valibot";
import { canonicalBytes, canonicalText, type Json } from "../../shared/crypto/canonical.ts";
import { base64url, fromUtf8 } from "../../shared/crypto/bytes.ts";
import { sha256Hex } from "../../shared/crypto/hash.ts";
import { DeadLetter, SetAside } from "../../shared/messages.ts";
import type { Log } from "../../shared/log.ts";
import { stageOfDeadLetterQueue, type StageName } from "../../shared/pipeline.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { createOnly } from "../../shared/storage/r2-tier.ts";
import type { Env } from "./index.ts";

/** What `dead-letters/{stage}/{id}.json` holds. Payloads stay as they were: encrypted, where they were encrypted. */
export interface ParkedMessage {
  readonly id: string;
  readonly stage: StageName;
  readonly reason: string;
  readonly error: string;
  readonly txId: string | null;
  readonly blockNumber: number | null;
  /** Times are milliseconds since the epoch. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** The latest first. */
  readonly failures: readonly Failure[];
  readonly message: Json;
}

interface Failure {
  readonly at: number;
  readonly reason: string;
  readonly error: string;
  readonly attempts: number;
}

/**
 * Parks a message durably. The same message failing again is one record with one more failure; the same failure
 * delivered twice changes nothing. Whatever a queue can hold can be parked.
 */
export async function park(dead: Message, queue: string, env: Env, log: Log): Promise<void> {
  const stage = stageOfDeadLetterQueue(queue);
  if (stage === undefined) throw new Error(`${queue} is not a dead-letter queue of the pipeline`);
  const { message, failure } = understand(dead);
  const id = sha256Hex(canonicalBytes({ stage, message })).slice(0, 32);
  const key = r2Keys.deadLetter(stage, id);
  const parked: ParkedMessage = {
    id,
    stage,
    reason: failure.reason,
    error: failure.error,
    txId: textMember(message, "txId"),
    blockNumber: numberMember(message, "blockNumber"),
    firstSeen: failure.at,
    lastSeen: failure.at,
    failures: [failure],
    message,
  };
  if (!(await createOnly(env.R2, key, canonicalBytes(parked as unknown as Json))))
    await addFailure(env.R2, key, failure);
  log.warn("dead_letter.parked", {
    stage,
    id,
    reason: failure.reason,
    txId: parked.txId,
    blockNumber: parked.blockNumber,
  });
}

async function addFailure(bucket: R2Bucket, key: string, failure: Failure): Promise<void> {
  const object = await bucket.get(key);
  if (object === null) throw new Error(`${key} was there a moment ago: retrying`);
  const parked = JSON.parse(fromUtf8(new Uint8Array(await object.arrayBuffer()))) as ParkedMessage;
  const known = parked.failures.some(
    ({ at, attempts }) => at === failure.at && attempts === failure.attempts,
  );
  if (known) return;
  const updated: ParkedMessage = {
    ...parked,
    reason: failure.reason,
    error: failure.error,
    lastSeen: Math.max(parked.lastSeen, failure.at),
    failures: [failure, ...parked.failures],
  };
  const written = await bucket.put(key, canonicalBytes(updated as unknown as Json), {
    onlyIf: { etagMatches: object.etag },
    httpMetadata: { contentType: "application/json" },
  });
  if (written === null) throw new Error(`${key} was changed at the same moment: retrying`);
}

/** A stage that gave up says why; a bare message comes from the platform, after the last retry. */
function understand({ body, attempts, timestamp }: Message): { message: Json; failure: Failure } {
  const said = v.safeParse(DeadLetter, body);
  if (said.success) {
    const { reason, error, failedAt, message } = said.output;
    return {
      message: storable(message),
      failure: { at: failedAt, reason, error: error.toWellFormed(), attempts: said.output.attempts },
    };
  }
  const setAside = v.safeParse(SetAside, body);
  if (setAside.success) {
    const { txId, blockNumber, reason, error, failedAt } = setAside.output;
    return {
      message: { txId, blockNumber },
      failure: { at: failedAt, reason, error: error.toWellFormed(), attempts: 1 },
    };
  }
  const error = "the platform moved it here after the last retry; the Worker's log has the cause";
  return {
    message: storable(body),
    failure: { at: timestamp.getTime(), reason: "retries_exhausted", error, attempts },
  };
}

/** The message as JSON; bytes, and what JSON can't hold, in a form that says what they were. */
function storable(body: unknown): Json {
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body))
    return {
      bytes: base64url(
        body instanceof ArrayBuffer
          ? new Uint8Array(body)
          : new Uint8Array(body.buffer, body.byteOffset, body.byteLength),
      ),
    };
  try {
    const json = body as Json;
    canonicalText(json);
    return json;
  } catch {
    return { unreadable: (JSON.stringify(body) ?? String(body)).toWellFormed() };
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
