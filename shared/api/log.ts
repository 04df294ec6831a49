import * as v from "valibot";
import { LogKeys } from "../tlog/endorsement.ts";
import { WholeNumber } from "./parameters.ts";
import type { Plan } from "./plan.ts";

export const NOTE_TYPE = "text/plain; charset=utf-8";
export const BYTES_TYPE = "application/octet-stream";
export const TIMESTAMP_TYPE = "application/timestamp-reply"; // RFC 3161 §3.4

const UNCHANGED = {
  "if-none-match": "an ETag that you have: then 304 when it is still right, as it always is",
} as const;

// Clients of C2SP tlog-tiles expect 404 for every tile that there is not, so the handler reads these texts.
const TilePlace = v.pipe(
  v.string(),
  v.description(
    "Groups of three digits, all but the last with an x: `x001/x234/067`; `.p/8` after it for 8 entries",
  ),
);
const TileLevel = v.pipe(v.string(), v.description("0 to 63; level 0 holds the entries' leaf hashes"));
const LogSize = v.pipe(WholeNumber, v.description("Number of entries"));

/** The calls that both logs have. `log` is its name in a sentence. */
function callsOf(log: string) {
  return {
    checkpoint: {
      does: `The newest checkpoint of ${log}, with the cosignatures that came in so far: a signed note (C2SP tlog-checkpoint)`,
      who: "anyone",
      answers: { 200: { contentType: NOTE_TYPE } },
      problems: ["not-found"],
      beyondKv: true,
    },
    pastCheckpoint: {
      does: `The checkpoint of ${log} of this size, as it was first published`,
      who: "anyone",
      params: v.strictObject({ size: LogSize }),
      headers: UNCHANGED,
      answers: { 200: { contentType: NOTE_TYPE }, 304: { contentType: null } },
      problems: ["not-found"],
      beyondKv: true,
    },
    vkeys: {
      does: `The verifier keys of ${log}, one a line: pin one of them (C2SP signed-note)`,
      who: "anyone",
      answers: { 200: { contentType: NOTE_TYPE } },
      problems: ["not-found"],
      beyondKv: true,
    },
    tile: {
      does: `A tile of ${log}: up to 256 hashes of 32 bytes (C2SP tlog-tiles)`,
      who: "anyone",
      params: v.strictObject({ level: TileLevel, index: TilePlace }),
      headers: UNCHANGED,
      answers: { 200: { contentType: BYTES_TYPE }, 304: { contentType: null } },
      problems: ["not-found"],
      beyondKv: true,
    },
    entries: {
      does: `A bundle of ${log}: up to 256 entries, each with its length in two bytes in front (C2SP tlog-tiles)`,
      who: "anyone",
      params: v.strictObject({ index: TilePlace }),
      headers: UNCHANGED,
      answers: { 200: { contentType: BYTES_TYPE }, 304: { contentType: null } },
      problems: ["not-found", "unavailable"],
      beyondKv: true,
    },
  } as const satisfies Readonly<Record<string, Plan>>;
}

export const ofBlocks = callsOf("the log of blocks");
export const ofTransactions = callsOf("the log of transactions");

export const logKeys = {
  does: "The block key's endorsements of the logs' keys, the newest last",
  who: "anyone",
  answers: { 200: LogKeys },
  problems: ["not-found"],
  beyondKv: true,
} as const satisfies Plan;

export const logPolicy = {
  does: "The witnesses whose cosignatures the operator asks for: C2SP tlog-policy. A verifier chooses its own",
  who: "anyone",
  answers: { 200: { contentType: NOTE_TYPE } },
  problems: ["not-found"],
  beyondKv: true,
} as const satisfies Plan;

export const logTimestamp = {
  does: "An authority's time stamp (RFC 3161) of the bytes of `/log/checkpoints/{size}`",
  who: "anyone",
  params: v.strictObject({
    authority: v.pipe(
      v.string(),
      v.regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, "expected the name of an authority"),
      v.description("Name of the authority, as proofs give it"),
    ),
    size: LogSize,
  }),
  headers: UNCHANGED,
  answers: { 200: { contentType: TIMESTAMP_TYPE }, 304: { contentType: null } },
  problems: ["not-found"],
  beyondKv: true,
} as const satisfies Plan;
