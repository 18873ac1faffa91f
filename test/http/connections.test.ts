import { createServer, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { boundStrangers, trustConnection } from "../../src/http/connections.ts";
import { openServer, TOKEN } from "./test-server.ts";

const STATUS = `GET /dispatch/v1/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n`;

it("a connection that pipelines without end is told so, and closed", async () => {
  const server = await openServer();
  const text = await server.send(`${STATUS}\r\n`.repeat(600));
  const codes = [...text.matchAll(/^HTTP\/1\.1 (\d+) /gm)].map(([, code]) => code);
  expect(codes).toEqual([...Array.from({ length: 64 }, () => "200"), "503"]);
  expect(server.log.filter(({ message }) => message === "request")).toHaveLength(64);
  // Who waits for the answers may go on for as long as it likes.
  const few = `${STATUS}\r\n`.repeat(60) + `${STATUS}Connection: close\r\n\r\n`;
  expect((await server.send(few)).match(/^HTTP\/1\.1 200 /gm)).toHaveLength(61);
});

it("of too many strangers' connections the oldest are closed, and none that brought a token", async () => {
  const server: Server = createServer((request, response) => {
    if (request.headers.authorization) trustConnection(request);
    response.end("here");
  });
  boundStrangers(server, "connection", 3);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const open = (): Promise<Socket> =>
    new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(socket));
      socket.on("error", () => {}).resume();
    });
  const known = await open();
  known.write("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\n\r\n");
  await new Promise((resolve) => known.once("data", resolve));
  const strangers: Socket[] = [];
  for (let n = 0; n < 6; n++) strangers.push(await open());
  await expect
    .poll(() => strangers.map(({ closed }) => closed))
    .toEqual([...[true, true, true], ...[false, false, false]]);
  expect(known.closed).toBe(false);
  for (const socket of [known, ...strangers]) socket.destroy();
});
