import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MODELS } from "./models.ts";
import { CAN_SEARCH, search } from "./search.ts";

const pathOf = (file: string) => join(import.meta.dirname, file);

it("knows every model and every mutation in this folder", () => {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".pml"));
  expect(MODELS.map(({ file }) => file).toSorted()).toEqual(files.toSorted());
  for (const { file, mutations } of MODELS) {
    const named = readFileSync(pathOf(file), "utf8").match(/\bM_[A-Z0-9_]+\b/g) ?? [];
    expect(mutations.toSorted()).toEqual([...new Set(named)].toSorted());
  }
});

it.runIf(!CAN_SEARCH)("is skipped: install Debian's packages spin and gcc to search the models", ({ skip }) =>
  skip(),
);

describe.runIf(CAN_SEARCH).each(MODELS)("the model $file", ({ file, sizes, mutations }) => {
  it.each(sizes.map((size) => [size.join(" ") || "its own size", size] as const))(
    "keeps its promises in every state, with %s",
    (_, size) => {
      const { violation, states } = search(pathOf(file), size);
      expect(violation).toBeUndefined();
      expect(states).toBeGreaterThan(1_000);
    },
  );

  it.each(mutations)("breaks a promise with the mutation %s", (mutation) => {
    expect(search(pathOf(file), [...(sizes[0] ?? []), mutation], "-O0").violation).toBeDefined();
  });
});
