/**
 * Every problem that VDC answers with (RFC 9457). The key ends the `type` URI, which is stable: programs branch on it.
 * `docs/problems.md` says what to do about each.
 */
export const PROBLEMS = {
  "invalid-signature": { status: 400, title: "The Stripe signature does not verify" },
  "unsupported-event": { status: 400, title: "This Stripe event can't be taken" },
  "invalid-body": { status: 400, title: "The body can't be read" },
  "invalid-parameter": { status: 400, title: "A parameter is malformed" },
  "invalid-user-signature": { status: 400, title: "The user's signature does not verify" },
  "timestamp-outside-window": { status: 400, title: "The timestamp is too far from now" },
  "personal-data": { status: 400, title: "This would be public for ever, and looks personal" },
  unauthorized: { status: 401, title: "This call is for operators" },
  "not-registered": { status: 403, title: "This key is of no registered user" },
  "registration-needs-token": { status: 403, title: "Registration needs an activation token here" },
  "not-found": { status: 404, title: "There is no such thing here" },
  "not-in-checkpoint": { status: 409, title: "No checkpoint covers it yet" },
  "not-ready": { status: 409, title: "It is not in a state for this yet" },
  halted: { status: 409, title: "The chain is halted" },
  "not-needed": { status: 409, title: "There is nothing to do this for" },
  "run-active": { status: 409, title: "A run is under way" },
  "already-exists": { status: 409, title: "It is in the chain already" },
  "unknown-asset": { status: 409, title: "There is no such asset to transfer" },
  "not-owner": { status: 409, title: "The asset is not the signer's" },
  "recipient-not-registered": { status: 409, title: "The new owner's key is of no registered user" },
  "intent-expired": { status: 409, title: "It was not paid in time" },
  "activation-used": { status: 409, title: "This activation token has been used" },
  "stale-version": { status: 409, title: "There is a newer version" },
  "activation-expired": { status: 410, title: "This activation token has expired" },
  erased: { status: 410, title: "It has been erased" },
  "method-not-allowed": { status: 405, title: "This path does not take this method" },
  "replay-active": { status: 409, title: "Another replay is running" },
  "body-too-large": { status: 413, title: "The body is too large" },
  "idempotency-mismatch": { status: 422, title: "This Idempotency-Key was used for another request" },
  "rate-limited": { status: 429, title: "Too many requests" },
  "quota-exceeded": { status: 429, title: "The day's quota is used up" },
  "internal-error": { status: 500, title: "Something went wrong on our side" },
  "operators-not-configured": { status: 503, title: "Operator calls are switched off" },
  "audit-unavailable": { status: 503, title: "The audit log can't be written to, so nothing was done" },
  "queue-unavailable": { status: 503, title: "The queue did not take it" },
  "not-configured": { status: 503, title: "This deployment is not configured" },
  unavailable: { status: 503, title: "A part of the system can't be reached" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemSlug = keyof typeof PROBLEMS;

export const problemType = (slug: ProblemSlug) => `urn:vdc:problem:${slug}`;

/**
 * Any code below a handler may throw it; it is answered as `application/problem+json`. `detail` is for the caller: no
 * secrets, no internals.
 */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly slug: ProblemSlug;
  readonly members: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    slug: ProblemSlug,
    detail: string,
    extra: { members?: Record<string, unknown>; headers?: Record<string, string> } = {},
  ) {
    super(detail);
    this.slug = slug;
    this.members = extra.members ?? {};
    this.headers = extra.headers ?? {};
  }
}

export function problemResponse(problem: Problem, requestId: string): Response {
  const { status, title } = PROBLEMS[problem.slug];
  const body = {
    type: problemType(problem.slug),
    title,
    status,
    detail: problem.message,
    requestId,
    ...problem.members,
  };
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...problem.headers },
  });
}
