import type { UserKeys } from "../../shared/client/user-keys.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { activationRequest } from "../../shared/client/activation.ts";
import { sealDocument } from "../../shared/client/documents.ts";
import { sealMetadata } from "../../shared/client/user-metadata.ts";
import type { WellKnown } from "../../shared/api/well-known.ts";
import { activate, getMetadata, newToken, putMetadata } from "../support/users/activation.ts";
import {
  CHAIN_ID,
  creation,
  newUser,
  postDocument,
  storePinned,
  postSubmission,
  registeredUser,
  signed,
} from "../support/users/accounts.ts";
import { mine, purchase, deliver, status } from "../support/payments/payments.ts";
import type { Pipeline } from "../support/stack/pipeline.ts";
import { askToErase, askToShow } from "../support/users/privacy.ts";
import { expect } from "vitest";
import { until } from "../support/stack/patience.ts";
import { payloadOf, submit } from "../support/payments/sealed-payments.ts";

/**
 * Makes a request with one documented answer. The chain already has a block with a transaction about the asset
 * `deed-1`, and whatever other recipes have done. So each recipe makes the things that it needs.
 */
type Recipe = (pipeline: Pipeline) => Promise<Response>;

const NO_RUN = "00000000-0000-4000-8000-000000000000";

/**
 * Recipes by operationId and status. A text names the test that gets this answer, where it takes more than a request or
 * two. `nowhere`: no test gets it yet.
 */
