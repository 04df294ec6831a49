import { randomBytes } from "node:crypto";
import { request, type ClientRequest } from "node:http";
import { expect, it } from "vitest";
import { MAX_RECORD_BYTES } from "../../shared/chain/document.ts";
import { sealDocument } from "../../shared/client/documents.ts";
import { CHAIN_ID, postDocument, registeredUser } from "../support/users/accounts.ts";
import { mine, pay, untilWaiting } from "../support/payments/payments.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";

/** By their announced lengths, any two of them fill the memory for documents. */
const IDLE_UPLOADS = 20;

interface IdleUpload {
  readonly connection: ClientRequest;
  readonly status: Promise<number | undefined>;
}

/** Announces a document of the largest size and sends one byte or nothing. Resolves when it is connected. */
async function idleUpload({ url }: Pipeline, path: string, first: string): Promise<IdleUpload> {
  const connection = request(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", "content-length": MAX_RECORD_BYTES },
    agent: false,
  });
  const { promise: status, resolve, reject } = Promise.withResolvers<number | undefined>();
  connection.on("response", ({ statusCode }) => resolve(statusCode));
  connection.on("error", reject);
  status.catch(() => {}); // the test may have ended before
  const connected = new Promise((done) =>
    connection.once("socket", (socket) => socket.once("connect", done)),
  );
  connection.flushHeaders();
  if (first !== "") connection.write(first);
  await connected;
  return { connection, status };
}

it("takes a document and a payment beside uploads that stand still, and cuts those off", async () => {
  const pipeline = await startPipeline({ vars: { PIN_DEADLINE_SECONDS: "10" } });
  const idle: IdleUpload[] = [];
  let nowhere: IdleUpload | undefined;
  try {
    const user = await registeredUser(pipeline);
    for (let i = 0; i < IDLE_UPLOADS; i++)
      idle.push(await idleUpload(pipeline, "/api/documents", i % 2 === 0 ? "" : "{"));
    nowhere = await idleUpload(pipeline, "/api/nothing", "");
    const { bytes } = await sealDocument(CHAIN_ID, randomBytes(1_000_000), user);
    expect((await postDocument(pipeline, bytes)).status).toBe(202);
    await pay(pipeline);
    await untilWaiting(pipeline, 1);
    expect(await mine(pipeline)).toMatchObject({ transactions: 1 });
    expect(new Set(await Promise.all(idle.map(({ status }) => status)))).toEqual(new Set([400]));
    expect(await nowhere.status).toBe(404);
  } finally {
    for (const upload of [...idle, nowhere]) upload?.connection.destroy();
    await pipeline.close();
  }
});
