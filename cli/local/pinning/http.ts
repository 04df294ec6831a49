import type { IncomingMessage, ServerResponse } from "node:http";

/** Above this size the SDK uploads in pieces (TUS), which this service does not support. */
const MAX_BODY_BYTES = 100 * 1024 * 1024;

export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** An error in the form of Pinata's v3 API. */
export function failure(error: unknown): Response {
  const { status, message, headers } =
    error instanceof HttpError ? error : new HttpError(500, "Internal Server Error");
  return Response.json(
    { error: { code: status, message } },
    { status, headers: { "cache-control": "no-store", ...headers } },
  );
}

/** @throws HttpError 413 */
export async function readBody(incoming: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    // Reads the rest and drops it: a client in the middle of its upload reads no answer.
    if (length <= MAX_BODY_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (length > MAX_BODY_BYTES) throw new HttpError(413, `more than ${MAX_BODY_BYTES} bytes`);
  return new Uint8Array(Buffer.concat(chunks));
}

/** @throws HttpError 400 */
export function json(body: Uint8Array | string): unknown {
  try {
    return JSON.parse(typeof body === "string" ? body : new TextDecoder().decode(body));
  } catch {
    throw new HttpError(400, "expected JSON");
  }
}

/** Sends a response. Node itself leaves out the body of an answer to HEAD. */
export async function send(outgoing: ServerResponse, response: Response): Promise<void> {
  const body = new Uint8Array(await response.arrayBuffer());
  const headers = Object.fromEntries(response.headers);
  if (response.body !== null) headers["content-length"] ??= String(body.length);
  outgoing.writeHead(response.status, headers);
  outgoing.end(body);
}
