import { ACCOUNT_MUTATIONS } from "./accounts.ts";
import { CHAIN_HEAD_MUTATIONS } from "./chain-head.ts";
import type { Mutation } from "./mutation.ts";
import { PIPELINE_MUTATIONS } from "./pipeline.ts";
import { STORAGE_MUTATIONS } from "./storage.ts";

export const MUTATIONS: readonly Mutation[] = [
  ...PIPELINE_MUTATIONS,
  ...CHAIN_HEAD_MUTATIONS,
  ...STORAGE_MUTATIONS,
  ...ACCOUNT_MUTATIONS,
];

/** @throws Error when there is no mutation of this name */
export function mutationNamed(name: string): Mutation {
  const mutation = MUTATIONS.find((one) => one.name === name);
  if (mutation === undefined)
    throw new Error(`no mutation ${name}: one of ${MUTATIONS.map((one) => one.name).join(", ")}`);
  return mutation;
}
