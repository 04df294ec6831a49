import { publicClient } from "../http/client.ts";

/** Fetches the bundle of a transaction, unverified. @throws CommandFailure, also while no checkpoint covers it */
export async function fetchProof(txId: string, options: { readonly url?: string }): Promise<Uint8Array> {
  const { body } = await publicClient(options).send("GET", `/api/vdc/transactions/${txId}/proof`);
  return new TextEncoder().encode(`${JSON.stringify(body, null, 2)}\n`);
}
