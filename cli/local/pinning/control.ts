import * as v from "valibot";
import { Fault } from "./faults.ts";
import { HttpError, json } from "./http.ts";
import type { PinningRequest } from "./routes.ts";

export function reportFaults({ faults }: PinningRequest): Response {
  return Response.json(faults.report());
}

/** Sets a fault. Accepts JSON only, so that a foreign web page, which may post text to loopback, cannot set faults. */
export function setFault({ headers, body, faults }: PinningRequest): Response {
  if (headers.get("content-type")?.split(";")[0] !== "application/json")
    throw new HttpError(415, "expected application/json");
  const fault = v.safeParse(Fault, json(body));
  if (!fault.success) throw new HttpError(400, v.summarize(fault.issues));
  faults.set(fault.output);
  return Response.json(faults.report());
}

export function clearFaults({ faults }: PinningRequest): Response {
  faults.clear();
  return Response.json(faults.report());
}
