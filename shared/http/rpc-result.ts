import { Problem, type ProblemSlug } from "./problems.ts";

/** The answer of a Worker that is called by RPC. An exception would lose its class on the way, and become a 500. */
export type RpcResult<T> =
  | { readonly done: T }
  | {
      readonly refused: {
        readonly slug: ProblemSlug;
        readonly detail: string;
        readonly members: Readonly<Record<string, unknown>>;
        readonly headers: Readonly<Record<string, string>>;
      };
    };

export async function rpcResult<T>(work: () => Promise<T>): Promise<RpcResult<T>> {
  try {
    return { done: await work() };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { slug, message, members, headers } = error;
    return { refused: { slug, detail: message, members, headers } };
  }
}

/** @throws Problem with which the other Worker refused */
export function done<T>(result: RpcResult<T>): T {
  if ("done" in result) return result.done;
  const { slug, detail, members, headers } = result.refused;
  throw new Problem(slug, detail, { members, headers });
}
