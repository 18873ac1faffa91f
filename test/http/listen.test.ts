import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { connect } from "node:tls";
import Koa from "koa";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeSystemClock } from "../../src/actors/clock.ts";
import type { HttpState } from "../../src/http/context.ts";
import { listen } from "../../src/http/listen.ts";
import { listenCandidates } from "../../src/http/listen-address.ts";
import { hasOpenssl, makeCertificate } from "../support/certificate.ts";

const clock = makeSystemClock();

function candidatesOf(urls: Record<string, string>, wanted = "") {
  const internalUrls = Object.fromEntries(
    Object.entries(urls).map(([url, listenURL]) => [url, { listenURL }]),
  );
  return listenCandidates(internalUrls, wanted);
}

function hello(): Koa<HttpState> {
  const app = new Koa<HttpState>();
  app.use((ctx) => {
    ctx.body = "hello";
  });
  return app;
}

/** Whom the certificate names that a new connection sees. */
function subjectAt(address: string): Promise<string> {
  const { hostname, port } = new URL(address);
  const options = { host: hostname, port: Number(port), rejectUnauthorized: false };
  return new Promise((resolve, reject) => {
    const socket = connect(options, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

describe("where to listen", () => {
  it("is the listen URL of an entry, or else its key, with the scheme's port", () => {
    const { candidates, warning } = candidatesOf({
      "http://a.example/": "",
      "https://b.example/": "",
      "ws://c.example/": "",
      "wss://d.example/": "",
      "https://e.example/": "http://[::1]:9006/",
    });
    expect(warning).toBeUndefined();
    expect(candidates.map(({ host, port, isTls }) => [host, port, isTls])).toEqual([
      ["a.example", 80, false],
      ["b.example", 443, true],
      ["c.example", 80, false],
      ["d.example", 443, true],
      ["::1", 9006, false],
    ]);
  });

  it("is what the environment says, with a warning when no entry says so", () => {
    const urls = { "http://a:9006/": "http://0.0.0.0:9007/", "http://b:9006/": "" };
    expect(candidatesOf(urls, "http://a:9006")).toEqual({
      candidates: [{ url: "http://a:9006/", host: "0.0.0.0", port: 9007, isTls: false }],
    });
    const other = candidatesOf(urls, "http://c:9006");
    expect(other.candidates).toMatchObject([{ host: "c", port: 9006 }]);
    expect(other.warning).toBe(
      "possible configuration error: listening on http://c:9006/ (from $ARVADOS_SERVICE_INTERNAL_URL) even though configuration does not have a matching InternalURLs entry",
    );
    for (const wrong of ["nonsense", "ftp://x/", "file:///tmp"])
      expect(() => candidatesOf(urls, wrong)).toThrow(/expected a URL such as/);
  });
});

describe("the listener", () => {
  it("passes over addresses of other machines, and takes the first that is its own", async () => {
    const { candidates } = candidatesOf({
      // TEST-NET-1: nobody's.
      "http://192.0.2.1:0/": "",
      "http://localhost:0/": "",
    });
    const listener = await listen(hello(), { candidates, clock });
    onTestFinished(() => listener.close(0));
    expect(listener.url).toBe("http://localhost:0/");
    expect(await (await fetch(listener.address)).text()).toBe("hello");
  });

  it("names every address that it could not have", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as AddressInfo;
    const { candidates } = candidatesOf({
      "http://192.0.2.1:0/": "",
      [`http://127.0.0.1:${port}/`]: "",
      "https://127.0.0.1:0/": "",
    });
    await expect(listen(hello(), { candidates, clock })).rejects.toThrow(
      `could not enable the "arvados-dispatch-cloud" service on this host: http://127.0.0.1:${port}/: listen EADDRINUSE: ` +
        `address already in use 127.0.0.1:${port}; https://127.0.0.1:0/: https needs TLS.Certificate and TLS.Key`,
    );
    await expect(listen(hello(), { candidates: [], clock })).rejects.toThrow(
      'configuration does not enable the "arvados-dispatch-cloud" service on this host',
    );
    await expect(listen(hello(), { candidates: candidates.slice(0, 1), clock })).rejects.toThrow(
      "configuration does not enable",
    );
  });

  it.skipIf(!hasOpenssl)(
    "serves https, and new certificates from then on (needs openssl)",
    async () => {
      const [first, second] = [makeCertificate("first"), makeCertificate("second")];
      const { candidates } = candidatesOf({ "https://127.0.0.1:0/": "" });
      const listener = await listen(hello(), { candidates, clock, tls: first });
      onTestFinished(() => listener.close(0));
      expect(await subjectAt(listener.address)).toBe("first");
      listener.reloadTls(second);
      expect(await subjectAt(listener.address)).toBe("second");
      expect(() => listener.reloadTls({ cert: "nonsense", key: second.key })).toThrow();
    },
  );

  it("answers what is in flight before it closes, and takes nothing more", async () => {
    const app = new Koa<HttpState>();
    let arrived = (): void => {};
    let finish = (): void => {};
    const begun = new Promise<void>((resolve) => (arrived = resolve));
    const held = new Promise<void>((resolve) => (finish = resolve));
    app.use(async (ctx) => {
      arrived();
      await held;
      ctx.body = "done";
    });
    const { candidates } = candidatesOf({ "http://127.0.0.1:0/": "" });
    const listener = await listen(app, { candidates, clock });
    const answer = fetch(listener.address);
    await begun;
    const closed = listener.close(60_000);
    await expect(fetch(listener.address)).rejects.toThrow();
    finish();
    expect(await (await answer).text()).toBe("done");
    await closed;
  });

  it("cuts off what takes longer than the grace", async () => {
    const app = new Koa<HttpState>();
    let arrived = (): void => {};
    const begun = new Promise<void>((resolve) => (arrived = resolve));
    app.use(() => {
      arrived();
      return new Promise<void>(() => {});
    });
    const { candidates } = candidatesOf({ "http://127.0.0.1:0/": "" });
    const listener = await listen(app, { candidates, clock });
    const answer = fetch(listener.address);
    const refused = expect(answer).rejects.toThrow();
    await begun;
    await listener.close(10);
    await refused;
  });
});
