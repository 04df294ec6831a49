import { fromUtf8, readAtMost } from "../crypto/bytes.ts";
import { Problem } from "./problems.ts";

/**
 * Reads the request's body as text, unchanged. Stops reading at the limit, whatever Content-Length says.
 * @throws Problem "body-too-large" or "invalid-body" (not UTF-8)
 */
export async function readText(request: Request, maxBytes: number): Promise<string> {
  const bytes = await readBytes(request, maxBytes);
  try {
    return fromUtf8(bytes);
  } catch {
    throw new Problem("invalid-body", "The body is not UTF-8 text.");
  }
}

/** @throws Problem "body-too-large" */
export async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(request.headers.get("content-length") ?? "0") > maxBytes) throw tooLarge(maxBytes);
  const bytes = await readAtMost(request.body, maxBytes);
  if (bytes === undefined) throw tooLarge(maxBytes);
  return bytes;
}

export function tooLarge(maxBytes: number): Problem {
  return new Problem("body-too-large", `The body may have at most ${maxBytes} bytes.`, {
    members: { maxBytes },
  });
}
