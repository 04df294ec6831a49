import { audit } from "../../../shared/objects/audit-log.ts";
import type { AuditPage } from "../../../shared/api/audit.ts";
import { json } from "../../../shared/http/answer.ts";
import { operation } from "../http/operation.ts";
import * as api from "../../../shared/api/audit.ts";

export const auditLog = operation(api.auditLog, async ({ env, query: { from, limit, newest } }) =>
  json((await audit(env).page({ from, limit, newest })) satisfies AuditPage),
);
