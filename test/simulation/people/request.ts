import { Invocation } from "../world/invocation.ts";
import type { Stack } from "../platform/stack.ts";

/** Thrown if no answer came. The caller does not know whether the request had an effect. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Milliseconds until the caller gives up. */
  readonly patience?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  json(): unknown;
}

const PATIENCE = 30_000;

/** Sends a request from the internet to the gateway. @throws NoAnswer */
export async function request(stack: Stack, path: string, asked: Asked = {}): Promise<Answer> {
  const { world } = stack;
  const { method = "GET", headers = {}, body, patience = PATIENCE } = asked;
  await world.sleep(world.random.duration(40));
  const invocation = new Invocation("gateway");
  world.say(`people: ${method} ${path}`);
  const answered = stack
    .worker("gateway")
    .fetch(
      new Request(`https://vdc.example${path}`, { method, headers, ...(body !== undefined && { body }) }),
      invocation,
    )
    .then(async (response) => ({
      status: response.status,
      headers: response.headers,
      text: await response.text(),
    }));
  answered.catch(() => {}); // the caller may have given up
  const hangsUp = world.strikes("client hangs up", `${method} ${path}`);
  const gaveUp = world.sleep(hangsUp ? world.random.between(1, 3_000) : patience).then(() => {
    if (world.random.chance(0.5)) invocation.kill("its caller hung up");
    throw new NoAnswer(`${method} ${path}: gave up waiting`);
  });
  gaveUp.catch(() => {});
  const answer = await Promise.race([answered, gaveUp]).catch((error: unknown) => {
    if (error instanceof NoAnswer) throw error;
    throw new NoAnswer(`${method} ${path}: ${String(error)}`);
  });
  world.say(`people: ${method} ${path} → ${answer.status}`);
  if (answer.status === 500) world.say(`500: ${answer.text}`);
  return { ...answer, json: () => JSON.parse(answer.text) as unknown };
}

/** Sends a request as an operator. @throws NoAnswer */
export function operate(stack: Stack, path: string, asked: Asked = {}): Promise<Answer> {
  const headers = { ...asked.headers, "x-admin-secret": stack.secrets.ADMIN_SECRET };
  return request(stack, path, { ...asked, headers });
}
