import type { Fault, FaultSwitch } from "./faults.ts";
import { HttpError } from "./http.ts";

const BODYLESS = [204, 205, 304];

/** Answers for the faults that keep a request from its handler; the handlers apply the other faults. */
export async function intercept(
  fault: Fault | undefined,
  faults: FaultSwitch,
  headers: Headers,
): Promise<Response | undefined> {
  switch (fault?.kind) {
    case "fail":
      return failed(fault.status, fault.html === true);
    case "unauthorized":
      throw new HttpError(401, "Not Authorized");
    case "quoting":
      throw new HttpError(400, `Bad Request: ${JSON.stringify([...headers])}`);
    case "rate_limit":
      throw new HttpError(429, "Too Many Requests", { "retry-after": String(fault.retryAfterSeconds) });
    case "stall":
      await faults.stall();
      return undefined;
    default:
      return undefined;
  }
}

function failed(status: number, html: boolean): Response {
  if (BODYLESS.includes(status)) return new Response(null, { status });
  if (!html) return Response.json({ error: { code: status, message: "fault" } }, { status });
  return new Response(`<!doctype html><title>${status}</title><h1>${status}</h1>`, {
    status,
    headers: { "content-type": "text/html; charset=utf-8" },
  });
}
