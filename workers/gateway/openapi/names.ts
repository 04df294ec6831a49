import type * as v from "valibot";
import * as activationSchemas from "../../../shared/activation.ts";
import * as auditChain from "../../../shared/audit-chain.ts";
import * as halted from "../../../shared/halted.ts";
import * as blockSchemas from "../../../shared/chain/block.ts";
import * as documentSchemas from "../../../shared/chain/document.ts";
import * as submissionSchemas from "../../../shared/chain/submission.ts";
import * as transactionSchemas from "../../../shared/chain/transaction.ts";
import * as kvTier from "../../../shared/storage/kv-tier.ts";
import * as deadLetterSchemas from "../../../shared/dead-letters.ts";
import * as storageRecords from "../../../shared/storage/records.ts";
import * as storageReport from "../../../shared/storage/report.ts";
import * as webhookAnswer from "../../../shared/stripe/answer.ts";
import * as userMetadata from "../../../shared/user-metadata.ts";
import * as activation from "../activation.ts";
import * as assets from "../assets.ts";
import * as blocks from "../blocks.ts";
import * as contents from "../contents.ts";
import * as deadLetters from "../dead-letters.ts";
import * as health from "../health.ts";
import * as keys from "../keys.ts";
import * as mine from "../mine.ts";
import * as pending from "../pending.ts";
import * as privacy from "../privacy.ts";
import * as reason from "../reason.ts";
import * as replays from "../replays.ts";
import * as resume from "../resume.ts";
import * as status from "../status.ts";
import * as storedDocuments from "../stored-documents.ts";
import * as storageVerify from "../storage-verify.ts";
import * as submissions from "../submissions.ts";
import * as transactions from "../transactions.ts";
import * as users from "../users.ts";
import * as wellKnown from "../well-known.ts";

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
