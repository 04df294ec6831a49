import { describe, expect, it } from "vitest";
import { kvKeys, r2Keys, txIdOfPendingKey, txIdOfSetAsideKey } from "../../shared/storage/layout.ts";
import { lineOf, nodes, sources, type Node } from "./sources.ts";

const LAYOUT = "shared/storage/layout.ts";

/** The beginnings of the keys of docs/format.md#10-storage. */
const KEY =
  /(?<![\w/:.-])(?:(?:vdc|asset|user):|(?:pending|set-aside|blocks|sealed|private|evidence|erased|documents|activation|intents|dead-letters)\/)/;

/** Returns the text of a string, of a part of a template, or of a regular expression. */
function textOf({ type, value, regex }: Node): string | undefined {
  if (type === "Literal" && typeof value === "string") return value;
  if (type === "Literal" && regex) return (regex as { pattern: string }).pattern.replaceAll("\\", "");
  if (type === "TemplateElement") return (value as { raw: string }).raw;
  return undefined;
}

/** Tells whether the text is a key. A sentence may name a key, but no key contains a space. */
function isKey(text: string): boolean {
  return KEY.test(text) && !/\s/.test(text);
}

function keyLiterals(pattern: string): string[] {
  return sources(pattern).flatMap((file) =>
    nodes(file.program).flatMap((node) => {
      const text = textOf(node);
      return text !== undefined && isKey(text) ? [`${file.path}:${lineOf(file, node)} ${text}`] : [];
    }),
  );
}

describe("the keys in storage", () => {
  it("are written in one file", () => {
    const elsewhere = keyLiterals("{shared,workers,cli}/**/*.{ts,mjs}").filter(
      (found) => !found.startsWith(`${LAYOUT}:`),
    );
    expect(elsewhere).toEqual([]);
  });

  it("are recognised by this test: each one of the layout is", () => {
    const keys = [kvKeys, r2Keys].flatMap((keys) =>
      Object.values<string | ((...parts: never[]) => string)>(keys).map((key) =>
        typeof key === "string" ? key : key(...([1, "x", "y"] as never[])),
      ),
    );
    expect(keys.filter((key) => !isKey(key))).toEqual([]);
    expect(keyLiterals(LAYOUT).length).toBeGreaterThanOrEqual(keys.length);
    expect(["/api/vdc/blocks/", "urn:vdc:problem:", "vdc: no", "../chain/blocks/x.ts"].filter(isKey)).toEqual(
      [],
    );
  });

  // docs/format.md#10-storage: other programs and the data of a running chain depend on each key.
  it("are those of docs/format.md", () => {
    const all = {
      kv: Object.fromEntries(Object.entries(kvKeys).map(([name, key]) => [name, spelled(key)])),
      r2: Object.fromEntries(Object.entries(r2Keys).map(([name, key]) => [name, spelled(key)])),
    };
    expect(all).toEqual({
      kv: {
        latest: "vdc:latest",
        pendingCount: "vdc:pending:count",
        blockPrefix: "vdc:block:",
        block: "vdc:block:{0}",
        transaction: "vdc:tx:{0}",
        asset: "asset:{0}",
        userPrefix: "user:",
        user: "user:{0}",
      },
      r2: {
        pendingPrefix: "pending/",
        pending: "pending/{0}.json",
        setAsidePrefix: "set-aside/",
        setAside: "set-aside/{0}.json",
        blockPrefix: "blocks/",
        block: "blocks/{0}.json",
        allSealedPrefix: "sealed/",
        sealedPrefix: "sealed/{0}/",
        sealed: "sealed/{0}/{1}.json",
        evidence: "evidence/{0}/{1}-{2}",
        privatePrefix: "private/",
        private: "private/{0}.json",
        erasedPrefix: "erased/",
        erased: "erased/{0}.json",
        intentPrefix: "intents/",
        intent: "intents/{0}.json",
        documentPrefix: "documents/",
        document: "documents/{0}.json",
        documentEvidence: "evidence/documents/{0}/r2-{1}",
        activationPrefix: "activation/",
        activation: "activation/{0}.json",
        deadLetterPrefix: "dead-letters/",
        deadLetter: "dead-letters/{0}/{1}.json",
      },
    });
  });

  it("lead back from set-aside/ to their transaction, and foreign objects lead to none", () => {
    const txId = `vdc_tx_${"0a".repeat(20)}`;
    expect(txIdOfSetAsideKey(r2Keys.setAside(txId))).toBe(txId);
    for (const foreign of [`set-aside/${txId}`, `set-aside/x/${txId}.json`, `pending/${txId}.json`])
      expect(txIdOfSetAsideKey(foreign), foreign).toBeUndefined();
  });

  it("lead back from pending/ to their transaction, and foreign objects lead to none", () => {
    const txId = `vdc_tx_${"0a".repeat(20)}`;
    expect(txIdOfPendingKey(r2Keys.pending(txId))).toBe(txId);
    for (const foreign of [
      `pending/${txId}`,
      `pending/${txId.toUpperCase()}.json`,
      `pending/x/${txId}.json`,
      `blocks/${txId}.json`,
      `pending/${txId}.json.bak`,
    ])
      expect(txIdOfPendingKey(foreign), foreign).toBeUndefined();
  });
});

function spelled(key: string | ((...parts: never[]) => string)): string {
  return typeof key === "string" ? key : key(...(["{0}", "{1}", "{2}"] as never[]));
}
