import { problemType, type ProblemSlug } from "../http/problems.ts";

/** An answer other than the expected one. */
export interface FailedAnswer {
  /** `GET https://…/api/vdc/latest` */
  readonly call: string;
  readonly status: number;
  /** The parsed body, when it is JSON. */
  readonly body: unknown;
}

/**
 * VDC refused the call: `docs/problems.md` says what to do about each `slug`. A program branches on `slug` or `type`;
 * `detail` is for a person, and `requestId` for the operator of the deployment.
 */
export class VdcProblem extends Error {
  override readonly name = "VdcProblem";
  readonly type: string;
  /** The end of `type`. A deployment that is newer than this client may have other slugs. */
  readonly slug: ProblemSlug | (string & {});
  readonly status: number;
  readonly detail: string;
  readonly requestId: string | undefined;
  /** All members of the answer, also those of this problem alone. */
  readonly members: Readonly<Record<string, unknown>>;
  readonly answer: FailedAnswer;

  constructor(type: string, members: Readonly<Record<string, unknown>>, answer: FailedAnswer) {
    const detail = textOf(members.detail) ?? textOf(members.title) ?? type;
    super(detail);
    this.type = type;
    this.slug = type.slice(PREFIX.length);
    this.status = answer.status;
    this.detail = detail;
    this.requestId = typeof members.requestId === "string" ? members.requestId : undefined;
    this.members = members;
    this.answer = answer;
  }
}

/** No answer came, or an answer that is not VDC's: the result of the call is unknown. */
export class VdcUnreachable extends Error {
  override readonly name = "VdcUnreachable";
  /** The answer, if there was one. */
  readonly answer: FailedAnswer | undefined;

  constructor(detail: string, options: { readonly cause?: unknown; readonly answer?: FailedAnswer } = {}) {
    super(detail, options);
    this.answer = options.answer;
  }
}

const PREFIX = problemType("" as ProblemSlug);

/** The failure of an answer with a status of 300 or more, or of one without the expected JSON. */
export function failureOf(answer: FailedAnswer): VdcProblem | VdcUnreachable {
  const { call, status, body } = answer;
  const members = isObject(body) ? body : {};
  if (typeof members.type === "string" && members.type.startsWith(PREFIX))
    return new VdcProblem(members.type, members, answer);
  return new VdcUnreachable(`${call} answered ${status}, and not as VDC does`, { answer });
}

function textOf(member: unknown): string | undefined {
  return typeof member === "string" ? member : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
