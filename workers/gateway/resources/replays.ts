import type { Replay, ReplayPlan } from "../../../shared/api/dead-letters.ts";
import { deadLetters } from "../../../shared/objects/dead-letters.ts";
import { json } from "../../../shared/http/answer.ts";
import { Problem } from "../../../shared/http/problems.ts";
import type { ReplayRefusal } from "../../dead-letters/replay/create.ts";
import { reindexing, unknownDeadLetter } from "./dead-letters.ts";
import { operation } from "../http/operation.ts";
import * as api from "../../../shared/api/replays.ts";

/**
 * Replays dead letters. A dry run says for each what would happen, and changes nothing. Otherwise the selection is fixed now, and
 * the dead-letter store replays it without the caller.
 */
export const createReplay = operation(
  api.createReplay,
  async ({ env, request, body: { dryRun, ...order }, operator, log }) => {
    const key = keyOf(request);
    if (dryRun) {
      const plan = await deadLetters(env).plan(order.select);
      if (isRefused(plan)) throw problemOf(plan);
      return json(plan satisfies ReplayPlan);
    }
    const by = operator?.name ?? "";
    const made = await deadLetters(env).createReplay(order, by, key);
    if (isRefused(made)) throw problemOf(made);
    log.info("replay.created", { replayId: made.id, by, total: made.total });
    const location = `/api/dead-letters/replays/${made.id}`;
    return json(made satisfies Replay, { status: 202, headers: { location } });
  },
);

export const replays = operation(api.replays, async ({ env }) =>
  json({ replays: [...(await deadLetters(env).replays())] } satisfies api.ReplayList),
);

export const replay = operation(api.replay, async ({ env, params: { id } }) =>
  json(found(id, await deadLetters(env).replay(id)) satisfies Replay),
);

export const abortReplay = operation(api.abortReplay, async ({ env, params: { id }, operator, log }) => {
  const aborted = found(id, await deadLetters(env).abortReplay(id));
  log.info("replay.aborted", { replayId: id, by: operator?.name });
  return json(aborted satisfies Replay);
});

const MAX_KEY_LENGTH = 200;

/**
 * Reads the idempotency key: a repeat of the same request with the same key creates no second replay. Null: the caller sent no
 * key.
 */
function keyOf({ headers }: Request): string | null {
  const key = headers.get("idempotency-key");
  if (key !== null && (key.trim() === "" || key.length > MAX_KEY_LENGTH))
    throw new Problem(
      "invalid-parameter",
      `idempotency-key: expected 1 to ${MAX_KEY_LENGTH} characters, or no such header.`,
      { members: { parameter: "idempotency-key" } },
    );
  return key;
}

function found(id: string, known: Replay | null): Replay {
  if (known === null)
    throw new Problem(
      "not-found",
      `There is no replay ${id}. GET /api/dead-letters/replays lists those there are.`,
    );
  return known;
}

type NotReplayed = ReplayRefusal | "reindexing";

function isRefused(answer: object | string): answer is NotReplayed {
  return typeof answer === "string" || "refused" in answer;
}

function problemOf(refusal: NotReplayed): Problem {
  if (refusal === "reindexing") return reindexing();
  if (refusal.refused === "unknown_entries") return unknownDeadLetter(refusal.ids[0] ?? "");
  if (refusal.refused === "another_request")
    return new Problem(
      "idempotency-mismatch",
      "This Idempotency-Key was used for another request. Take a new key for a new replay.",
    );
  return new Problem(
    "replay-active",
    `Replay ${refusal.id} is running. Wait until it is done, or stop it with DELETE /api/dead-letters/replays/${refusal.id}.`,
    { members: { replayId: refusal.id } },
  );
}
