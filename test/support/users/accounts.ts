import { expect } from "vitest";
import type { StoredDocument } from "../../../shared/chain/document.ts";
import type { Submission, UnsignedSubmission } from "../../../shared/chain/submission.ts";
import { signSubmission } from "../../../shared/client/sign-submission.ts";
import { generateUserKeys, importUserKeys, type UserKeys } from "../../../shared/client/user-keys.ts";
import { until } from "../stack/patience.ts";
import { mine } from "../payments/payments.ts";
import type { Pipeline } from "../stack/pipeline.ts";

export const CHAIN_ID = "vdc-main";

/** Makes a user that no chain knows yet. */
export function newUser(): Promise<UserKeys> {
  return importUserKeys(generateUserKeys());
}

export function signed(user: UserKeys, unsigned: UnsignedSubmission): Promise<Submission> {
  return signSubmission(CHAIN_ID, unsigned, user);
}

export function registration(user: UserKeys, timestamp = Date.now()): UnsignedSubmission {
  const { signingKey, encryptionKey } = user;
  return { type: "user_registration", timestamp, data: { signingKey, encryptionKey } };
}

export function creation(assetId: string, timestamp = Date.now()): UnsignedSubmission {
  return { type: "asset_creation", timestamp, data: { assetId } };
}

export function transfer(assetId: string, to: UserKeys, timestamp = Date.now()): UnsignedSubmission {
  return { type: "asset_transfer", timestamp, data: { assetId, newOwnerKeyId: to.userId } };
}

export function postSubmission(pipeline: Pipeline, submission: unknown): Promise<Response> {
  return pipeline.fetch("/api/vdc/transactions", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(submission),
  });
}

/** Submits a transaction and expects that it is accepted. @returns the transaction's id */
export async function submitSigned(pipeline: Pipeline, submission: Submission): Promise<string> {
  const response = await postSubmission(pipeline, submission);
  const body: { txId: string } = await response.json();
  expect(response.status, JSON.stringify(body)).toBe(202);
  return body.txId;
}

/** Makes a user whose registration is mined. */
export async function registeredUser(pipeline: Pipeline): Promise<UserKeys> {
  const user = await newUser();
  await register(pipeline, user);
  return user;
}

/** Registers a user and mines the registration. */
export async function register(pipeline: Pipeline, user: UserKeys): Promise<void> {
  const txId = await submitSigned(pipeline, await signed(user, registration(user)));
  await until(async () => expect(await stateOf(pipeline, txId)).toBe("pending"));
  await mine(pipeline);
}

async function stateOf(pipeline: Pipeline, txId: string): Promise<string> {
  const response = await pipeline.fetch(`/api/vdc/transactions/${txId}`);
  return (await response.json<{ state: string }>()).state;
}

/** Stores a document, and waits until it is pinned. */
export async function storePinned(pipeline: Pipeline, record: BodyInit): Promise<StoredDocument> {
  const answer = await postDocument(pipeline, record);
  expect([200, 202], await answer.clone().text()).toContain(answer.status);
  const stored = await answer.json<StoredDocument>();
  await untilPinned(pipeline, stored.id);
  return { ...stored, state: "pinned" };
}

export async function untilPinned(pipeline: Pipeline, documentId: string): Promise<void> {
  await until(async () => {
    const answer = await pipeline.fetch(`/api/documents/${documentId}/status`);
    expect(await answer.json()).toMatchObject({ state: "pinned" });
  });
}

export function postDocument(pipeline: Pipeline, record: BodyInit): Promise<Response> {
  return pipeline.fetch("/api/documents", { method: "POST", body: record });
}
