import { expect } from "vitest";
import type { ActivationRequest } from "../../../shared/api/activation.ts";
import type { UserMetadataRecord } from "../../../shared/chain/user-metadata.ts";
import type { Pipeline } from "../stack/pipeline.ts";

export interface Issued {
  readonly token: string;
  readonly tokenHash: string;
  readonly expiresAt: number;
}

export function issue(pipeline: Pipeline, order: object = {}): Promise<Response> {
  return pipeline.operate("/api/activation-tokens", { method: "POST", body: JSON.stringify(order) });
}

/** Issues an activation token and expects success. */
export async function newToken(pipeline: Pipeline, order: object = {}): Promise<Issued> {
  const response = await issue(pipeline, order);
  const body: Issued = await response.json();
  expect(response.status, JSON.stringify(body)).toBe(200);
  return body;
}

export function activate(pipeline: Pipeline, request: ActivationRequest): Promise<Response> {
  return pipeline.fetch("/api/activation", { method: "POST", body: JSON.stringify(request) });
}

export function getMetadata(pipeline: Pipeline, userId: string): Promise<Response> {
  return pipeline.fetch(`/api/users/${userId}/metadata`);
}

export function putMetadata(pipeline: Pipeline, record: UserMetadataRecord): Promise<Response> {
  const body = JSON.stringify(record);
  return pipeline.fetch(`/api/users/${record.userId}/metadata`, { method: "PUT", body });
}
