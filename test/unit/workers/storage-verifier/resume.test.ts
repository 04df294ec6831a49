import { expect, it } from "vitest";
import { resumeRun } from "../../../../workers/storage-verifier/runs/resume.ts";

it("the resumption of a restore does nothing while the chain head has its chain: the verification that runs goes on", async () => {
  const restore = { id: "restore", kind: "restore", state: "failed" };
  const asked: string[] = [];
  const env = {
    CHAIN_ID: "vdc-test",
    CHAIN_HEAD: { getByName: () => ({ beginRestore: async () => null }) },
    STORAGE_RUNS: {
      getByName: () => ({
        find: async () => restore,
        resume: async (id: string) => {
          asked.push(id);
          return { ended: restore };
        },
      }),
    },
  };
  expect(await resumeRun("restore", env as never)).toEqual({ ended: restore });
  expect(asked).toEqual([]);
});