export const RECIPES: Readonly<Record<string, Readonly<Record<number, Recipe | string>>>> = {
  postStripeWebhook: {
    200: (pipeline) => deliver(pipeline, purchase()),
    400: (pipeline) => pipeline.fetch("/api/stripe/webhook", { method: "POST", body: "{}" }),
    413: (pipeline) => pipeline.fetch("/api/stripe/webhook", { method: "POST", body: "x".repeat(300_000) }),
  },

  getLatest: { 200: get("/api/vdc/latest"), 404: "read-api.test.ts: an empty chain" },
  getBlocks: { 200: get("/api/vdc/blocks?limit=1") },
  getBlock: {
    200: get("/api/vdc/blocks/0"),
    304: (pipeline) => pipeline.fetch("/api/vdc/blocks/1", { headers: { "if-none-match": "*" } }),
    404: get("/api/vdc/blocks/1000000"),
  },
  getTransaction: {
    200: async (pipeline) => get(`/api/vdc/transactions/${await submit(pipeline)}`)(pipeline),
    404: get(`/api/vdc/transactions/${payloadOf().transaction.id}`),
  },
  getTransactionBytes: {
    200: async (pipeline) => get(`/api/vdc/transactions/${await finished(pipeline)}/bytes`)(pipeline),
    304: async (pipeline) =>
      pipeline.fetch(`/api/vdc/transactions/${await finished(pipeline)}/bytes`, {
        headers: { "if-none-match": "*" },
      }),
    404: get(`/api/vdc/transactions/${payloadOf().transaction.id}/bytes`),
    409: async (pipeline) => get(`/api/vdc/transactions/${await submit(pipeline)}/bytes`)(pipeline),
    503: "read-api.test.ts: a transaction whose block has no copy",
  },
  getTransactionProof: {
    200: async (pipeline) => get(`/api/vdc/transactions/${await checkpointed(pipeline)}/proof`)(pipeline),
    404: get(`/api/vdc/transactions/${payloadOf().transaction.id}/proof`),
    409: async (pipeline) => get(`/api/vdc/transactions/${await submit(pipeline)}/proof`)(pipeline),
  },
  getConsistency: {
    200: async (pipeline) => {
      await checkpointed(pipeline);
      return get("/api/vdc/consistency?from=1")(pipeline);
    },
    404: get("/api/vdc/consistency?from=1000000"),
  },
  ...logRecipes("getLog", "/log"),
  ...logRecipes("getLogTx", "/log/tx"),
  getLogKeysJson: { 200: afterCheckpoint("/log/keys.json"), 404: "log.test.ts: before the first block" },
  getLogPolicy: {
    200: async (pipeline) => {
      await checkpointed(pipeline);
      await pipeline.fireCron("checkpointer");
      return get("/log/policy")(pipeline);
    },
    404: "log.test.ts: before the first block",
  },
  getLogTimestamp: {
    200: async (pipeline) => get(await timestampPath(pipeline))(pipeline),
    304: async (pipeline) =>
      pipeline.fetch(await timestampPath(pipeline), { headers: { "if-none-match": "*" } }),
    404: get("/log/timestamps/nobody/1"),
  },
  postTransactions: {
    202: async (pipeline) =>
      postSubmission(pipeline, await signed(await newUser(), creation(`deed-${crypto.randomUUID()}`))),
    403: "nowhere: test/unit/workers/accounts/registration.test.ts, because registration is open here",
    409: async (pipeline) => postSubmission(pipeline, await signed(await newUser(), creation("deed-1"))),
  },
  getAsset: { 200: get("/api/vdc/assets/deed-1"), 404: get("/api/vdc/assets/nobody-has-this") },
  getDocumentsByHash: {
    200: get("/api/vdc/documents/by-hash?prefix=0000&limit=1"),
    503: "read-api.test.ts: an entry of a document that is damaged",
  },
  getDocumentByHash: {
    200: get(`/api/vdc/documents/by-hash/${"0".repeat(64)}`),
    503: "read-api.test.ts: an entry of a document that is damaged",
  },
  postDocuments: {
    200: async (pipeline) => {
      const record = await recordOf(await registeredUser(pipeline));
      await storePinned(pipeline, record);
      return postDocument(pipeline, record);
    },
    202: async (pipeline) => postDocument(pipeline, await recordOf(await registeredUser(pipeline))),
    400: (pipeline) => postDocument(pipeline, "{}"),
    403: async (pipeline) => postDocument(pipeline, await recordOf(await newUser())),
    413: "documents.test.ts: a document that is too large",
    503: "document-storage.test.ts: another signature of a document that R2 has lost",
  },
  getDocument: {
    200: async (pipeline) => get(await documentPath(pipeline))(pipeline),
    304: async (pipeline) =>
      pipeline.fetch(await documentPath(pipeline), { headers: { "if-none-match": "*" } }),
    404: get(`/api/documents/${"0".repeat(64)}`),
    503: "document-storage.test.ts: a document that R2 has lost, while IPFS can't be read",
  },
  getDocumentStatus: {
    200: async (pipeline) => get(`${await documentPath(pipeline)}/status`)(pipeline),
    404: get(`/api/documents/${"0".repeat(64)}/status`),
    503: "document-storage.test.ts: an index that was lost",
  },
  getWellKnownVdcJson: { 200: get("/.well-known/vdc.json") },

  postActivationTokens: {
    200: post("/api/activation-tokens", { private: { name: "Grace Hopper" }, reason: "to see" }),
  },
  postActivation: {
    202: async (pipeline) => (await activated(pipeline)).response,
    404: async (pipeline) =>
      activate(
        pipeline,
        await activationRequest(CHAIN_ID, `vdc_at_${"A".repeat(43)}`, await newUser(), Date.now()),
      ),
    409: async (pipeline) => {
      const { token } = await activated(pipeline);
      return activate(pipeline, await activationRequest(CHAIN_ID, token, await newUser(), Date.now()));
    },
    410: "activation.test.ts: an expired token",
  },
  getUserMetadata: {
    200: async (pipeline) => getMetadata(pipeline, (await activated(pipeline)).user.userId),
    404: async (pipeline) => getMetadata(pipeline, (await newUser()).userId),
  },
  putUserMetadata: {
    200: "user-metadata.test.ts: a registered user",
    403: async (pipeline) =>
      putMetadata(pipeline, await sealMetadata(CHAIN_ID, await newUser(), 1, { name: "Ada" })),
    409: "user-metadata.test.ts: an older version",
  },

  getHealth: { 200: get("/api/health") },
  getReady: { 200: get("/api/ready"), 503: "operator.test.ts: a stalled block" },

  postMine: {
    200: async (pipeline) => {
      await submit(pipeline);
      return post("/api/vdc/mine?wait=60")(pipeline);
    },
    202: async (pipeline) => {
      await submit(pipeline);
      return post("/api/vdc/mine")(pipeline);
    },
    409: "operator.test.ts: stop mining when the archive holds another block",
  },
  postResume: { 200: post("/api/vdc/resume", { by: "ann", reason: "to see" }) },
  postKeyRevoke: {
    200: "keys.prove.ts: a revocation that a block states",
    202: "keys.prove.ts: a key that was retired",
    404: askToRevoke("0".repeat(64)),
    409: async (pipeline) => {
      const { signingKeys } = await (await pipeline.fetch("/.well-known/vdc.json")).json<WellKnown>();
      return askToRevoke(signingKeys.at(-1)?.keyId ?? "")(pipeline);
    },
  },
  getPending: {
    200: async (pipeline) => {
      await submit(pipeline);
      return asOperator("/api/vdc/pending")(pipeline);
    },
  },
  getStatus: { 200: asOperator("/api/vdc/status") },

  postPrivacyShow: {
    200: async (pipeline) => askToShow(pipeline, await submit(pipeline)),
    404: (pipeline) => askToShow(pipeline, payloadOf().transaction.id),
    410: async (pipeline) => {
      const txId = await finished(pipeline);
      await askToErase(pipeline, txId);
      return askToShow(pipeline, txId);
    },
  },
  postPrivacyErase: {
    200: async (pipeline) => askToErase(pipeline, await finished(pipeline)),
    404: (pipeline) => askToErase(pipeline, payloadOf().transaction.id),
    409: async (pipeline) => askToErase(pipeline, await submit(pipeline)),
  },

  getStorageVerifyStatus: { 200: asOperator("/api/storage-verify/status?limit=1") },
  postStorageVerifyVerify: {
    200: post("/api/storage-verify/verify/1"),
    404: post("/api/storage-verify/verify/1000000"),
    409: "storage-verify.test.ts: a block that is being made",
  },
  postStorageVerifyVerifyAll: {
    200: post("/api/storage-verify/verify-all?repair=false"),
    202: "long-run.prove.ts: a chain that is not verified at once",
    409: "long-run.prove.ts: a run under way",
  },
  getStorageVerifyRuns: { 200: asOperator("/api/storage-verify/runs") },
  getStorageVerifyRun: {
    200: "long-run.prove.ts: a run",
    404: asOperator(`/api/storage-verify/runs/${NO_RUN}`),
  },
  deleteStorageVerifyRun: {
    200: "long-run.prove.ts: an aborted run",
    404: (pipeline) => send(pipeline, "DELETE", `/api/storage-verify/runs/${NO_RUN}`),
  },
  postStorageVerifyRunResume: {
    202: "long-run.prove.ts: a resumed run",
    404: post(`/api/storage-verify/runs/${NO_RUN}/resume`),
    409: "long-run.prove.ts: a run that is done",
  },
  putStorageVerifyBlock: {
    200: async (pipeline) => {
      const kept = await pipeline.r2.get(r2Keys.block(1));
      return send(pipeline, "PUT", "/api/storage-verify/blocks/1", await kept?.text());
    },
    400: (pipeline) => send(pipeline, "PUT", "/api/storage-verify/blocks/1", "{}"),
    409: "nowhere: it needs a copy of a block that is just being stored",
  },
  getStorageVerifyDocuments: {
    200: asOperator("/api/storage-verify/documents?limit=1"),
    503: "nowhere: it needs an index that is just being made anew",
  },
  postStorageVerifyDocumentVerify: {
    200: "document-storage.test.ts: a document",
    404: post(`/api/storage-verify/documents/${"0".repeat(64)}/verify`),
    503: "nowhere: it needs an index that is just being made anew",
  },
  putStorageVerifyDocument: {
    200: "document-storage.test.ts: a document that is brought",
    400: (pipeline) => send(pipeline, "PUT", `/api/storage-verify/documents/${"0".repeat(64)}`, "{}"),
    403: "document-storage.test.ts: a document of a stranger",
    503: "nowhere: it needs R2 and the pinning service to be down at once",
  },
  getStorageVerifyRecords: { 200: asOperator("/api/storage-verify/records?kind=private_archive&limit=1") },
  getStorageVerifyRecord: {
    200: async (pipeline) => {
      await finished(pipeline);
      return pipeline.operate("/api/storage-verify/records/private_archive/1");
    },
    404: asOperator("/api/storage-verify/records/private_archive/1000000"),
  },
  putStorageVerifyRecord: {
    200: async (pipeline) => {
      await finished(pipeline);
      const record = await pipeline.operate("/api/storage-verify/records/private_archive/1");
      return send(pipeline, "PUT", "/api/storage-verify/records/private_archive/1", await record.text());
    },
    400: (pipeline) => send(pipeline, "PUT", "/api/storage-verify/records/private_archive/1", "{}"),
    403: "nowhere: user metadata of a user whom no block registers",
    409: "nowhere: it needs a chain head without its chain",
    503: "nowhere: it needs KV to be down",
  },
  postStorageVerifyRestore: {
    202: "disaster.prove.ts: a chain head that has lost its storage",
    409: post("/api/storage-verify/restore", { reason: "to see" }),
  },

  getDeadLetters: { 200: asOperator("/api/dead-letters?state=open&limit=1") },
  getDeadLetter: {
    200: "replay.test.ts: an entry",
    404: asOperator(`/api/dead-letters/${"0".repeat(32)}`),
  },
  postDeadLetterDismiss: {
    200: "replay.test.ts: a dismissed entry",
    404: post(`/api/dead-letters/${"0".repeat(32)}/dismiss`, { reason: "to see" }),
    409: "storage-verify.test.ts: an entry that is resolved",
  },
  postDeadLettersDismissals: {
    200: post("/api/dead-letters/dismissals", { select: { all: true }, reason: "to see", dryRun: true }),
    404: post("/api/dead-letters/dismissals", { select: { ids: ["0".repeat(32)] }, reason: "to see" }),
  },
  postDeadLettersReplays: {
    200: post("/api/dead-letters/replays", { select: { all: true }, reason: "to see", dryRun: true }),
    202: post("/api/dead-letters/replays", { select: { all: true }, reason: "to see" }),
    404: post("/api/dead-letters/replays", { select: { ids: ["0".repeat(32)] }, reason: "to see" }),
    409: "replay.test.ts: a second replay",
    422: "replay.test.ts: another request with the same key",
  },
  getDeadLettersReplays: { 200: asOperator("/api/dead-letters/replays") },
  getDeadLettersReplay: {
    200: async (pipeline) => asOperator(await replayPath(pipeline))(pipeline),
    404: asOperator(`/api/dead-letters/replays/${NO_RUN}`),
  },
  deleteDeadLettersReplay: {
    200: async (pipeline) => send(pipeline, "DELETE", await replayPath(pipeline)),
    404: (pipeline) => send(pipeline, "DELETE", `/api/dead-letters/replays/${NO_RUN}`),
  },

  getAudit: { 200: asOperator("/api/audit?newest=true&limit=2") },

  getMetrics: { 200: asOperator("/api/metrics") },

  getContents: { 200: get("/") },
  getOpenapiJson: { 200: get("/openapi.json") },
};

