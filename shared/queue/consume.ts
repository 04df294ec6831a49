import * as v from "valibot";
import { Permanent, type PermanentReason } from "../runtime/errors.ts";
import { errorText, logger, type Fields, type Log } from "../runtime/log.ts";
import { isOfNewerVersion, type DeadLetter } from "./messages.ts";
import {
  messagesCounted,
  report,
  type MonitorEnv,
  type Observation,
  type Observe,
  type MessageOutcome,
  type StageFailure,
} from "../objects/monitor.ts";
import {
  DEAD_LETTER_CONSUMER,
  RETRIED_FOR_SECONDS,
  stageOfDeadLetterQueue,
  WORKERS,
  type StageName,
  type WorkerName,
} from "../pipeline.ts";
import { issuesText } from "../schema/issue-text.ts";
import { reasonText } from "../schema/reason-text.ts";
import { retryBase, retryDelay, type RetryEnv } from "./retry-delay.ts";

/** The bindings that every stage has besides its own. */
export interface StageEnv extends MonitorEnv, RetryEnv {
  readonly DEAD_LETTER_QUEUE: Queue<DeadLetter>;
}

/**
 * Returns when the message is done, and throws otherwise: `Permanent` to give it up, any other error to retry.
 * Observations are reported once the message is settled.
 */
export type Stage<Body, Env> = (message: Body, env: Env, log: Log, observe: Observe) => Promise<void>;

/** Like `Stage`, for a whole batch: one outcome for each message, in the messages' order. */
type BatchStage<Body, Env> = (
  messages: readonly Body[],
  env: Env,
  log: Log,
) => Promise<readonly PromiseSettledResult<unknown>[]>;

type QueueHandler<Env> = (
  batch: MessageBatch,
  env: Env,
  context: Pick<ExecutionContext, "waitUntil">,
) => Promise<void>;

/**
 * The only place that acks. For each message: done → ack; `Permanent`, or the last attempt failed → dead letter, then
 * ack; any other error → retry with backoff. Never lets `queue()` throw, because the platform would deliver acked
 * messages again. The outcomes are reported to the monitor when all messages are settled.
 */
export function consume<Schema extends v.GenericSchema, Env extends StageEnv>(
  stage: StageName,
  schema: Schema,
  work: Stage<v.InferOutput<Schema>, Env>,
): QueueHandler<Env> {
  return handlerOf<Schema, Env>(stage, schema, async (deliveries, env, observe) => {
    const outcomes: PromiseSettledResult<void>[] = [];
    for (const { body, log } of deliveries)
      outcomes.push(...(await Promise.allSettled([Promise.try(work, body, env, log, observe)])));
    return outcomes;
  });
}

/** Like `consume`, for a stage that works more cheaply on a whole batch. */
export function consumeTogether<Schema extends v.GenericSchema, Env extends StageEnv>(
  stage: StageName,
  schema: Schema,
  work: BatchStage<v.InferOutput<Schema>, Env>,
): QueueHandler<Env> {
  return handlerOf<Schema, Env>(stage, schema, (deliveries, env) =>
    work(
      deliveries.map(({ body }) => body),
      env,
      logger(stage, { requestId: deliveries[0]?.message.id, messages: deliveries.length }),
    ),
  );
}

/**
 * Consumes a dead-letter queue, which has no dead-letter queue of its own: done → ack, any error → retry, for as long as
 * the queue keeps a message.
 */
export function consumeForEver<Env extends MonitorEnv>(
  worker: WorkerName,
  work: (message: Message, queue: string, env: Env, log: Log) => Promise<void>,
): QueueHandler<Env> {
  return async (batch, env, context) => {
    let parked = 0;
    for (const message of batch.messages) {
      const log = logger(worker, { requestId: message.id, queue: batch.queue });
      try {
        await work(message, batch.queue, env, log);
        message.ack();
        parked++;
      } catch (error) {
        const delaySeconds = Math.min(
          DEAD_LETTER_CONSUMER.retry_delay,
          5 * 2 ** Math.min(message.attempts, 16),
        );
        log.error("message.retried", { attempts: message.attempts, error: errorText(error), delaySeconds });
        message.retry({ delaySeconds });
      }
    }
    const stage = stageOfDeadLetterQueue(batch.queue);
    if (stage === undefined || parked === 0) return;
    const observation: Observation = { kind: "messages", stage, outcome: "parked", count: parked };
    context.waitUntil(report(env, [observation], logger(worker, { queue: batch.queue })));
  };
}

interface Delivery<Body> {
  readonly message: Message;
  readonly body: Body;
  readonly log: Log;
}

