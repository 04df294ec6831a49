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
 * Canonical JSON (RFC 8785). Only plain JSON values are taken: a Date, a Map, a hole in an array or a boxed value
 * would be serialised as something else than what the caller holds, and then signed. A member that is `undefined`
 * is left out.
 * @throws TypeError for anything that JSON can't hold, or that is nested deeper than anything of ours
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
 * Reads JSON that must already be canonical and of a schema's shape. What is answered is all that the bytes say, so
 * whoever hashes it hashes them: valibot alone would take [] for {}.
 * @throws SyntaxError or TypeError when the bytes are not JSON, or not its canonical spelling; ValiError for another shape
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

/** What recurs through a value must not run out of stack: that is another error than any reader expects. */
const MAX_DEPTH = 100;

/** @param depth how many levels it may have */
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
