import { CommandFailure, EXIT, type ExitCode } from "../output/failure.ts";
import { onOneLine } from "../output/table.ts";

/** An answer other than the expected one: a problem of `docs/problems.md`, or the answer of another server in between. */
export interface UnexpectedAnswer {
  /** `GET https://…/api/vdc/latest` */
  readonly call: string;
  readonly status: number;
  readonly location: string | null;
  /** The parsed body, when it is JSON. */
  readonly body: unknown;
}

/** The only place that turns HTTP answers into messages and exit codes. */
export class AnswerFailure extends CommandFailure {
  readonly slug: string | undefined;
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(answer: UnexpectedAnswer) {
    const problem = isObject(answer.body) ? answer.body : {};
    const slug = slugOf(problem);
    super(messageOf(answer, slug, problem), exitCodeOf(answer.status, slug));
    this.slug = slug;
    this.problem = problem;
  }
}

const PROBLEM = /^urn:vdc:problem:([a-z-]+)$/;

function slugOf({ type }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof type === "string" ? PROBLEM.exec(type)?.[1] : undefined;
}

function exitCodeOf(status: number, slug: string | undefined): ExitCode {
  if (slug === "operators-not-configured" || slug === "invalid-signature") return EXIT.refused;
  if (slug === undefined && status !== 401 && status !== 403) return EXIT.unknown;
  switch (status) {
    case 400:
    case 413:
      return EXIT.usage;
    case 401:
    case 403:
    case 409:
    case 422:
      return EXIT.refused;
    case 404:
    case 410:
      return EXIT.notFound;
    case 429:
    case 502:
    case 503:
    case 504:
      return EXIT.unknown;
    default:
      return EXIT.failure;
  }
}

function messageOf(
  { call, status, location }: UnexpectedAnswer,
  slug: string | undefined,
  { title, detail, requestId }: Readonly<Record<string, unknown>>,
): string {
  if (slug === undefined) return foreignMessage(call, status, location);
  const message = onOneLine(textOf(detail) ?? textOf(title) ?? slug);
  const request = typeof requestId === "string" ? `, request ${onOneLine(requestId)}` : "";
  const advice = ADVICE[slug];
  return [
    message,
    ...(advice === undefined ? [] : [advice]),
    `(${call} answered ${status} ${slug}${request})`,
  ].join("\n  ");
}

/** Advice for a user of the command line, which the problem's own detail cannot give. */
const ADVICE: Readonly<Record<string, string>> = {
  unauthorized:
    "Set VDC_ADMIN_SECRET to the ADMIN_SECRET of this deployment, or VDC_ADMIN_SECRET_FILE to a file that holds it.",
  "method-not-allowed":
    "The deployment and this command line are of different versions: deploy anew, or update.",
  "internal-error": "`vdc doctor` shows what else is wrong.",
};

function foreignMessage(call: string, status: number, location: string | null): string {
  if (location !== null)
    return `${call} leads elsewhere (${status}, to ${originOf(location)}): give the address of the deployment itself; behind Cloudflare Access, let this machine in`;
  return `${call} answered ${status}, and not as VDC does: is this the address of a VDC deployment, and what stands in front of it?`;
}

function originOf(location: string): string {
  return URL.canParse(location) ? new URL(location).origin : "another path";
}

function textOf(member: unknown): string | undefined {
  return typeof member === "string" ? member : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
