import type * as v from "valibot";
import type { ProblemSlug } from "../http/problems.ts";

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** Text values by name: an object schema that refuses unknown names. */
export type TextsSchema = v.StrictObjectSchema<v.ObjectEntries, undefined>;

/** A body that goes to the handler unread. The handler, or the Worker behind it, reads at most `maxBytes`. */
export interface RawBody {
  readonly contentType: string;
  readonly does: string;
  readonly maxBytes: number;
}

/**
 * An answer: JSON by a schema, a text of another type, only status and headers (`null`), or by the request's `accept` one of
 * several content types: a schema for JSON, `null` for a text.
 */
export type PlannedAnswer =
  | v.GenericSchema
  | { readonly contentType: string | null }
  | { readonly byAccept: Readonly<Record<string, v.GenericSchema | null>> };

/** Input and output of a call. The gateway's checks, its callers' types and `openapi.json` all come from the plan. */
export interface Plan {
  /** A sentence for a person who reads the list of calls. */
  readonly does: string;
  readonly who: "anyone" | "operator" | "stripe";
  readonly params?: TextsSchema;
  readonly query?: TextsSchema;
  readonly body?: v.GenericSchema | RawBody;
  /** The body has checks that JSON Schema can't express: its signature, its key ids. */
  readonly signed?: true;
  /** A public write of many bytes, which has its own rate limit. */
  readonly upload?: true;
  /** A public read that KV can't always answer. It then counts against the caller: `countReadBeyondKv`. */
  readonly beyondKv?: true;
  /** Request headers that the call reads, besides those of `who`: name and meaning. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly answers: Readonly<Record<number, PlannedAnswer>>;
  /** Problems besides those that every call of its kind may answer. */
  readonly problems?: readonly ProblemSlug[];
}

/** Limit of a body that a schema reads; far above any real request or signed record. */
const JSON_BODY_BYTES = 256 * 1024;

/** Returns the most bytes that a body may have; 0 for a call without one. */
export function maxBodyBytes({ body }: Plan): number {
  if (body === undefined) return 0;
  return "kind" in body ? JSON_BODY_BYTES : body.maxBytes;
}

/** Decides whether a call is a public write. HEAD reads. Stripe's deliveries and operators' calls are never limited. */
export function isPublicWrite(method: string, { who }: Plan): boolean {
  return who === "anyone" && !["GET", "HEAD"].includes(method);
}
