import type * as v from "valibot";
import { read, Thin } from "./event.ts";

/** A thin event: it reports a change of an object, and does not hold the object. */
export type ThinEvent = v.InferOutput<typeof Thin>;

/** `v2.core.event` objects; the thin twin of `charge.refunded` is of type `v1.charge.refunded`. */
export function isThin(body: unknown): boolean {
  const { object, type } = (body ?? {}) as { object?: unknown; type?: unknown };
  return object === "v2.core.event" || (typeof type === "string" && /^v[12]\./.test(type));
}

/** @throws StripeRefusal "unreadable_event" */
export function readThin(body: unknown): ThinEvent {
  return read(Thin, body, "thin event");
}

/** The type of the snapshot event behind a thin event. A type of `v2` has no snapshot event, and stays. */
export function snapshotType({ type }: ThinEvent): string {
  return type.startsWith("v1.") ? type.slice("v1.".length) : type;
}

/** The connected account, which is the last part of a path if an organisation is named too. */
export function accountOf({ context }: ThinEvent): string | undefined {
  const last = context?.split("/").at(-1);
  return last?.startsWith("acct_") ? last : undefined;
}
