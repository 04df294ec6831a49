/** Stripe's events rarely exceed 100 kB. `ingest-webhook` enforces the limit, whether or not a length is announced. */
export const MAX_EVENT_BYTES = 256_000;
