import * as v from "valibot";
import { flag, number, NumberOfBlock } from "./parameters.ts";
import type { Plan } from "./plan.ts";
import { Reason } from "./reason.ts";
import { BlockReport, StorageRun, StorageStatus, VerifyAllResult } from "./storage-report.ts";

const AnyBlock = { least: 0, most: Number.MAX_SAFE_INTEGER, otherwise: 0 };

const OfBlock = v.strictObject({ blockNumber: NumberOfBlock });

const Repair = flag(true, "false: report only, and change nothing");

export const storageStatus = {
  does: "Which tiers list which blocks: a look at presence; verify checks the bytes",
  who: "operator",
  query: v.strictObject({
    from: number(AnyBlock, "The block to begin with: `next` of the page before"),
    limit: number({ least: 1, most: 1_000, otherwise: 1_000 }, "Blocks in a page, at most"),
  }),
  answers: { 200: StorageStatus },
} as const satisfies Plan;

export const verifyBlock = {
  does: "Checks the bytes of a block in every tier, and restores what is missing or corrupt from a sound copy",
  who: "operator",
  params: OfBlock,
  query: v.strictObject({ repair: Repair }),
  answers: { 200: BlockReport },
  problems: ["not-found", "not-ready"],
} as const satisfies Plan;

export const verifyAll = {
  does: "Verifies every block: at once for a small chain, else as a run that goes on by itself",
  who: "operator",
  query: v.strictObject({ repair: Repair }),
  answers: { 200: VerifyAllResult, 202: StorageRun },
  problems: ["run-active"],
} as const satisfies Plan;

export const RestoreRequest = v.strictObject({ reason: Reason });
export type RestoreRequest = v.InferOutput<typeof RestoreRequest>;

export const restoreChain = {
  does: "Rebuilds a chain head that has lost its storage from R2 and KV, link by link, then restores the tiers",
  who: "operator",
  body: RestoreRequest,
  answers: { 202: StorageRun },
  problems: ["run-active", "not-needed"],
} as const satisfies Plan;

export const MAX_BLOCK_BYTES = 26 * 1024 * 1024;

export const AcceptedCopy = v.strictObject({
  blockNumber: v.number(),
  stored: v.literal(true),
  /** The result in each tier; null for a block that waits in the archive until the chain is restored. */
  report: v.nullable(BlockReport),
});
export type AcceptedCopy = v.InferOutput<typeof AcceptedCopy>;

export const bringBlock = {
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
} as const satisfies Plan;

export const RunList = v.strictObject({ runs: v.array(StorageRun) });
export type RunList = v.InferOutput<typeof RunList>;

export const storageRuns = {
  does: "The latest runs, without their results",
  who: "operator",
  answers: { 200: RunList },
} as const satisfies Plan;

const RunId = v.strictObject({
  runId: v.pipe(v.string(), v.uuid("expected the id of a run"), v.description("The run's `id`")),
});

export const storageRun = {
  does: "A run: how far it is, and the blocks that were not simply ok",
  who: "operator",
  params: RunId,
  answers: { 200: StorageRun },
  problems: ["not-found"],
} as const satisfies Plan;

export const abortStorageRun = {
  does: "Ends a run after the chunk that it is at; what it has restored stays",
  who: "operator",
  params: RunId,
  answers: { 200: StorageRun },
  problems: ["not-found"],
} as const satisfies Plan;

export const resumeStorageRun = {
  does: "Lets an aborted or failed run go on where it stopped",
  who: "operator",
  params: RunId,
  answers: { 202: StorageRun },
  problems: ["not-found", "run-active", "not-needed"],
} as const satisfies Plan;
