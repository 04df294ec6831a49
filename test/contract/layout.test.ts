import { describe, expect, it } from "vitest";
import { kvKeys, r2Keys } from "../../shared/storage/layout.ts";

describe("the keys in storage", () => {
  // docs/format.md#10-storage: other programs and the data of a running chain depend on each key.
  it("are those of docs/format.md", () => {
    const all = {
      kv: Object.fromEntries(Object.entries(kvKeys).map(([name, key]) => [name, spelled(key)])),
      r2: Object.fromEntries(Object.entries(r2Keys).map(([name, key]) => [name, spelled(key)])),
    };
    expect(all).toEqual({
      kv: {
        latest: "vdc:latest",
        indexed: "vdc:indexed",
        pendingCount: "vdc:pending:count",
        blockPrefix: "vdc:block:",
        block: "vdc:block:{0}",
        transaction: "vdc:tx:{0}",
        documentEntryPrefix: "vdc:doc:{0}",
        documentEntry: "vdc:doc:{0}:0000000000000{1}:000{2}",
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
        logPrefix: "log/",
        transactionLogPrefix: "log/tx/",
        logCheckpoint: "{0}checkpoints/{1}",
        timestamp: "log/timestamps/{0}/{1}.tsr",
        logEvidence: "evidence/{0}-{1}",
        deadLetterPrefix: "dead-letters/",
        deadLetter: "dead-letters/{0}/{1}.json",
      },
    });
  });
});

function spelled(key: string | ((...parts: never[]) => string)): string {
  return typeof key === "string" ? key : key(...(["{0}", "{1}", "{2}"] as never[]));
}
