import { errorText, type Log } from "../runtime/log.ts";
import { Problem, problemResponse } from "./problems.ts";
import { drop } from "./read-into.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";

export const REQUEST_ID_HEADER = "x-request-id";

const GOOD_REQUEST_ID = /^[A-Za-z0-9-]{8,64}$/;

/** The caller's request id when it is harmless, otherwise a new one. */
export function requestIdOf(request: Request): string {
  const given = request.headers.get(REQUEST_ID_HEADER);
  return given !== null && GOOD_REQUEST_ID.test(given) ? given : crypto.randomUUID();
}

/**
 * Runs a handler so that every request has one answer and one log line. Problems become problem+json; any other error
 * becomes a 500 that reveals nothing internal. Adds the request id and the security headers.
 */
export async function answer(
  request: Request,
  log: Log,
  handle: (requestId: string, log: Log) => Promise<Response>,
): Promise<Response> {
  const started = Date.now();
  const requestId = requestIdOf(request);
  const requestLog = log.with({ requestId });
  const response = await handle(requestId, requestLog).catch((error: unknown) =>
    problemResponse(problemOf(error, requestLog), requestId),
  );
  await dropUnread(request);
  requestLog.info("request", {
    method: request.method,
    path: new URL(request.url).pathname.slice(0, LOGGED_PATH),
    status: response.status,
    milliseconds: Date.now() - started,
  });
  return withHeaders(response, requestId);
}

/** Characters. VDC's own paths are shorter, and Cloudflare allows 16 kB. */
const LOGGED_PATH = 500;

/** Drains up to 1 MB of an unread body, so that clients receive the error before the connection closes. */
const UNREAD = { maxBytes: 1024 * 1024, milliseconds: 5_000 };

async function dropUnread({ body, bodyUsed }: Request): Promise<void> {
  if (body !== null && !bodyUsed && !body.locked) await drop(body, UNREAD);
}

/**
 * The problem that the caller receives for an error. An unexpected error is logged, and the caller learns nothing of it.
 */
export function problemOf(error: unknown, log: Log): Problem {
  if (error instanceof Problem) return error;
  log.error("request.failed", { error: errorText(error) });
  return new Problem(
    "internal-error",
    "The failure is logged under this request id. Try again; if it stays, give the operator the id.",
  );
}

function withHeaders(response: Response, requestId: string): Response {
  const copy = new Response(response.body, response);
  copy.headers.set(REQUEST_ID_HEADER, requestId);
  for (const [name, value] of Object.entries(SECURITY_HEADERS))
    if (!copy.headers.has(name)) copy.headers.set(name, value);
  return copy;
}

/** Plain JSON, not cached unless `headers` say otherwise. */
export function json(
  body: unknown,
  init: { status?: number; headers?: Record<string, string> } = {},
): Response {
  return new Response(`${JSON.stringify(body)}\n`, {
    status: init.status ?? 200,
    headers: { "content-type": "application/json", "cache-control": "no-store", ...init.headers },
  });
}
