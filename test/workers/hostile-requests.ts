import type { DocumentedCall } from "../support/assertions/openapi.ts";

/** A body that every call must refuse, with a description. */
interface HostileBody {
  readonly what: string;
  readonly body: () => BodyInit;
}

/** Sends the body in chunks, without a content-length. */
function streamed(bytes: number): ReadableStream<Uint8Array> {
  const piece = new Uint8Array(64 * 1024).fill(0x20);
  let left = bytes;
  return new ReadableStream({
    pull(controller) {
      if (left <= 0) return controller.close();
      controller.enqueue(piece.subarray(0, Math.min(left, piece.length)));
      left -= piece.length;
    },
  });
}

const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);
const utf8 = (...bytes: number[]) => Uint8Array.from([0x7b, 0x22, ...bytes, 0x22, 0x3a, 0x31, 0x7d]); // {"…":1}

const HOSTILE_BODIES: readonly HostileBody[] = [
  { what: "nothing", body: () => "" },
  { what: "white space", body: () => " ".repeat(100_000) },
  { what: "a byte order mark before JSON", body: () => '\ufeff{"reason":"to see"}' },
  { what: "NUL bytes", body: () => new Uint8Array(1_000) },
  { what: "an overlong encoding", body: () => utf8(0xc0, 0xaf) },
  { what: "half a surrogate pair in UTF-8", body: () => utf8(0xed, 0xa0, 0x80) },
  { what: "a letter cut in two", body: () => Uint8Array.of(0x22, 0xf0, 0x9f) },
  { what: "UTF-16", body: () => Buffer.from('{"reason":"to see"}', "utf16le") },
  { what: "arrays in arrays", body: () => nested("[", "]", 100_000) },
  { what: "objects in objects", body: () => nested('{"a":', "}", 40_000) },
  { what: "a number of 200,000 digits", body: () => `[${"9".repeat(200_000)}]` },
  { what: "a form", body: () => new URLSearchParams({ reason: "to see" }) },
  { what: "parts of a form", body: formOf },
];

function formOf(): FormData {
  const form = new FormData();
  form.set("file", new File(["{}"], "block.json"));
  return form;
}

/** Calls that accept megabytes. `openapi.test.ts` sends them bodies that are too large. */
const LARGE = ["postDocuments", "putStorageVerifyBlock"];

/** Returns the bodies that this call must refuse. Empty for a call without a body. */
export function hostileBodies({ id, body }: DocumentedCall): readonly HostileBody[] {
  if (body === undefined) return [];
  if (LARGE.includes(id)) return HOSTILE_BODIES;
  return [
    ...HOSTILE_BODIES,
    { what: "one byte too many, unannounced", body: () => streamed(256 * 1024 + 1) },
  ];
}

/** Paths that lead nowhere. */
export const NOWHERE = [
  "/api/vdc/blocks/%ff",
  "/api/vdc/blocks/%00",
  "/api/vdc/blocks/1%2f..%2f0",
  "/api/vdc/blocks/1;x=1",
  "/api/vdc/blocks/-1",
  "/api/vdc/blocks/1e3",
  `/api/vdc/blocks/${"9".repeat(8_000)}`,
  `/api/vdc/assets/${"%F0%9F%92%A9".repeat(500)}`,
  "/api/vdc/assets/..%2f..%2fpending",
  "/api/vdc/transactions/vdc_tx_%E0%A4%A",
  "/api//vdc//latest",
  "/API/VDC/LATEST",
  "/api/vdc/latest/../../../pending",
  "/pending/",
  "/.dev.vars",
  "/wrangler.toml",
  "/__proto__",
  "/api/vdc/blocks?before=__proto__",
  "/api/vdc/blocks?limit=1&limit=2",
  "/api/vdc/blocks?limit=%ff",
] as const;
