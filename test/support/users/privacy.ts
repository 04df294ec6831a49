import { expect } from "vitest";
import type { Erased, PrivateEnvelope } from "../../../shared/api/privacy.ts";
import type { Pipeline } from "../stack/pipeline.ts";

function ask(pipeline: Pipeline, txId: string, what: "show" | "erase"): Promise<Response> {
  return pipeline.operate(`/api/privacy/${txId}/${what}`, {
    method: "POST",
    headers: { "x-operator": "ann" },
    body: JSON.stringify({ reason: "request 12" }),
  });
}

export const askToShow = (pipeline: Pipeline, txId: string) => ask(pipeline, txId, "show");
export const askToErase = (pipeline: Pipeline, txId: string) => ask(pipeline, txId, "erase");

/** Reads the private part of a transaction, and expects success. */
export async function shownEnvelope(pipeline: Pipeline, txId: string): Promise<PrivateEnvelope> {
  const response = await askToShow(pipeline, txId);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return JSON.parse(text) as PrivateEnvelope;
}

/** Erases the private part of a transaction, and expects success. */
export async function erase(pipeline: Pipeline, txId: string): Promise<Erased> {
  const response = await askToErase(pipeline, txId);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return JSON.parse(text) as Erased;
}
