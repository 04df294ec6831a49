import { setGlobalProxyFromEnv } from "node:http";
import { CommandFailure, EXIT } from "../output/failure.ts";

const VARIABLES = ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"] as const;
/** The local stack is on this machine, where no proxy stands in between. */
const LOCAL = "localhost,127.0.0.1,::1";

/**
 * Sends every request of this process through the proxies that the environment names, as curl does.
 * @returns undoes it
 * @throws CommandFailure for a proxy that is no address; it repeats nothing of it, for it may hold a password
 */
export function useProxies(environment: NodeJS.ProcessEnv = process.env): () => void {
  const named = VARIABLES.filter((name) => environment[name]);
  if (named.length === 0) return () => {};
  for (const name of named)
    if (!/^https?:$/.test(protocolOf(environment[name])))
      throw new CommandFailure(
        `${name} is no address of a proxy: expected http://… or https://…`,
        EXIT.usage,
      );
  const except = environment.no_proxy || environment.NO_PROXY;
  return setGlobalProxyFromEnv({
    ...Object.fromEntries(named.map((name) => [name, environment[name]])),
    no_proxy: except ? `${except},${LOCAL}` : LOCAL,
  });
}

/** Advice about proxies for a deployment that can't be reached. */
export function proxyAdvice(environment: NodeJS.ProcessEnv = process.env): string {
  const named = VARIABLES.filter((name) => environment[name]);
  if (named.length > 0) return `. The request went through the proxy of ${named.join(" or ")}`;
  return environment.ALL_PROXY || environment.all_proxy
    ? ". ALL_PROXY is not used: set HTTPS_PROXY to an http:// proxy"
    : "";
}

function protocolOf(url: string | undefined): string {
  return url !== undefined && URL.canParse(url) ? new URL(url).protocol : "";
}
