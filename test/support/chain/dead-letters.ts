import { expect } from "vitest";
import type { DeadLetterEntry, Replay, ReplayPlan, Selection } from "../../../shared/api/dead-letters.ts";
import { deadLetterQueueName, workerName, type StageName } from "../../../shared/pipeline.ts";
import type { DeadLetterPage, DeadLetterWithMessage } from "../../../shared/api/dead-letters.ts";
import { until } from "../stack/patience.ts";
import type { Pipeline } from "../stack/pipeline.ts";
import { handOver } from "../stack/queues.ts";

const PATH = "/api/dead-letters";

async function taken<Body>(response: Response, status = 200): Promise<Body> {
  const text = await response.text();
  expect(response.status, text).toBe(status);
  return JSON.parse(text) as Body;
}

/** Makes the `DeadLetter` that a stage sends for a message that it gives up. */
export function givenUp(stage: StageName, message: unknown, facts: object = {}) {
  return {
    v: 1,
    kind: "dead_letter",
    stage,
    reason: "retries_exhausted",
    error: "Error: no luck",
    attempts: 101,
    failedAt: Date.now(),
    message,
    ...facts,
  };
}

/** Parks dead letters of a stage. They bypass the queue. */
export async function park(pipeline: Pipeline, stage: StageName, bodies: readonly unknown[]): Promise<void> {
  const { acked } = await handOver(
    pipeline,
    workerName("dead-letters"),
    deadLetterQueueName(stage),
    bodies.map((body) => ({ body })),
  );
  expect(acked).toHaveLength(bodies.length);
}

export async function listed(pipeline: Pipeline, query = ""): Promise<DeadLetterEntry[]> {
  const { entries, next }: DeadLetterPage = await taken(await pipeline.operate(`${PATH}?limit=1000${query}`));
  expect(next).toBeNull();
  return entries;
}

/** Returns the only dead letter of a transaction. */
export async function entryOf(pipeline: Pipeline, txId: string): Promise<DeadLetterEntry> {
  const [entry, ...others] = await listed(pipeline, `&txId=${txId}`);
  expect(others).toEqual([]);
  if (entry === undefined) throw new Error(`there is no dead letter of ${txId}`);
  return entry;
}

export async function shown(pipeline: Pipeline, id: string): Promise<DeadLetterWithMessage> {
  return taken(await pipeline.operate(`${PATH}/${id}`));
}

/** Waits until the only dead letter of the transaction has these values. */
export function untilEntry(pipeline: Pipeline, txId: string, facts: object): Promise<void> {
  return until(async () => expect(await entryOf(pipeline, txId)).toMatchObject(facts));
}

export function post(
  pipeline: Pipeline,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return pipeline.operate(`${PATH}/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
}

const REASON = "the cause is mended";

export async function planned(pipeline: Pipeline, select: Selection): Promise<ReplayPlan> {
  return taken(await post(pipeline, "replays", { select, reason: REASON, dryRun: true }));
}

export async function startReplay(
  pipeline: Pipeline,
  select: Selection,
  facts: { ratePerSecond?: number } = {},
): Promise<Replay> {
  const response = await post(pipeline, "replays", { select, reason: REASON, ...facts });
  const location = response.headers.get("location");
  const replay: Replay = await taken(response, 202);
  expect(location).toBe(`${PATH}/replays/${replay.id}`);
  return replay;
}

export async function replayOf(pipeline: Pipeline, id: string): Promise<Replay> {
  return taken(await pipeline.operate(`${PATH}/replays/${id}`));
}

/** Waits until the replay has these values. @returns the replay */
export async function untilReplay(pipeline: Pipeline, id: string, facts: object): Promise<Replay> {
  await until(async () => expect(await replayOf(pipeline, id)).toMatchObject(facts));
  return replayOf(pipeline, id);
}

/** Replays the selected dead letters, and waits for the end. */
export async function replay(pipeline: Pipeline, select: Selection): Promise<Replay> {
  const { id } = await startReplay(pipeline, select, { ratePerSecond: 500 });
  return untilReplay(pipeline, id, { state: "done" });
}
