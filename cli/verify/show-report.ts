import type { Report, StepState } from "../../shared/verify/report.ts";
import { verdictText } from "../../shared/verify/words.ts";
import { CommandFailure, EXIT, type ExitCode } from "../output/failure.ts";
import { show } from "../output/show.ts";
import { table } from "../output/table.ts";

const MARKS: Readonly<Record<StepState, string>> = {
  passed: "✓",
  failed: "✗",
  not_checked: "·",
  could_not_check: "?",
};

/**
 * Shows a report, and fails the command unless the verdict is "verified".
 * @throws CommandFailure with exit code 6 for a refused proof, 8 for a revoked key, 7 when something could not be checked
 */
export function showReport(options: { readonly json?: boolean }, report: Report): void {
  show(options, report, asText);
  if (report.verdict !== "verified") throw new CommandFailure(verdictText(report), exitCodeOf(report));
}

function exitCodeOf({ verdict, because }: Report): ExitCode {
  if (verdict === "incomplete") return EXIT.unknown;
  return because?.fault === "revoked_key" ? EXIT.untrusted : EXIT.unverified;
}

function asText(report: Report): string {
  const { steps, proved, notProved } = report;
  return [
    table(
      ["", "step", "whose word", "detail"],
      steps.map(({ name, state, source, detail }) => [
        MARKS[state],
        name.replaceAll("_", " "),
        source,
        detail,
      ]),
    ),
    ...(proved.length > 0 ? ["", "Proved:", ...proved.map((text) => `  ${text}`)] : []),
    "",
    "Not proved:",
    ...notProved.map((text) => `  ${text}`),
    "",
    verdictText(report),
  ].join("\n");
}
