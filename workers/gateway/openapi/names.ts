import type * as v from "valibot";
import * as activationSchemas from "../../../shared/api/activation.ts";
import * as auditChain from "../../../shared/api/audit-chain.ts";
import * as halted from "../../../shared/api/halted.ts";
import * as blockSchemas from "../../../shared/chain/block.ts";
import * as documentSchemas from "../../../shared/chain/document.ts";
import * as submissionSchemas from "../../../shared/chain/submission.ts";
import * as transactionSchemas from "../../../shared/chain/transaction.ts";
import * as kvTier from "../../../shared/storage/kv-tier.ts";
import * as deadLetterSchemas from "../../../shared/objects/dead-letters.ts";
import * as storageRecords from "../../../shared/storage/records.ts";
import * as storageReport from "../../../shared/storage/report.ts";
import * as webhookAnswer from "../../../shared/stripe/answer.ts";
import * as userMetadata from "../../../shared/chain/user-metadata.ts";
import * as activation from "../resources/activation.ts";
import * as assets from "../resources/assets.ts";
import * as blocks from "../resources/blocks.ts";
import * as contents from "../resources/contents.ts";
import * as deadLetters from "../resources/dead-letters.ts";
import * as health from "../resources/health.ts";
import * as keys from "../resources/keys.ts";
import * as mine from "../resources/mine.ts";
import * as pending from "../resources/pending.ts";
import * as privacy from "../resources/privacy.ts";
import * as reason from "../http/reason.ts";
import * as replays from "../resources/replays.ts";
import * as resume from "../resources/resume.ts";
import * as status from "../resources/status.ts";
import * as storedDocuments from "../resources/stored-documents.ts";
import * as storageVerify from "../resources/storage-verify.ts";
import * as submissions from "../resources/submissions.ts";
import * as transactions from "../resources/transactions.ts";
import * as users from "../resources/users.ts";
import * as wellKnown from "../resources/well-known.ts";

/** Files whose exported schemas appear in the document under the export's name. Any other schema stands where it is used. */
const FILES: readonly object[] = [
  activationSchemas,
  auditChain,
  blockSchemas,
  documentSchemas,
  submissionSchemas,
  transactionSchemas,
  kvTier,
  deadLetterSchemas,
  storageRecords,
  storageReport,
  webhookAnswer,
  userMetadata,
  activation,
  assets,
  blocks,
  contents,
  deadLetters,
  halted,
  health,
  keys,
  mine,
  pending,
  privacy,
  reason,
  replays,
  resume,
  status,
  storageVerify,
  storedDocuments,
  submissions,
  transactions,
  users,
  wellKnown,
];

/** @throws Error when two schemas have one name */
export function namedSchemas(): Readonly<Record<string, v.GenericSchema>> {
  const named = new Map<string, v.GenericSchema>();
  for (const [name, exported] of FILES.flatMap((file) => Object.entries(file))) {
    if (!isSchema(exported)) continue;
    if (named.has(name) && named.get(name) !== exported)
      throw new Error(`two schemas of the HTTP interface are called ${name}`);
    named.set(name, exported);
  }
  return Object.fromEntries(named);
}

function isSchema(exported: unknown): exported is v.GenericSchema {
  return (
    typeof exported === "object" && exported !== null && "kind" in exported && exported.kind === "schema"
  );
}
