import * as v from "valibot";

/** An advisory that a maintainer has accepted: it does not fail CI before the day `expires`. */
const Acceptance = v.strictObject({
  id: v.pipe(v.string(), v.regex(/^GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}$/)),
  package: v.string(),
  /** Why the advisory does no harm here, for later readers. */
  reason: v.pipe(v.string(), v.minLength(40)),
  by: v.pipe(v.string(), v.minLength(2)),
  /** The first day on which the advisory fails CI again. */
  expires: v.pipe(v.string(), v.isoDate()),
});
export const Accepted = v.strictObject({ accepted: v.array(Acceptance) });
export type Accepted = v.InferOutput<typeof Accepted>;

const SEVERITIES = ["info", "low", "moderate", "high", "critical"] as const;
type Severity = (typeof SEVERITIES)[number];

/**
 * The members of the output of `npm audit --json` that VDC reads. `via` names the package behind, or is the advisory
 * itself.
 */
const Via = v.object({
  name: v.string(),
  title: v.string(),
  url: v.string(),
  severity: v.picklist(SEVERITIES),
  range: v.string(),
});
export const NpmAuditReport = v.object({
  auditReportVersion: v.literal(2),
  vulnerabilities: v.record(v.string(), v.object({ via: v.array(v.union([v.string(), Via])) })),
});
export type NpmAuditReport = v.InferOutput<typeof NpmAuditReport>;

export interface Advisory {
  readonly id: string;
  readonly package: string;
  readonly title: string;
  readonly severity: Severity;
  readonly range: string;
  /** The package is deployed, or runs at deployment; not only in the tools of the build. */
  readonly production: boolean;
}

export interface Assessment {
  readonly failing: readonly Advisory[];
  /** Advisories that do not fail CI: of low severity, or in the tools only. */
  readonly toReview: readonly Advisory[];
  readonly accepted: readonly Advisory[];
  /** Ids in the list of accepted advisories that have expired, or that no dependency has. */
  readonly stale: readonly string[];
}

/**
 * High and critical advisories in production dependencies fail, except those accepted until later than today.
 * @param all the report of every dependency; `production` that of `--omit=dev`
 * @param today as `2026-11-23`
 */
export function assess(
  { all, production }: { readonly all: NpmAuditReport; readonly production: NpmAuditReport },
  { accepted }: Accepted,
  today: string,
): Assessment {
  const deployed = new Set(viasOf(production).map(keyOf));
  const found = new Map([...viasOf(all), ...viasOf(production)].map((via) => [keyOf(via), via]));
  const advisories = [...found].map(([key, { name, title, severity, range, url }]) => ({
    id: idOf(url),
    package: name,
    title,
    severity,
    range,
    production: deployed.has(key),
  }));
  const holds = accepted.filter(({ expires }) => today < expires);
  const isAccepted = (advisory: Advisory) => holds.some((one) => isOf(one, advisory));
  const counting = advisories.filter((advisory) => !isAccepted(advisory));
  return {
    failing: counting.filter(fails),
    toReview: counting.filter((advisory) => !fails(advisory)),
    accepted: advisories.filter(isAccepted),
    stale: accepted
      .filter((one) => !holds.includes(one) || !advisories.some((advisory) => isOf(one, advisory)))
      .map(({ id }) => id),
  };
}

function fails({ production, severity }: Advisory): boolean {
  return production && (severity === "high" || severity === "critical");
}

function viasOf({ vulnerabilities }: NpmAuditReport): v.InferOutput<typeof Via>[] {
  return Object.values(vulnerabilities).flatMap(({ via }) => via.filter((one) => typeof one !== "string"));
}

function keyOf({ name, url }: v.InferOutput<typeof Via>): string {
  return `${name} ${url}`;
}

function idOf(url: string): string {
  return /GHSA-[\w-]+$/.exec(url)?.[0] ?? url;
}

function isOf(one: Accepted["accepted"][number], { id, package: name }: Advisory): boolean {
  return one.id === id && one.package === name;
}

/** Error codes of npm for a mistake in this repository. Any other error is a fault of the registry or the network. */
const OUR_MISTAKES = ["ENOLOCK", "EUSAGE", "EJSONPARSE", "EAUDITNOLOCK", "EINVALIDPACKAGENAME"];

const NoReport = v.object({
  message: v.optional(v.string()),
  error: v.optional(v.object({ code: v.optional(v.nullable(v.string())), summary: v.optional(v.string()) })),
});

export type Reading =
  | { readonly report: NpmAuditReport }
  /** The registry could not be asked: nothing is known, and nothing in this repository needs a change. */
  | { readonly unreachable: string }
  | { readonly broken: string };

/** Reads the output of `npm audit --json`. @param stdout null when npm did not end in time */
export function readAudit(stdout: string | null): Reading {
  if (stdout === null) return { unreachable: "the registry did not answer in time" };
  const answer = parsed(stdout);
  const report = v.safeParse(NpmAuditReport, answer);
  if (report.success) return { report: report.output };
  const failure = v.safeParse(NoReport, answer);
  const { message = "", error } = failure.success ? failure.output : {};
  const why =
    [message, error?.summary].filter(Boolean).join(": ") || "npm audit answered nothing that can be read";
  return OUR_MISTAKES.includes(error?.code ?? "") ? { broken: why } : { unreachable: why };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
