import { describe, expect, it } from "vitest";
import { addressKey, FailedTokens } from "../../src/http/failed-tokens.ts";
import { openServer, TOKEN } from "./test-server.ts";

const STATUS = "/dispatch/v1/status";
const HOLD = "/arvados/v1/dispatch/instances/hold?instance_id=i-1";
const STOP = "/dispatch/v1/stop";

describe("wrong tokens", () => {
  it("are answered later each time, in a table with a bound", () => {
    let nowMs = 0;
    const failed = new FailedTokens({ nowMs: () => nowMs, addressesMax: 3 });
    expect(Array.from({ length: 9 }, () => failed.note("10.0.0.1"))).toEqual([
      50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000,
    ]);
    for (const address of ["10.0.0.2", "10.0.0.3", "10.0.0.4"]) failed.note(address);
    expect(failed.size).toBe(3);
    expect(failed.note("10.0.0.1")).toBe(50);
    nowMs += 60_000;
    expect(failed.note("10.0.0.4")).toBe(50);
  });

  it("count together where one client has all of the addresses", () => {
    expect(addressKey("::ffff:10.0.0.1")).toBe("10.0.0.1");
    expect(addressKey("2001:db8:0:1::5")).toBe("2001:db8:0:1::/64");
    expect(addressKey("2001:0db8:0000:0001:ffff:ffff:ffff:ffff")).toBe("2001:db8:0:1::/64");
    expect(addressKey("fe80::1%eth0")).toBe("fe80:0:0:0::/64");
    expect(addressKey("2001:db8:0:2::5")).not.toBe(addressKey("2001:db8:0:1::5"));
  });

  it("delay no right one from the same address, and X-Forwarded-For hides none", async () => {
    const held: (() => void)[] = [];
    const noted: string[] = [];
    const failedTokens = new FailedTokens({ nowMs: () => 0 });
    const note = failedTokens.note.bind(failedTokens);
    failedTokens.note = (address) => {
      noted.push(addressKey(address));
      return note(address);
    };
    const server = await openServer(undefined, {
      failedTokens,
      clock: {
        nowMs: () => 0,
        setTimer: (_delayMs, callback) => {
          held.push(callback);
          return () => {};
        },
      },
    });
    const wrong = ["/metrics", "/_health/ping", STATUS, "/_inspect/requests"].map((path, n) =>
      server.ask("GET", path, {
        headers: { Authorization: `Bearer ${TOKEN}${n}`, "X-Forwarded-For": `10.9.9.${n}` },
      }),
    );
    await expect.poll(() => held.length).toBe(4);
    expect((await server.ask("GET", STATUS)).status).toBe(200);
    expect(held).toHaveLength(4);
    expect(new Set(noted)).toEqual(new Set(["127.0.0.1"]));
    for (const answer of held) answer();
    expect((await Promise.all(wrong)).map(({ status }) => status)).toEqual([403, 403, 403, 401]);
  });
});

describe("pages of other sites", () => {
  const cookie = `arvados_api_token=${Buffer.from(TOKEN).toString("base64url")}`;
  const ask = async (method: string, path: string, headers: Record<string, string>) => {
    const server = await openServer();
    const given = Object.entries(headers).map(([name, value]) => [
      name,
      value.replace("OWN", new URL(server.url).host),
    ]);
    const all = Object.fromEntries(given) as Record<string, string>;
    return { ...(await server.ask(method, path, { headers: all })), facts: server.facts };
  };

  it("change nothing, whatever cookie or token they bring", async () => {
    const foreign = [
      { Origin: "http://evil.example" },
      { Origin: "null" },
      { Origin: "http://localhost:3000" },
      { Origin: "no origin" },
      { "Sec-Fetch-Site": "cross-site" },
      { "Sec-Fetch-Site": "same-site" },
    ];
    for (const headers of foreign)
      for (const path of [HOLD, STOP]) {
        const answer = await ask("POST", path, { ...headers, Cookie: cookie });
        expect([headers, answer.status, answer.facts]).toEqual([headers, 403, []]);
      }
  });

  it("are told apart from this service's own", async () => {
    const own = [
      { Origin: "http://OWN" },
      { Origin: "http://OWN", "Sec-Fetch-Site": "same-origin" },
      { Origin: "http://localhost:8080", Host: "localhost:8080" },
      { Origin: "https://dispatcher.example.org", Host: "dispatcher.example.org" },
      { Origin: "https://dispatcher.example.org" },
      { "Sec-Fetch-Site": "none" },
    ];
    for (const headers of own)
      expect([headers, (await ask("POST", STOP, headers)).status]).toEqual([headers, 202]);
    // Without a browser nobody looks at the host.
    expect((await ask("POST", STOP, { Host: "anything" })).status).toBe(202);
  });

  it("cannot come under a name of their own that points here", async () => {
    const rebound = [
      { Host: "evil.example", Origin: "http://evil.example" },
      { Host: "evil.example", "Sec-Fetch-Site": "same-origin" },
      { Host: "192.0.2.1", "Sec-Fetch-Site": "none" },
    ];
    for (const headers of rebound)
      for (const path of ["/", STATUS, "/metrics"]) {
        const answer = await ask("GET", path, headers);
        expect([headers, answer.status]).toEqual([headers, 403]);
        expect(answer.text).toContain("DispatchCloud.Page.Hosts");
      }
  });
});
