import { signStripeBody } from "../../cli/local/stripe/synthetic.ts";
import type { Submission } from "../../shared/chain/submission.ts";
import { activationRequest } from "../../shared/client/activation.ts";
import { sealDocument } from "../../shared/client/documents.ts";
import { sealMetadata } from "../../shared/client/user-metadata.ts";
import type { UserKeys } from "../../shared/client/user-keys.ts";
import { fromUtf8 } from "../../shared/crypto/bytes.ts";
import { payloadOf } from "../support/payments/sealed-payments.ts";
import {
  CHAIN_ID,
  creation,
  newUser,
  postDocument,
  postSubmission,
  registration,
  signed,
} from "../support/users/accounts.ts";
import { activate, newToken, putMetadata } from "../support/users/activation.ts";
import { until } from "../support/stack/patience.ts";
import { mine, purchase, untilWaiting } from "../support/payments/payments.ts";
import type { Pipeline } from "../support/stack/pipeline.ts";
import { askToErase, askToShow } from "../support/users/privacy.ts";
import { submit } from "../support/payments/sealed-payments.ts";

/** A well-formed request that must be refused. */
export interface Refusal {
  readonly what: string;
  readonly status: number;
  readonly ask: () => Promise<Response>;
}

const NO_RUN = "00000000-0000-4000-8000-000000000000";
const NO_LETTER = "0".repeat(32);
const DAY = 86_400_000;

/**
 * Makes a chain with a registered user, their asset and a pending transaction. @returns requests that it must refuse,
 * each for its own reason
 */
export async function refusalsOf(pipeline: Pipeline): Promise<readonly Refusal[]> {
  const [ann, stranger] = [await newUser(), await newUser()];
  const { token } = await newToken(pipeline);
  await activate(pipeline, await activationRequest(CHAIN_ID, token, ann, Date.now(), { name: "Ann" }));
  await submit(pipeline, purchase({ assetId: "deed-1" }));
  await untilWaiting(pipeline, 2);
  await mine(pipeline);
  const waiting = await submit(pipeline);
  const replay = { select: { all: true }, reason: "to see" };
  const keyed = { "idempotency-key": "fuzz-1" };
  await operate(pipeline, "POST", "/api/dead-letters/replays", replay, keyed);
  await until(async () => {
    const { replays } = await (
      await pipeline.operate("/api/dead-letters/replays")
    ).json<{ replays: { state: string }[] }>();
    if (replays.some(({ state }) => state === "running")) throw new Error("the replay is not done yet");
  });

  return [
    ...(await submissionRefusals(pipeline, ann, stranger)),
    ...(await documentRefusals(pipeline, ann, stranger)),
    ...(await accountRefusals(pipeline, token, ann, stranger)),
    ...webhookRefusals(pipeline),
    ...operatorRefusals(pipeline, waiting),
    {
      what: "another replay with a key that was used",
      status: 422,
      ask: () =>
        operate(pipeline, "POST", "/api/dead-letters/replays", { ...replay, reason: "another" }, keyed),
    },
  ];
}

async function submissionRefusals(pipeline: Pipeline, ann: UserKeys, stranger: UserKeys): Promise<Refusal[]> {
  const good = await signed(stranger, creation("deed-2"));
  const cases: [string, number, Submission][] = [
    ["an asset that there is", 409, await signed(ann, creation("deed-1"))],
    ["a user whom there is", 409, await signed(ann, registration(ann))],
    ["a registration that somebody else signed", 400, await signed(stranger, registration(await newUser()))],
    ["an old time", 400, await signed(ann, creation("deed-3", Date.now() - 400 * DAY))],
    ["a time to come", 400, await signed(ann, creation("deed-3", Date.now() + 400 * DAY))],
    ["a card's number", 400, await signed(ann, creation("deed-4111111111111111"))],
    ["another asset than was signed", 400, { ...good, data: { assetId: "deed-5" } } as Submission],
    [
      "another signer than signed",
      400,
      { ...good, signatures: (await signed(ann, creation("deed-2"))).signatures },
    ],
    ["the signature of another chain", 400, { ...good, signatures: { user: await foreign(stranger) } }],
  ];
  return cases.map(([what, status, submission]) => ({
    what: `a submission with ${what}`,
    status,
    ask: () => postSubmission(pipeline, submission),
  }));
}

async function foreign(user: UserKeys) {
  return user.sign(new TextEncoder().encode("another chain's"), "vdc/transaction/v1");
}

