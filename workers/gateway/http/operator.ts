import { Problem } from "../../../shared/http/problems.ts";
import { nameOfHeader, OPERATOR_NAME_HEADER, operatorNameOf } from "../../../shared/http/operator-name.ts";
import { isWeakSecret, sameSecret } from "../../../shared/http/secret.ts";
import type { Arrival } from "./operation.ts";

/** An operator: the e-mail address or id that Cloudflare Access verified, or the name given beside the secret. */
export interface Operator {
  readonly name: string;
  readonly by: "access" | "secret";
}

export const NAMELESS = "unnamed";

/**
 * Recognises the operator. Without a configured secret or Access application, every call is refused.
 * @throws Problem "operators-not-configured" or "unauthorized"
 */
export async function recogniseOperator(arrival: Arrival): Promise<Operator> {
  const verified = await byAccess(arrival);
  if (verified !== undefined) return { name: verified, by: "access" };
  const { ADMIN_SECRET: configured = "", ACCESS_AUD: audience = "" } = arrival.env;
  const usable = configured !== "" && !isWeakSecret(configured);
  if (!usable && audience === "")
    throw new Problem(
      "operators-not-configured",
      configured === ""
        ? "ADMIN_SECRET is not set, so no operator can be recognised. Set it with `wrangler secret put ADMIN_SECRET`."
        : "ADMIN_SECRET is too weak or a placeholder. Set 16 random characters or more with `wrangler secret put ADMIN_SECRET`.",
    );
  const given = arrival.request.headers.get("x-admin-secret") ?? "";
  if (usable && given !== "" && (await sameSecret(given, configured)))
    return { name: nameGiven(arrival.request), by: "secret" };
  arrival.log.warn("operator.refused", { secretGiven: given !== "" });
  throw new Problem(
    "unauthorized",
    given === ""
      ? "Send the operator's secret in the x-admin-secret header."
      : "The secret is not the one configured.",
    { headers: { "www-authenticate": 'VdcAdminSecret realm="vdc"' } },
  );
}

/**
 * Returns the name that Cloudflare Access verified for this very application. Requests of other sites carry its cookie too, so
 * their writes are refused.
 */
async function byAccess({ request, context, env }: Arrival): Promise<string | undefined> {
  const { ACCESS_AUD: audience = "" } = env;
  if (audience === "" || context.access?.aud !== audience) return undefined;
  if (request.method !== "GET" && isOfAnotherSite(request)) return undefined;
  const identity = await context.access.getIdentity();
  // Access lets a service token through without a name: then the secret decides.
  return operatorNameOf(identity?.email ?? identity?.name ?? identity?.user_uuid ?? "") || undefined;
}

/** Decides whether a page of another site sent the request. A browser without Sec-Fetch-Site shows it by Origin alone. */
function isOfAnotherSite({ headers, url }: Request): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site !== "same-origin" && site !== "none";
  const origin = headers.get("origin");
  return origin !== null && origin !== new URL(url).origin;
}

function nameGiven(request: Request): string {
  return nameOfHeader(request.headers.get(OPERATOR_NAME_HEADER) ?? "") || NAMELESS;
}