/** Makes the block that the recipes rely on. */
export async function prepare(pipeline: Pipeline): Promise<void> {
  await submit(pipeline, purchase({ assetId: "deed-1" }));
  await mine(pipeline);
}

/** Makes a transaction whose block is complete. @returns its id */
async function finished(pipeline: Pipeline): Promise<string> {
  const txId = await submit(pipeline);
  await mine(pipeline);
  // The payment of another recipe may come meanwhile and wait, so only blocks in flight count.
  await until(async () => expect((await status(pipeline)).inFlight).toEqual([]));
  return txId;
}

/** Makes a transaction that a checkpoint covers. @returns its id */
async function checkpointed(pipeline: Pipeline): Promise<string> {
  const txId = await finished(pipeline);
  await until(async () => {
    const response = await pipeline.fetch(`/api/vdc/transactions/${txId}/proof`);
    await response.body?.cancel();
    expect(response.status).toBe(200);
  });
  return txId;
}

function afterCheckpoint(path: string, headers: Record<string, string> = {}): Recipe {
  return async (pipeline) => {
    await checkpointed(pipeline);
    return pipeline.fetch(path, { headers });
  };
}

/** Recipes of the calls of one log. */
function logRecipes(id: string, path: string): Record<string, Record<number, Recipe | string>> {
  const immutable = (place: string, missing: string) => ({
    200: async (pipeline: Pipeline) => get(`${path}/${await newestIn(pipeline, path, place)}`)(pipeline),
    304: async (pipeline: Pipeline) =>
      pipeline.fetch(`${path}/${await newestIn(pipeline, path, place)}`, {
        headers: { "if-none-match": "*" },
      }),
    404: get(`${path}/${missing}`),
  });
  return {
    [`${id}Checkpoint`]: {
      200: afterCheckpoint(`${path}/checkpoint`),
      404: "log.test.ts: before the first block",
    },
    [`${id}Vkeys`]: { 200: afterCheckpoint(`${path}/vkeys`), 404: "log.test.ts: before the first block" },
    [`${id}CheckpointAtSize`]: immutable("checkpoints/{size}", "checkpoints/1000000"),
    [`${id}Tile`]: immutable("tile/0/000.p/{size}", "tile/9/000"),
    [`${id}TileEntry`]: immutable("tile/entries/000.p/{size}", "tile/entries/999"),
  };
}

