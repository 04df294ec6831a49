import * as v from "valibot";
import { json } from "../../../shared/http/answer.ts";
import { readBytes } from "../../../shared/http/body.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { BlockReport, StorageRun, StorageStatus, VerifyAllResult } from "../../../shared/storage/report.ts";
import { operation, type Call } from "../http/operation.ts";
import { flag, number, NumberOfBlock } from "../http/parameters.ts";
import { Reason } from "../http/reason.ts";

const AnyBlock = { least: 0, most: Number.MAX_SAFE_INTEGER, otherwise: 0 };
const OfBlock = v.strictObject({ blockNumber: NumberOfBlock });
const Repair = flag(true, "false: report only, and change nothing");

export const storageStatus = operation(
  {
    does: "Which tiers list which blocks: a look at presence; verify checks the bytes",
    who: "operator",
    query: v.strictObject({
      from: number(AnyBlock, "The block to begin with: `next` of the page before"),
      limit: number({ least: 1, most: 1_000, otherwise: 1_000 }, "Blocks in a page, at most"),
    }),
    answers: { 200: StorageStatus },
  },
  async ({ env, query: { from, limit } }) =>
    json((await env.STORAGE_VERIFIER.status(from, limit)) satisfies StorageStatus),
);

export const verifyBlock = operation(
  {
    does: "Checks the bytes of a block in every tier, and restores what is missing or corrupt from a sound copy",
    who: "operator",
    params: OfBlock,
    query: v.strictObject({ repair: Repair }),
    answers: { 200: BlockReport },
    problems: ["not-found", "not-ready"],
  },
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

export const verifyAll = operation(
  {
    does: "Verifies every block: at once for a small chain, else as a run that goes on by itself",
    who: "operator",
    query: v.strictObject({ repair: Repair }),
    answers: { 200: VerifyAllResult, 202: StorageRun },
    problems: ["run-active"],
  },
  async ({ env, query: { repair }, operator, requestId }) => {
    const by = operator?.name ?? "";
    const answer = await env.STORAGE_VERIFIER.verifyAll({ repair, by }, requestId);
    if ("finished" in answer) return json(answer.finished satisfies VerifyAllResult);
    return started(answer);
  },
);

export const RestoreRequest = v.strictObject({ reason: Reason });
export type RestoreRequest = v.InferOutput<typeof RestoreRequest>;

export const restoreChain = operation(
  {
    does: "Rebuilds a chain head that has lost its storage from R2 and KV, link by link, then restores the tiers",
    who: "operator",
    body: RestoreRequest,
    answers: { 202: StorageRun },
    problems: ["run-active", "not-needed"],
  },
  async ({ env, operator, requestId }) => {
    const answer = await env.STORAGE_VERIFIER.restore(operator?.name ?? "", requestId);
    if ("refused" in answer) throw new Problem("not-needed", `${answer.refused}.`);
    return started(answer);
  },
);

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

const MAX_BLOCK_BYTES = 26 * 1024 * 1024;

export const AcceptedCopy = v.strictObject({
  blockNumber: v.number(),
  stored: v.literal(true),
  /** The result in each tier; null for a block that waits in the archive until the chain is restored. */
  report: v.nullable(BlockReport),
});
export type AcceptedCopy = v.InferOutput<typeof AcceptedCopy>;

export const bringBlock = operation(
  {
    does: "Brings a sound copy of a block from elsewhere, for one that no tier has, or before the chain is restored",
    who: "operator",
    params: OfBlock,
    body: {
      contentType: "application/json",
      does: "the block's canonical bytes, exactly as they were exported",
      maxBytes: MAX_BLOCK_BYTES,
    },
    answers: { 200: AcceptedCopy },
    problems: ["invalid-body", "body-too-large", "not-needed"],
  },
  async ({ env, request, params: { blockNumber }, requestId }) => {
    const bytes = await readBytes(request, MAX_BLOCK_BYTES);
    const answer = await env.STORAGE_VERIFIER.accept(blockNumber, bytes, requestId);
    if ("invalid" in answer)
      throw new Problem("invalid-body", `Not block ${blockNumber}: ${answer.invalid}.`, {
        members: { member: null },
      });
    if ("refused" in answer) throw new Problem("not-needed", `${answer.refused}.`);
    const report = "report" in answer ? answer.report : null;
    return json({ blockNumber, stored: true, report } satisfies AcceptedCopy);
  },
);

export const RunList = v.strictObject({ runs: v.array(StorageRun) });
export type RunList = v.InferOutput<typeof RunList>;

export const storageRuns = operation(
  { does: "The latest runs, without their results", who: "operator", answers: { 200: RunList } },
  async ({ env }) => json({ runs: [...(await env.STORAGE_VERIFIER.runs())] } satisfies RunList),
);

const RunId = v.strictObject({
  runId: v.pipe(v.string(), v.uuid("expected the id of a run"), v.description("The run's `id`")),
});

export const storageRun = operation(
  {
    does: "A run: how far it is, and the blocks that were not simply ok",
    who: "operator",
    params: RunId,
    answers: { 200: StorageRun },
    problems: ["not-found"],
  },
  async ({ env, params: { runId } }) => answerRun(await env.STORAGE_VERIFIER.run(runId), runId),
);

export const abortStorageRun = operation(
  {
    does: "Ends a run after the chunk that it is at; what it has restored stays",
    who: "operator",
    params: RunId,
    answers: { 200: StorageRun },
    problems: ["not-found"],
  },
  async ({ env, params: { runId }, operator }: Call<{ runId: string }>) =>
    answerRun(await env.STORAGE_VERIFIER.abort(runId, operator?.name ?? ""), runId),
);

export const resumeStorageRun = operation(
  {
    does: "Lets an aborted or failed run go on where it stopped",
    who: "operator",
    params: RunId,
    answers: { 202: StorageRun },
    problems: ["not-found", "run-active", "not-needed"],
  },
  async ({ env, params: { runId } }) => {
    const answer = await env.STORAGE_VERIFIER.resume(runId);
    if (answer === null) return answerRun(null, runId);
    if ("ended" in answer) throw new Problem("not-needed", `Run ${runId} is done. Start another.`);
    return started(answer);
  },
);

function answerRun(run: StorageRun | null, runId: string): Response {
  if (run === null) throw new Problem("not-found", `There is no run ${runId}. The latest 50 are kept.`);
  return json(run satisfies StorageRun);
}
