import { json } from "../../../shared/http/answer.ts";
import { readBytes } from "../../../shared/http/body.ts";
import { Problem } from "../../../shared/http/problems.ts";
import type {
  BlockReport,
  StorageRun,
  StorageStatus,
  VerifyAllResult,
} from "../../../shared/api/storage-report.ts";
import { operation, type Call } from "../http/operation.ts";
import * as api from "../../../shared/api/storage-verify.ts";

export const storageStatus = operation(api.storageStatus, async ({ env, query: { from, limit } }) =>
  json((await env.STORAGE_VERIFIER.status(from, limit)) satisfies StorageStatus),
);

export const verifyBlock = operation(
  api.verifyBlock,
  async ({ env, params: { blockNumber }, query: { repair }, requestId }) => {
    const report = await env.STORAGE_VERIFIER.verify(blockNumber, repair, requestId);
    if (!("none" in report)) return json(report satisfies BlockReport);
    if (report.none === "unknown")
      throw new Problem(
        "not-found",
        `There is no block ${blockNumber}. The chain has ${report.totalBlocks}.`,
      );
    throw new Problem(
      "not-ready",
      `Block ${blockNumber} is ${report.none}: it is on its way into the tiers. Ask again shortly.`,
    );
  },
);

export const verifyAll = operation(api.verifyAll, async ({ env, query: { repair }, operator, requestId }) => {
  const by = operator?.name ?? "";
  const answer = await env.STORAGE_VERIFIER.verifyAll({ repair, by }, requestId);
  if ("finished" in answer) return json(answer.finished satisfies VerifyAllResult);
  return started(answer);
});

export const restoreChain = operation(api.restoreChain, async ({ env, operator, requestId }) => {
  const answer = await env.STORAGE_VERIFIER.restore(operator?.name ?? "", requestId);
  if ("refused" in answer) throw new Problem("not-needed", `${answer.refused}.`);
  return started(answer);
});

function started(answer: { started: StorageRun } | { active: StorageRun }): Response {
  if ("active" in answer)
    throw new Problem(
      "run-active",
      `A ${answer.active.kind} run is under way, begun by ${answer.active.by}. Wait for it, or abort it.`,
      { members: { runId: answer.active.id } },
    );
  const location = `/api/storage-verify/runs/${answer.started.id}`;
  return json(answer.started satisfies StorageRun, { status: 202, headers: { location } });
}

export const bringBlock = operation(
  api.bringBlock,
  async ({ env, request, params: { blockNumber }, requestId }) => {
    const bytes = await readBytes(request, api.MAX_BLOCK_BYTES);
    const answer = await env.STORAGE_VERIFIER.accept(blockNumber, bytes, requestId);
    if ("invalid" in answer)
      throw new Problem("invalid-body", `Not block ${blockNumber}: ${answer.invalid}.`, {
        members: { member: null },
      });
    if ("refused" in answer) throw new Problem("not-needed", `${answer.refused}.`);
    const report = "report" in answer ? answer.report : null;
    return json({ blockNumber, stored: true, report } satisfies api.AcceptedCopy);
  },
);

export const storageRuns = operation(api.storageRuns, async ({ env }) =>
  json({ runs: [...(await env.STORAGE_VERIFIER.runs())] } satisfies api.RunList),
);

export const storageRun = operation(api.storageRun, async ({ env, params: { runId } }) =>
  answerRun(await env.STORAGE_VERIFIER.run(runId), runId),
);

export const abortStorageRun = operation(
  api.abortStorageRun,
  async ({ env, params: { runId }, operator }: Call<{ runId: string }>) =>
    answerRun(await env.STORAGE_VERIFIER.abort(runId, operator?.name ?? ""), runId),
);

export const resumeStorageRun = operation(api.resumeStorageRun, async ({ env, params: { runId } }) => {
  const answer = await env.STORAGE_VERIFIER.resume(runId);
  if (answer === null) return answerRun(null, runId);
  if ("ended" in answer) throw new Problem("not-needed", `Run ${runId} is done. Start another.`);
  return started(answer);
});

function answerRun(run: StorageRun | null, runId: string): Response {
  if (run === null) throw new Problem("not-found", `There is no run ${runId}. The latest 50 are kept.`);
  return json(run satisfies StorageRun);
}