/** Puts the size of the log's newest checkpoint into the path. */
async function newestIn(pipeline: Pipeline, path: string, place: string): Promise<string> {
  await checkpointed(pipeline);
  const note = await (await pipeline.fetch(`${path}/checkpoint`)).text();
  return place.replace("{size}", note.split("\n")[1] ?? "");
}

/** Has the authority stamp the newest checkpoint. @returns the path of the stamp */
async function timestampPath(pipeline: Pipeline): Promise<string> {
  await checkpointed(pipeline);
  await pipeline.fireCron("checkpointer");
  const { objects } = await pipeline.r2.list({ prefix: "log/timestamps/" });
  return `/${objects[0]?.key.replace(/\.tsr$/, "") ?? ""}`;
}

/** Makes a user and activates it. */
async function activated(pipeline: Pipeline): Promise<{ user: UserKeys; token: string; response: Response }> {
  const { token } = await newToken(pipeline);
  const user = await newUser();
  const request = await activationRequest(CHAIN_ID, token, user, Date.now(), { name: "Ada" });
  return { user, token, response: await activate(pipeline, request) };
}

/** Starts a replay that has nothing to do. @returns its path */
async function replayPath(pipeline: Pipeline): Promise<string> {
  const begun = await post("/api/dead-letters/replays", { select: { all: true }, reason: "to see" })(
    pipeline,
  );
  return begun.headers.get("location") ?? "";
}

async function recordOf(user: UserKeys): Promise<Uint8Array<ArrayBuffer>> {
  return (await sealDocument(CHAIN_ID, new Uint8Array(10), user)).bytes;
}

async function documentPath(pipeline: Pipeline): Promise<string> {
  const answer = await postDocument(pipeline, await recordOf(await registeredUser(pipeline)));
  return (await answer.json<{ documentUrl: string }>()).documentUrl;
}

function get(path: string): Recipe {
  return (pipeline) => pipeline.fetch(path);
}

function asOperator(path: string): Recipe {
  return (pipeline) => pipeline.operate(path);
}

function askToRevoke(keyId: string): Recipe {
  return post(`/api/vdc/keys/${keyId}/revoke`, { fromBlock: 0, reason: "to see" });
}

function post(path: string, body?: object): Recipe {
  return (pipeline) => send(pipeline, "POST", path, body && JSON.stringify(body));
}

function send(pipeline: Pipeline, method: string, path: string, body?: string): Promise<Response> {
  const headers = { "x-admin-secret": pipeline.secrets.ADMIN_SECRET };
  return pipeline.fetch(path, { method, headers, ...(body !== undefined && { body }) });
}
