import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface Asked {
  readonly method: string;
  /** The path with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Answered {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; a string is sent as it is. */
  readonly body?: unknown;
  /** Sent as they are. */
  readonly bytes?: Uint8Array;
  /** Answers with the problem of this name. */
  readonly problem?: string;
  readonly detail?: string;
  /** Cuts the connection instead of an answer. */
  readonly cut?: boolean;
}

export interface Served {
  readonly url: string;
  /** All requests, in order. */
  readonly asked: readonly Asked[];
}

/** Starts an HTTP server on this machine that gives the test's answers until the test ends. */
export async function serve(answer: (asked: Asked) => Answered): Promise<Served> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (data: Buffer) => (body += data.toString()));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      const one = { method, path: url, headers, body };
      asked.push(one);
      const answered = answer(one);
      if (answered.cut === true) request.socket.destroy();
      else
        response
          .writeHead(answered.status ?? 200, { ...answered.headers })
          .end(answered.bytes ?? textOf(answered));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => void server.close(() => resolve()));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

function textOf({ body, problem, status, detail = "as a test has it" }: Answered): string {
  if (problem !== undefined)
    return JSON.stringify({
      type: `urn:vdc:problem:${problem}`,
      title: "A title",
      status,
      detail,
      requestId: "r-1",
    });
  return typeof body === "string" ? body : JSON.stringify(body ?? {});
}
