/** Stripe's events rarely have 100 kB. Held by `ingest-webhook`, whether or not a length is announced. */
export const MAX_EVENT_BYTES = 256_000;
