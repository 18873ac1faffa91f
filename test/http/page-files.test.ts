import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeTempDir } from "../cli/test-io.ts";
import { openServer } from "./test-server.ts";

const SCRIPT = "/assets/index-Ab12Cd34.js";

function builtPage(): string {
  const folder = join(makeTempDir(), "visualizer");
  mkdirSync(join(folder, "assets"), { recursive: true });
  writeFileSync(join(folder, "index.html"), `<!doctype html><script src=".${SCRIPT}"></script>`);
  writeFileSync(join(folder, SCRIPT), "console.log(1);".repeat(200));
  writeFileSync(join(folder, "..", "secret.json"), "{}");
  return folder;
}

describe("the page", () => {
  it("is open, under a strict policy, and cached as its names allow", async () => {
    const server = await openServer(undefined, { pageFolder: builtPage() });
    const page = await server.ask("GET", "/", { token: "none" });
    expect(page).toMatchObject({
      status: 200,
      headers: {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-cache",
        "content-security-policy":
          "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
      },
    });
    const script = await server.ask("GET", SCRIPT, { token: "none" });
    expect(script).toMatchObject({
      status: 200,
      headers: {
        "content-type": "text/javascript; charset=utf-8",
        "cache-control": "public, max-age=31536000, immutable",
      },
    });
    const etag = page.headers["etag"] ?? "";
    const again = await server.ask("GET", "/", { headers: { "If-None-Match": etag } });
    expect([again.status, again.text]).toEqual([304, ""]);
  });

  it("goes out compressed to who takes that", async () => {
    const folder = builtPage();
    const server = await openServer(undefined, { pageFolder: folder });
    const raw = await server.send(
      `GET ${SCRIPT} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n`,
    );
    const [head = "", body = ""] = raw.split("\r\n\r\n");
    expect(head).toContain("Content-Encoding: gzip");
    expect(gunzipSync(Buffer.from(body, "latin1")).toString()).toContain("console.log(1);");
  });

  it("is nothing but the files of its folder", async () => {
    const server = await openServer(undefined, { pageFolder: builtPage() });
    const paths = [
      "/../secret.json",
      "/assets/../../secret.json",
      "/assets/%2e%2e/%2e%2e/secret.json",
      "/assets/..%2f..%2fsecret.json",
      "/assets",
      "/assets/",
      "/secret.json",
      "/assets/none.js",
      "/__proto__",
    ];
    for (const path of paths) {
      const answer = await server.ask("GET", path, { token: "none" });
      expect([path, answer.status]).toEqual([path, 401]);
    }
    expect((await server.ask("POST", "/", { token: "none" })).status).toBe(401);
  });

  it("says how to build it while it is not, and is there once it is", async () => {
    const folder = builtPage();
    const aside = makeTempDir();
    rmSync(aside, { recursive: true });
    const server = await openServer(undefined, { pageFolder: aside });
    const missing = await server.ask("GET", "/", { token: "none" });
    expect(missing.status).toBe(503);
    expect(missing.text).toContain("npm run build");
    expect(missing.headers["content-security-policy"]).toContain("default-src 'none'");
    mkdirSync(aside);
    writeFileSync(join(aside, "index.html"), "built");
    expect((await server.ask("GET", "/", { token: "none" })).text).toBe("built");
    expect((await server.ask("GET", "/index.html", { token: "none" })).text).toBe("built");
    expect(folder).not.toBe(aside);
  });

  it("is not there where the config says so", async () => {
    const server = await openServer();
    expect((await server.ask("GET", "/", { token: "none" })).status).toBe(401);
  });
});
