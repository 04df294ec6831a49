import { Problem } from "../../shared/http/problems.ts";
import { isWeakSecret, sameSecret } from "../../shared/http/secret.ts";
import type { Call, Handler } from "./router.ts";

/** Runs the handler only for an operator. Without a configured secret or Access application, for nobody. */
export function operatorOnly(handler: Handler): Handler {
  return async (call) => {
    await authorise(call);
    return handler(call);
  };
}

async function authorise(call: Call): Promise<void> {
  if (byAccess(call)) return;
  const { ADMIN_SECRET: configured = "", ACCESS_AUD: audience = "" } = call.env;
  const usable = configured !== "" && !isWeakSecret(configured);
  if (!usable && audience === "")
    throw new Problem(
      "operators-not-configured",
      configured === ""
        ? "ADMIN_SECRET is not set, so no operator can be recognised. Set it with `wrangler secret put ADMIN_SECRET`."
        : "ADMIN_SECRET is too weak or a placeholder. Set 16 random characters or more with `wrangler secret put ADMIN_SECRET`.",
    );
  const given = call.request.headers.get("x-admin-secret") ?? "";
  if (usable && given !== "" && (await sameSecret(given, configured))) return;
  call.log.warn("operator.refused", { secretGiven: given !== "" });
  throw new Problem(
    "unauthorized",
    given === ""
      ? "Send the operator's secret in the x-admin-secret header."
      : "The secret is not the one configured.",
    { headers: { "www-authenticate": 'VdcAdminSecret realm="vdc"' } },
  );
}

/** Cloudflare Access has verified the caller, for this very application. Its cookie also rides on other sites' requests. */
function byAccess({ request, context, env }: Call): boolean {
  const { ACCESS_AUD: audience = "" } = env;
  if (audience === "" || context.access?.aud !== audience) return false;
  const site = request.headers.get("sec-fetch-site");
  return request.method === "GET" || site === null || site === "same-origin" || site === "none";
}
