/** How `ingest-webhook` tells the gateway, which can count, that an event was not for us. */
export const IGNORED_HEADER = "x-vdc-ignored";
