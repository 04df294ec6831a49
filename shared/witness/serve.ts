import { fromUtf8, readAtMost, utf8 } from "../crypto/bytes.ts";
import { sha256Hex } from "../crypto/hash.ts";
import { vkeyText } from "../tlog/vkey.ts";
import { MAX_REQUEST_BYTES } from "./add-checkpoint.ts";
import { addCheckpoint, type Witness } from "./witness.ts";

const TEXT = "text/plain; charset=utf-8";

/** Answers every request to a witness. Reads no more of a body than a request of tlog-witness can have. */
export async function serveWitness(witness: Witness, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/add-checkpoint")
    return request.method === "POST" ? add(witness, request) : notAllowed("POST");
  if (request.method !== "GET" && request.method !== "HEAD") return notAllowed("GET, HEAD");
  if (pathname === "/") return text(200, aboutText(witness));
  const [, hash] = /^\/([0-9a-f]{64})\/checkpoint$/.exec(pathname) ?? [];
  const origin = [...witness.logs.keys()].find((origin) => sha256Hex(utf8(origin)) === hash);
  const note = origin === undefined ? undefined : await witness.state.lastNote(origin);
  return note === undefined ? text(404, "this witness has nothing here\n") : text(200, note);
}

async function add(witness: Witness, request: Request): Promise<Response> {
  const bytes = await readAtMost(request.body, MAX_REQUEST_BYTES);
  if (bytes === undefined) return text(413, `the body may have at most ${MAX_REQUEST_BYTES} bytes\n`);
  const body = decoded(bytes);
  if (body === undefined) return text(400, "the body is not UTF-8\n");
  const answer = await addCheckpoint(witness, body);
  return text(answer.status, answer.body, answer.type);
}

/** The page that says what the witness is, with the keys that a policy needs. */
function aboutText({ logs, cosigners }: Witness): string {
  const [{ key }] = cosigners;
  return [
    `This is the transparency-log witness ${key.name}: https://c2sp.org/tlog-witness`,
    "",
    "It cosigns a checkpoint only if the log only added to the last checkpoint that this witness cosigned. It holds no",
    "entries and does not judge them. A log that shows two histories can't have both cosigned here.",
    "",
    "Its keys (Ed25519 cosignature, ML-DSA-44 cosignature):",
    ...cosigners.map((cosigner) => vkeyText(cosigner.key)),
    "",
    "It follows these logs; the last cosigned checkpoint of each is at /{SHA-256 of the origin}/checkpoint:",
    ...[...logs.keys()].map((origin) => `${origin} /${sha256Hex(utf8(origin))}/checkpoint`),
    "",
  ].join("\n");
}

function notAllowed(allow: string): Response {
  return text(405, `use ${allow}\n`, TEXT, { allow });
}

function text(status: number, body: string, type = TEXT, headers: Record<string, string> = {}): Response {
  return new Response(body, {
    status,
    headers: {
      "content-type": type,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "access-control-allow-origin": "*",
      ...headers,
    },
  });
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return fromUtf8(bytes);
  } catch {
    return undefined;
  }
}