function handlerOf<Schema extends v.GenericSchema, Env extends StageEnv>(
  stage: StageName,
  schema: Schema,
  workAll: (
    deliveries: readonly Delivery<v.InferOutput<Schema>>[],
    env: Env,
    observe: Observe,
  ) => Promise<readonly PromiseSettledResult<unknown>[]>,
): QueueHandler<Env> {
  return async (batch, env, context) => {
    const observed: Observation[] = [];
    const settled: SettledMessage[] = [];
    const readable: Delivery<v.InferOutput<Schema>>[] = [];
    for (const message of batch.messages) {
      const log = logger(stage, { requestId: message.id, ...pointerOf(message.body) });
      const body = v.safeParse(schema, message.body);
      if (body.success) readable.push({ message, body: body.output, log });
      else {
        const reason = unreadable(message.body, body.issues);
        settled.push(await settle(stage, message, { status: "rejected", reason }, env, log));
      }
    }
    if (readable.length > 0) {
      const outcomes = await outcomesOf(readable.length, () =>
        workAll(readable, env, (observation) => void observed.push(observation)),
      );
      for (const [i, { message, log }] of readable.entries())
        settled.push(await settle(stage, message, outcomes[i] ?? missingOutcome, env, log));
    }
    const counted = messagesCounted(
      stage,
      settled.map(({ outcome }) => outcome),
    );
    const failure = settled.findLast(({ failure }) => failure !== undefined)?.failure;
    const failed: Observation[] = failure === undefined ? [] : [{ kind: "failure", stage, ...failure }];
    context.waitUntil(report(env, [...observed, ...counted, ...failed], logger(stage)));
  };
}

const Pointer = v.object({
  txId: v.optional(v.string()),
  blockNumber: v.optional(v.number()),
  documentId: v.optional(v.string()),
});

/** The transaction, block or document of a message, for its log lines. */
function pointerOf(body: unknown): Fields {
  const pointer = v.safeParse(Pointer, body);
  return pointer.success ? pointer.output : {};
}

function unreadable(body: unknown, issues: [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): Error {
  return isOfNewerVersion(body)
    ? new Error("the message is of a newer version than this Worker reads: deploy the newer Worker")
    : new Permanent("malformed_message", issuesText(issues, "the message"));
}

const missingOutcome: PromiseRejectedResult = {
  status: "rejected",
  reason: new Error("the stage gave no outcome for this message"),
};

/** Counts an error of the whole stage as a failure of each message. */
async function outcomesOf(
  count: number,
  work: () => Promise<readonly PromiseSettledResult<unknown>[]>,
): Promise<readonly PromiseSettledResult<unknown>[]> {
  try {
    return await work();
  } catch (reason) {
    return Array.from({ length: count }, () => ({ status: "rejected", reason }));
  }
}

/** How a message was settled, and the error if it failed. */
interface SettledMessage {
  readonly outcome: MessageOutcome;
  readonly failure?: StageFailure;
}

async function settle(
  stage: StageName,
  message: Message,
  outcome: PromiseSettledResult<unknown>,
  env: StageEnv,
  log: Log,
): Promise<SettledMessage> {
  if (outcome.status === "fulfilled") {
    message.ack();
    return { outcome: "processed" };
  }
  const error: unknown = outcome.reason;
  const delaySeconds = retryDelay(error, message.attempts, retryBase(env), Math.random());
  const reason = reasonToGiveUp(stage, error, message, delaySeconds);
  if (reason !== undefined) return giveUp({ stage, message, error, reason }, env, log);
  log.warn("message.retried", { attempts: message.attempts, error: errorText(error), delaySeconds });
  return retry(message, error, delaySeconds);
}

interface GivenUp {
  readonly stage: StageName;
  readonly message: Message;
  readonly error: unknown;
  readonly reason: PermanentReason;
}

async function giveUp(
  { stage, message, error, reason }: GivenUp,
  env: StageEnv,
  log: Log,
): Promise<SettledMessage> {
  const { attempts, body } = message;
  const fields = { attempts, error: errorText(error), reason };
  const failed = { attempts, error: reasonText(error) };
  try {
    await env.DEAD_LETTER_QUEUE.send({
      v: 1,
      kind: "dead_letter",
      stage,
      reason,
      ...failed,
      failedAt: Date.now(),
      message: body,
    });
    log.error("message.dead_lettered", fields);
    message.ack();
    return { outcome: "dead_lettered", failure: { ...failed, at: Date.now(), nextRetryAt: null } };
  } catch (sendError) {
    // Retries, so that a later attempt can send the reason. After the last retry the platform itself moves the message
    // to the dead-letter queue, without a reason.
    log.error("message.dead_letter_failed", { ...fields, sendError: errorText(sendError) });
    return retry(message, error, retryDelay(sendError, attempts, retryBase(env), Math.random()));
  }
}

function retry(message: Message, error: unknown, delaySeconds: number): SettledMessage {
  const { attempts } = message;
  const at = Date.now();
  message.retry({ delaySeconds });
  return {
    outcome: "retried",
    failure: { attempts, error: reasonText(error), at, nextRetryAt: at + delaySeconds * 1_000 },
  };
}

function reasonToGiveUp(
  stage: StageName,
  error: unknown,
  { attempts, timestamp }: Message,
  delaySeconds: number,
): PermanentReason | undefined {
  if (error instanceof Permanent) return error.reason;
  const ageAtRetry = (Date.now() - timestamp.getTime()) / 1_000 + delaySeconds;
  const isLast = attempts > WORKERS[stage].consumes.max_retries || ageAtRetry >= RETRIED_FOR_SECONDS;
  return isLast ? "retries_exhausted" : undefined;
}
