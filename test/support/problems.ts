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

/** What every answer bears. */
export function expectHeaders({ headers }: Response): void {
  expect(headers.get("x-request-id")).toMatch(/^[A-Za-z0-9-]{8,64}$/);
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("referrer-policy")).toBe("no-referrer");
  expect(headers.get("strict-transport-security")).toMatch(/^max-age=\d{7,}/);
  expect(headers.get("content-security-policy")).toContain("default-src 'none'");
}
