import * as v from "valibot";
import { audit } from "../../../shared/objects/audit-log.ts";
import { AuditPage } from "../../../shared/api/audit-chain.ts";
import { json } from "../../../shared/http/answer.ts";
import { operation } from "../http/operation.ts";
import { flag, number, WholeNumber } from "../http/parameters.ts";

export const auditLog = operation(
  {
    does: "What operators did, each entry linked to the one before by its hash; backwards from the latest with newest=true",
    who: "operator",
    query: v.strictObject({
      from: v.optional(
        v.pipe(
          WholeNumber,
          v.minValue(1, "expected at least 1"),
          v.description("The sequence to begin with: `next` of the page before"),
        ),
      ),
      limit: number({ least: 1, most: 1_000, otherwise: 100 }, "Entries in a page, at most"),
      newest: flag(false, "true: backwards, the latest first"),
    }),
    answers: { 200: AuditPage },
  },
  async ({ env, query: { from, limit, newest } }) =>
    json((await audit(env).page({ from, limit, newest })) satisfies AuditPage),
);
