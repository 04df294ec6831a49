import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DEAD_LETTER_STATES } from "../../../shared/api/dead-letters.ts";
import { PERMANENT_REASONS } from "../../../shared/runtime/errors.ts";
import { PROBLEMS } from "../../../shared/http/problems.ts";
import { IGNORED_REASONS } from "../../../shared/stripe/decision.ts";
import { STRIPE_REFUSALS } from "../../../shared/stripe/refusal.ts";
import { listIn } from "../../support/assertions/lists.ts";

const read = (path: string) => readFileSync(join(import.meta.dirname, "../../..", path), "utf8");
const DOCUMENT = read("docs/problems.md");

describe("docs/problems.md", () => {
  it("describes every problem type, with its status and title, and no other", () => {
    const described = section("Problem types")
      .split(/^### /m)
      .slice(1)
      .map((text) => {
        const [slug = "", , line = ""] = text.split("\n");
        const [status = "", title = ""] = line.split(" · ");
        return [slug, { status: Number(status), title }];
      });
    expect(Object.fromEntries(described)).toEqual(PROBLEMS);
    expect(described.map(([slug]) => slug)).toEqual(Object.keys(PROBLEMS));
  });

  it.each(Object.keys(PROBLEMS))("says of %s what happened and what to do", (slug) => {
    const text = section("Problem types").split(`### ${slug}\n`)[1]?.split("\n### ")[0] ?? "";
    expect(text).toMatch(/^\*\*What happened\.\*\* \S/m);
    expect(text).toMatch(/^\*\*What to do\.\*\* \S/m);
  });

  it.each([
    { title: "Ignored reasons", reasons: IGNORED_REASONS },
    { title: "Refusal reasons", reasons: STRIPE_REFUSALS },
    { title: "Permanent reasons", reasons: PERMANENT_REASONS },
    { title: "Dead letters", reasons: DEAD_LETTER_STATES },
  ])("lists under $title those of the code, each with what to do", ({ title, reasons }) => {
    const rows = listIn(section(title));
    expect(rows.map(([reason]) => reason)).toEqual(reasons);
    for (const cells of rows) for (const cell of cells) expect(cell, String(cells[0])).not.toBe("");
  });
});

function section(title: string): string {
  const text = DOCUMENT.split(`\n## ${title}\n`)[1];
  if (text === undefined) throw new Error(`docs/problems.md has no section "${title}"`);
  return text.split("\n## ")[0] ?? "";
}
