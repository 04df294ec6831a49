import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { BlockNumber } from "../../../shared/chain/block.ts";
import { AssetId, Timestamp, TxId, Sha256Hex } from "../../../shared/chain/transaction.ts";
import { PROBLEMS, problemType, type ProblemSlug } from "../../../shared/http/problems.ts";
import { RecordKind } from "../../../shared/storage/records.ts";
import { STRIPE_REFUSALS } from "../../../shared/stripe/refusal.ts";
import { UserId } from "../../../shared/chain/user-metadata.ts";
import { CLAIM } from "../../../shared/api/indexed-through.ts";
import { Count } from "../../../shared/api/count.ts";
import type { SchemaNode, Schemas } from "./schemas.ts";

const REASON = { reason: v.picklist(STRIPE_REFUSALS) };

/** The members that a problem may have besides those that every problem has. */
const MEMBERS: Partial<Record<ProblemSlug, v.ObjectEntries>> = {
  "invalid-signature": REASON,
  "unsupported-event": REASON,
  "invalid-body": { ...REASON, member: v.nullable(v.string()) },
  "invalid-parameter": { parameter: v.string() },
  "run-active": { runId: v.pipe(v.string(), v.uuid()) },
  "replay-active": { replayId: v.pipe(v.string(), v.uuid()) },
  "not-found": {
    latest: v.nullable(BlockNumber),
    ...CLAIM,
    state: v.nullable(v.string()),
    txId: TxId,
    assetId: AssetId,
    userId: UserId,
    documentId: Sha256Hex,
    kind: RecordKind,
    recordId: v.string(),
  },
  "timestamp-outside-window": { now: Timestamp, windowSeconds: Count },
  "already-exists": { assetId: AssetId, userId: UserId },
  "stale-version": { version: Count },
  "not-in-checkpoint": { txId: TxId, state: v.string() },
  "not-ready": { state: v.string(), txId: TxId },
  erased: { txId: TxId },
  "activation-expired": { expiresAt: Count },
  "body-too-large": { maxBytes: Count },
};

const HEADERS: Partial<Record<ProblemSlug, SchemaNode>> = {
  unauthorized: { "www-authenticate": { schema: { type: "string" }, description: "VdcAdminSecret" } },
  "method-not-allowed": { allow: { schema: { type: "string" }, description: "The methods of this path" } },
};
const RETRY_AFTER = {
  "retry-after": { schema: { type: "string" }, description: "Seconds, where it is known" },
};

export const REQUEST_ID = { "x-request-id": { $ref: "#/components/headers/RequestId" } };

const ALL = Object.keys(PROBLEMS) as ProblemSlug[];
const nameOf = (slug: ProblemSlug) =>
  slug.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
const reference = (slug: ProblemSlug) => ({ $ref: `#/components/schemas/${nameOf(slug)}Problem` });
const answerOf = (schema: SchemaNode) => ({ "application/problem+json": { schema } });

export function problemSchemas(schemas: Schemas): SchemaNode {
  const base = {
    type: "object",
    description: "RFC 9457. Branch on `type`; ignore members that you do not know.",
    properties: {
      type: { type: "string", pattern: "^urn:vdc:problem:[a-z-]+$" },
      title: { type: "string" },
      status: { type: "integer", minimum: 400, maximum: 599 },
      detail: { type: "string", description: "For a person: what happened, and what to do" },
      requestId: { type: "string", description: "Give it to the operator; also in x-request-id" },
    },
    required: ["type", "title", "status", "detail", "requestId"],
  };
  const each = ALL.map((slug) => {
    const { status, title } = PROBLEMS[slug];
    const members = schemas.output(v.partial(v.object(MEMBERS[slug] ?? {})));
    const properties = {
      type: { const: problemType(slug) },
      title: { const: title },
      status: { const: status },
    };
    return [
      `${nameOf(slug)}Problem`,
      {
        type: "object",
        allOf: [{ $ref: "#/components/schemas/Problem" }],
        properties: { ...properties, ...(members.properties as SchemaNode) },
      },
    ];
  });
  return { Problem: base, ...(Object.fromEntries(each) as SchemaNode) };
}

/** Makes every problem an answer to which calls refer, with its text from docs/problems.md. */
export function problemResponses(): SchemaNode {
  const guide = readFileSync(join(import.meta.dirname, "../../../docs/problems.md"), "utf8");
  return Object.fromEntries(
    ALL.map((slug) => [
      nameOf(slug),
      {
        description: `${PROBLEMS[slug].title}. ${explanation(guide, slug)}`,
        headers: headersOf([slug]),
        content: answerOf(reference(slug)),
      },
    ]),
  );
}

/** Makes the answer of a status that these problems share. */
export function problemAnswer(slugs: readonly ProblemSlug[]): SchemaNode {
  const [only] = slugs;
  if (slugs.length === 1 && only !== undefined) return { $ref: `#/components/responses/${nameOf(only)}` };
  return {
    description: slugs.map((slug) => PROBLEMS[slug].title).join(", or: "),
    headers: headersOf(slugs),
    content: answerOf({ oneOf: slugs.map(reference) }),
  };
}

function headersOf(slugs: readonly ProblemSlug[]): SchemaNode {
  const own = slugs.map((slug) => ({
    ...([429, 503].includes(PROBLEMS[slug].status) && RETRY_AFTER),
    ...HEADERS[slug],
  }));
  return Object.assign({ ...REQUEST_ID }, ...own) as SchemaNode;
}

/** Reads "What happened" and "What to do" from the guide, each as one line, with links as plain text. */
function explanation(guide: string, slug: ProblemSlug): string {
  const section = guide.split(`\n### ${slug}\n`)[1]?.split(/\n##/)[0];
  if (section === undefined) throw new Error(`docs/problems.md does not describe ${slug}`);
  const [, ...paragraphs] = section.trim().split("\n\n");
  return paragraphs
    .map((paragraph) => paragraph.replaceAll("\n", " ").replaceAll(/\[([^\]]+)\]\([^)]+\)/g, "$1"))
    .join("\n\n");
}
