import { problemType, type ProblemSlug } from "../http/problems.ts";

/** An answer that is not the one asked for. */
export interface FailedAnswer {
  /** `GET https://…/api/vdc/latest` */
  readonly call: string;
  readonly status: number;
  /** What the body holds when it is JSON. */
  readonly body: unknown;
}

/**
 * VDC refused: `docs/problems.md` says what to do about each `slug`. A program branches on `slug` or `type`; `detail` is
 * for a person, and `requestId` for whoever runs the deployment.
 */
export class VdcProblem extends Error {
  override readonly name = "VdcProblem";
  readonly type: string;
  /** The end of `type`. A deployment that is newer than this client may have others. */
  readonly slug: ProblemSlug | (string & {});
  readonly status: number;
  readonly detail: string;
  readonly requestId: string | undefined;
  /** All that the answer says, its own members too. */
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

/** Nobody answered, or somebody else than VDC did: nothing is known, neither good nor bad. */
export class VdcUnreachable extends Error {
  override readonly name = "VdcUnreachable";
  /** What was answered, when anything was. */
  readonly answer: FailedAnswer | undefined;

  constructor(detail: string, options: { readonly cause?: unknown; readonly answer?: FailedAnswer } = {}) {
    super(detail, options);
    this.answer = options.answer;
  }
}

const PREFIX = problemType("" as ProblemSlug);

/** The failure that an answer with a status of 300 or more, or one without the JSON that was asked for, stands for. */
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
