/** Header by which `ingest-webhook` reports an ignored event to the gateway, which counts it. */
export const IGNORED_HEADER = "x-vdc-ignored";
