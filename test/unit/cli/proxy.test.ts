import { createServer } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { EXIT } from "../../../cli/output/failure.ts";
import { vdc } from "../../support/stack/command-line.ts";
import { serve } from "./server.ts";

/** A proxy that leads every name to one port of this machine. */
async function proxyTo(url: string): Promise<{ readonly url: string; readonly asked: readonly string[] }> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((_, answer) => answer.writeHead(501).end());
  server.on("connect", ({ url: to = "" }, socket: Socket) => {
    asked.push(to);
    sockets.add(socket);
    const onward = connect(Number(new URL(url).port), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [onward, socket])
      end.on("error", () => [onward, socket].forEach((one) => one.destroy()));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((resolve) => void server.close(() => resolve()));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const TX = `vdc_tx_${"7".repeat(40)}`;
const answering = () => serve(() => ({ body: { txId: TX, state: "pending" } }));

describe("a deployment that only a proxy reaches", () => {
  it.for(["HTTP_PROXY", "http_proxy"])("is asked through the proxy that %s names", async (name) => {
    const proxy = await proxyTo((await answering()).url);
    const { code } = await vdc(["tx", TX, "--url", "http://vdc.example.invalid"], { [name]: proxy.url });
    expect({ code, asked: proxy.asked }).toEqual({ code: EXIT.ok, asked: ["vdc.example.invalid:80"] });
  });

  it("is asked over TLS through the proxy that HTTPS_PROXY names", async () => {
    const proxy = await proxyTo((await answering()).url); // without TLS, so only the proxy's part can be seen
    const { code } = await vdc(["tx", TX, "--url", "https://vdc.example.invalid"], {
      HTTPS_PROXY: proxy.url,
    });
    expect(code).toBe(EXIT.unknown);
    expect(proxy.asked[0]).toBe("vdc.example.invalid:443");
  });

  it("is asked directly where NO_PROXY names it, and on this machine", async () => {
    const stack = await answering();
    const proxy = await proxyTo(stack.url);
    expect((await vdc(["tx", TX, "--url", stack.url], { HTTP_PROXY: proxy.url })).code).toBe(EXIT.ok);
    const environment = { HTTP_PROXY: proxy.url, NO_PROXY: ".invalid" };
    expect((await vdc(["tx", TX, "--url", "http://vdc.example.invalid"], environment)).code).toBe(
      EXIT.unknown,
    );
    expect(proxy.asked).toEqual([]);
  });

  it("leaves no proxy behind for the next command of this process", async () => {
    const stack = await answering();
    const proxy = await proxyTo(stack.url);
    await vdc(["tx", TX, "--url", "http://vdc.example.invalid"], { HTTP_PROXY: proxy.url });
    await vdc(["tx", TX, "--url", "http://vdc.example.invalid"]);
    expect(proxy.asked).toHaveLength(1);
  });
});

describe("a proxy that can't be used", () => {
  it("is refused without its address, which may hold a password", async () => {
    const { code, stderr } = await vdc(["tx", TX, "--url", "http://127.0.0.1:1"], {
      HTTPS_PROXY: "socks5://me:hunter2@proxy.example.com",
    });
    expect({ code, stderr }).toEqual({ code: EXIT.usage, stderr: expect.stringContaining("HTTPS_PROXY") });
    expect(stderr).not.toContain("hunter2");
  });

  it("is named where the deployment can't be reached, and so is the way for ALL_PROXY", async () => {
    const args = ["tx", TX, "--url", "http://vdc.example.invalid"];
    const lost = await vdc(args, { HTTP_PROXY: "http://127.0.0.1:1" });
    expect({ code: lost.code, stderr: lost.stderr }).toEqual({
      code: EXIT.unknown,
      stderr: expect.stringContaining("through the proxy of HTTP_PROXY"),
    });
    expect((await vdc(args, { ALL_PROXY: "socks5://127.0.0.1:1" })).stderr).toContain("set HTTPS_PROXY");
  });
});
