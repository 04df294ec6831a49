import * as v from "valibot";
import { base64url, fromBase64url, fromUtf8, utf8 } from "../../../shared/crypto/bytes.ts";
import { Problem } from "../../../shared/http/problems.ts";

/** Encodes the end of a page as a text, which callers send back unchanged. */
export function writeCursor(place: Readonly<Record<string, string | number>>): string {
  return base64url(utf8(JSON.stringify(place)));
}

/** @throws Problem "invalid-parameter" for a text that `writeCursor` did not write */
export function readCursor<Place extends v.GenericSchema>(
  schema: Place,
  text: string | undefined,
): v.InferOutput<Place> | null {
  if (text === undefined) return null;
  try {
    return v.parse(schema, JSON.parse(fromUtf8(fromBase64url(text))));
  } catch {
    throw new Problem("invalid-parameter", "cursor: take it from `next` of the page before, as it is.");
  }
}