async function documentRefusals(pipeline: Pipeline, ann: UserKeys, stranger: UserKeys): Promise<Refusal[]> {
  const [own, others] = [
    await sealDocument(CHAIN_ID, new Uint8Array(9), ann),
    await sealDocument(CHAIN_ID, new Uint8Array(9), stranger),
  ];
  const [mine, theirs] = [fromUtf8(own.bytes), fromUtf8(others.bytes)];
  const cases: [string, number, BodyInit][] = [
    ["of nobody who is registered", 403, others.bytes],
    [
      "whose ciphertext was changed",
      400,
      mine.replace(/"ct":"(.)/, (_, c) => `"ct":"${c === "A" ? "B" : "A"}`),
    ],
    [
      "with somebody else's signature",
      400,
      mine.replace(/"signature":\{.*/, /"signature":\{.*/.exec(theirs)?.[0] ?? ""),
    ],
    ["that is cut off", 400, own.bytes.slice(0, -1)],
  ];
  return cases.map(([what, status, body]) => ({
    what: `a document ${what}`,
    status,
    ask: () => postDocument(pipeline, body),
  }));
}

const request = (token: string, user: UserKeys, at = Date.now()) =>
  activationRequest(CHAIN_ID, token, user, at, { name: "Bob" });

async function accountRefusals(
  pipeline: Pipeline,
  token: string,
  ann: UserKeys,
  stranger: UserKeys,
): Promise<Refusal[]> {
  const { token: unused } = await newToken(pipeline);
  const { token: another } = await newToken(pipeline);
  const good = await request(unused, stranger);
  const [first, record] = [
    await sealMetadata(CHAIN_ID, ann, 1, { name: "Eve" }),
    await sealMetadata(CHAIN_ID, ann, 7, {}),
  ];
  const activations: [string, number, typeof good][] = [
    ["an unknown token", 404, await request(`vdc_at_${"A".repeat(43)}`, stranger)],
    ["a token that was used", 409, await request(token, stranger)],
    ["keys that are registered", 409, await request(another, ann)],
    ["an old time", 400, await request(unused, stranger, Date.now() - 400 * DAY)],
    ["another time than was signed", 400, { ...good, timestamp: good.timestamp + 1 }],
    ["somebody else's metadata", 400, { ...good, encryptedMetadata: record }],
  ];
  return [
    ...activations.map(([what, status, body]) => ({
      what: `an activation with ${what}`,
      status,
      ask: () => activate(pipeline, body),
    })),
    { what: "metadata older than those kept", status: 409, ask: () => putMetadata(pipeline, first) },
    {
      what: "metadata with another version than was signed",
      status: 400,
      ask: () => putMetadata(pipeline, { ...record, version: 8 }),
    },
    {
      what: "metadata of nobody who is registered",
      status: 403,
      ask: async () => putMetadata(pipeline, await sealMetadata(CHAIN_ID, stranger, 1, {})),
    },
  ];
}

const now = () => Math.floor(Date.now() / 1_000);

function webhookRefusals(pipeline: Pipeline): Refusal[] {
  const { STRIPE_WEBHOOK_SECRET } = pipeline.secrets;
  const post = async (body: string, secret = STRIPE_WEBHOOK_SECRET, at = now(), sent = body) =>
    pipeline.fetch("/api/stripe/webhook", {
      method: "POST",
      headers: { "stripe-signature": signStripeBody(body, secret, at) },
      body: sent,
    });
  const event = JSON.stringify(purchase());
  const cases: [string, () => Promise<Response>][] = [
    ["signed by another secret", () => post(event, "whsec_3vN8xq1TzY5bLw7KcR2m")],
    ["signed an hour ago", () => post(event, undefined, now() - 3_600)],
    ["signed in an hour", () => post(event, undefined, now() + 3_600)],
    ["changed by a space", () => post(event, undefined, undefined, `${event} `)],
    ["that is no event", () => post('{"object":"charge"}')],
    ["that is thin", () => post('{"object":"v2.core.event","type":"v1.charge.refunded"}')],
    ["without its object's id", () => post(event.replace(/"id":"cs_[^"]*",?/, ""))],
    ["created beyond all time", () => post(event.replace(/"created":\d+/, '"created":1e300'))],
    ["that is not JSON", () => post("created")],
  ];
  return cases.map(([what, ask]) => ({ what: `an event ${what}`, status: 400, ask }));
}

function operatorRefusals(pipeline: Pipeline, waiting: string): Refusal[] {
  const reason = { reason: "to see" };
  const post = (path: string, body?: object) => () => operate(pipeline, "POST", path, body);
  const unknown = payloadOf().transaction.id;
  const cases: [string, number, () => Promise<Response>][] = [
    ["show what nobody knows", 404, () => askToShow(pipeline, unknown)],
    ["erase what nobody knows", 404, () => askToErase(pipeline, unknown)],
    ["erase what waits", 409, () => askToErase(pipeline, waiting)],
    ["verify a block that there is not", 404, post("/api/storage-verify/verify/1000000")],
    ["restore a chain that is whole", 409, post("/api/storage-verify/restore", reason)],
    ["bring a block that is none", 400, () => operate(pipeline, "PUT", "/api/storage-verify/blocks/1", {})],
    ["bring one block as another", 400, async () => bring(pipeline, "blocks/0.json", 1)],
    [
      "abort a run that there is not",
      404,
      () => operate(pipeline, "DELETE", `/api/storage-verify/runs/${NO_RUN}`),
    ],
    ["resume a run that there is not", 404, post(`/api/storage-verify/runs/${NO_RUN}/resume`)],
    ["dismiss a letter that there is not", 404, post(`/api/dead-letters/${NO_LETTER}/dismiss`, reason)],
    [
      "dismiss many letters, of which there is not one",
      404,
      post("/api/dead-letters/dismissals", { select: { ids: [NO_LETTER] }, ...reason }),
    ],
    [
      "replay a letter that there is not",
      404,
      post("/api/dead-letters/replays", { select: { ids: [NO_LETTER] }, ...reason }),
    ],
    [
      "abort a replay that there is not",
      404,
      () => operate(pipeline, "DELETE", `/api/dead-letters/replays/${NO_RUN}`),
    ],
  ];
  return cases.map(([what, status, ask]) => ({ what: `an operator's order to ${what}`, status, ask }));
}

async function bring(pipeline: Pipeline, key: string, blockNumber: number): Promise<Response> {
  const kept = await pipeline.r2.get(key);
  const body = await kept?.text();
  return pipeline.operate(`/api/storage-verify/blocks/${blockNumber}`, { method: "PUT", body: body ?? "" });
}

function operate(
  pipeline: Pipeline,
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Response> {
  return pipeline.operate(path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
}
