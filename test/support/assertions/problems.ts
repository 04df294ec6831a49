import { expect } from "vitest";
import { PROBLEMS, type ProblemSlug } from "../../../shared/http/problems.ts";

export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  requestId: string;
  [member: string]: unknown;
}

/** Expects this problem, in the exact form of RFC 9457. @returns its body, for further checks */
export async function expectProblem(response: Response, slug: ProblemSlug, what = ""): Promise<ProblemBody> {
  const text = await response.text();
  expect(response.status, `${what} ${text}`).toBe(PROBLEMS[slug].status);
  expect(response.headers.get("content-type"), what).toBe("application/problem+json");
  expect(response.headers.get("cache-control"), what).toBe("no-store");
  expectHeaders(response);
  const body = JSON.parse(text) as ProblemBody;
  expect(body, what).toMatchObject({
    type: `urn:vdc:problem:${slug}`,
    title: PROBLEMS[slug].title,
    status: PROBLEMS[slug].status,
    requestId: response.headers.get("x-request-id"),
  });
  expect(body.detail.length, what).toBeGreaterThan(10);
  return body;
}

const HEADERS = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=63072000",
  "content-security-policy":
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-frame-options": "DENY",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
};

/** Headers that would tell an attacker which software to attack. */
const TELLTALE = ["server", "x-powered-by", "x-aspnet-version", "via"];

/** Expects the headers that every answer must have, and no header that an answer must not have. */
export function expectHeaders({ headers }: Response): void {
  expect(headers.get("x-request-id")).toMatch(/^[A-Za-z0-9-]{8,64}$/);
  expect(Object.fromEntries(headers)).toMatchObject(HEADERS);
  expect(headers.get("permissions-policy")).toContain("camera=()");
  expect(headers.get("cache-control")).not.toBeNull();
  expect(TELLTALE.filter((name) => headers.has(name))).toEqual([]);
  expect(headers.has("set-cookie")).toBe(false);
}

/** Expects that an answer for one caller only is not cached and not readable by pages of other origins. */
export function expectPrivate({ headers }: Response): void {
  expect(headers.get("cache-control")).toBe("no-store");
  expect([...headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([]);
}
