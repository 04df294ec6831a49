import canonicalize from "canonicalize";
import * as v from "valibot";
import { fromUtf8, utf8 } from "./bytes.ts";

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json | undefined };

/**
 * Serialises to canonical JSON (RFC 8785). Accepts plain JSON values only: a Date, a Map, a hole in an array or a boxed
 * value would be serialised, and then signed, as another value than the caller's. A member that is `undefined` is left
 * out.
 * @throws TypeError for a value that JSON cannot hold, or that is nested deeper than any value of VDC
 */
export function canonicalText(value: Json): string {
  refuseOdd(value, MAX_DEPTH);
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("nothing to canonicalise");
  return text;
}

export function canonicalBytes(value: Json): Uint8Array<ArrayBuffer> {
  return utf8(canonicalText(value));
}

/**
 * Reads JSON that must already be canonical and of a schema's shape. The result holds all that the bytes say, so its hash
 * is the hash of the bytes; valibot alone would accept [] for {}.
 * @throws SyntaxError or TypeError when the bytes are not JSON, or not canonical; ValiError for another shape
 */
export function parseCanonical<Schema extends v.GenericSchema>(
  schema: Schema,
  bytes: Uint8Array,
): v.InferOutput<Schema> {
  const text = fromUtf8(bytes);
  const value = v.parse(schema, JSON.parse(text));
  if (canonicalText(value as Json) !== text) throw new TypeError("JSON is not in canonical form (RFC 8785)");
  return value;
}

/** Bounds the recursion: a stack overflow is not an error that readers expect. */
const MAX_DEPTH = 100;

/** @param depth most levels of nesting */
function refuseOdd(value: unknown, depth: number): void {
  switch (typeof value) {
    case "boolean":
      return;
    case "number":
      if (!Number.isFinite(value)) throw new TypeError("JSON has no NaN and no infinity");
      return;
    case "string":
      if (!value.isWellFormed()) throw new TypeError("lone surrogate in a string");
      return;
    case "object":
      if (value === null) return;
      if (depth === 0) throw new TypeError(`nested deeper than ${MAX_DEPTH}`);
      if (Array.isArray(value)) {
        for (let i = 0; i < value.length; i++) refuseOdd(value[i], depth - 1);
        return;
      }
      if (!isPlain(value)) throw new TypeError("only plain objects can be canonicalised");
      for (const [name, member] of Object.entries(value)) {
        if (!name.isWellFormed()) throw new TypeError("lone surrogate in a member name");
        if (member !== undefined) refuseOdd(member, depth - 1);
      }
      return;
    default:
      throw new TypeError(`JSON can't hold a ${typeof value}`);
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
