import { expect } from "vitest";
import { PROBLEMS, type ProblemSlug } from "../../shared/http/problems.ts";

export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  requestId: string;
  [member: string]: unknown;
}

/** The answer is this problem, whole and as RFC 9457 has it. @returns its body, for more that a test knows of it */
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

/** They would tell whom to attack with what. */
const TELLTALE = ["server", "x-powered-by", "x-aspnet-version", "via"];

/** What every answer bears, and what none does. */
export function expectHeaders({ headers }: Response): void {
  expect(headers.get("x-request-id")).toMatch(/^[A-Za-z0-9-]{8,64}$/);
  expect(Object.fromEntries(headers)).toMatchObject(HEADERS);
  expect(headers.get("permissions-policy")).toContain("camera=()");
  expect(headers.get("cache-control")).not.toBeNull();
  expect(TELLTALE.filter((name) => headers.has(name))).toEqual([]);
  expect(headers.has("set-cookie")).toBe(false);
}

/** What only one may read is kept by nobody, and read by no page of another. */
export function expectPrivate({ headers }: Response): void {
  expect(headers.get("cache-control")).toBe("no-store");
  expect([...headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([]);
}
