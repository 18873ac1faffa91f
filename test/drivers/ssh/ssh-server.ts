import { once } from "node:events";
import { connect, type AddressInfo } from "node:net";
import ssh2, { type Connection, type ServerChannel, type Session } from "ssh2";
import { makeKeyPair } from "../../../src/drivers/ssh/key-pair.ts";

export const KEYS = {
  hostA: makeKeyPair(),
  hostB: ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256 }),
  client: makeKeyPair(),
  stranger: makeKeyPair(),
};

export function publicBytes(key: { public: string }): Buffer {
  const parsed = ssh2.utils.parseKey(key.public);
  if (parsed instanceof Error) throw parsed;
  return parsed.getPublicSSH();
}

export interface Exec {
  readonly command: string;
  readonly env: Record<string, string>;
  readonly channel: ServerChannel;
}

export interface TestServer {
  readonly port: number;
  readonly address: string;
  /** Connections that got as far as a handshake. */
  connectionsCount(): number;
  liveConnectionsCount(): number;
  openChannelsCount(): number;
  channelsAtOnceMax(): number;
  execs(): readonly Exec[];
  setHostKey(key: { private: string }): Promise<void>;
  setChannelsMax(channelsMax: number): void;
  /** Whether exec requests, and streams to Unix sockets, are refused. */
  setRefusing(isRefusing: boolean): void;
  /** Keeps clients waiting for their channels; the returned function lets them have them. */
  holdChannels(): () => void;
  /** Ends all connections abruptly. */
  drop(): void;
  close(): void;
}

export function endChannel(channel: ServerChannel, exitCode: number): void {
  channel.exit(exitCode);
  channel.end();
}

/** A real SSH server on 127.0.0.1 that lets in the user "username" with our client key. */
export async function startServer(onExec: (exec: Exec) => void): Promise<TestServer> {
  const connections = new Set<Connection>();
  const execs: Exec[] = [];
  let connectionsCount = 0;
  let openChannelsCount = 0;
  let channelsAtOnceMax = 0;
  let channelsMax = Infinity;
  let isRefusing = false;
  let held = Promise.resolve();
  let server: ssh2.Server;

  function serve(connection: Connection): void {
    connectionsCount += 1;
    connections.add(connection);
    // ssh2 has it on the server's side too; its types do not.
    (connection as unknown as { setNoDelay(on: boolean): void }).setNoDelay(true);
    connection.on("error", () => {});
    connection.on("close", () => connections.delete(connection));
    connection.on("authentication", (context) => {
      const isOurs =
        context.method === "publickey" &&
        context.username === "username" &&
        context.key.data.equals(publicBytes(KEYS.client));
      if (isOurs) context.accept();
      else context.reject(["publickey"]);
    });
    connection.on("session", (accept, reject) => {
      void held.then(() => serveSession(accept, reject));
    });
    connection.on("openssh.streamlocal", (accept, reject, { socketPath }) => {
      void held.then(() => serveStream(accept, reject, socketPath));
    });
  }

  /** As OpenSSH, which says the same where it may not and where nobody listens. */
  function serveStream(accept: () => ServerChannel, reject: () => void, path: string): void {
    if (isRefusing) return reject();
    const socket = connect(path);
    socket.once("error", () => reject());
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      const channel = accept();
      socket.on("error", () => channel.close());
      channel.on("error", () => socket.destroy());
      socket.pipe(channel).pipe(socket);
    });
  }

  function serveSession(accept: () => Session, reject: () => void): void {
    if (openChannelsCount >= channelsMax) return void reject();
    openChannelsCount += 1;
    channelsAtOnceMax = Math.max(channelsAtOnceMax, openChannelsCount);
    const session = accept();
    const env: Record<string, string> = {};
    session.on("env", (_accept, _reject, info) => {
      env[info.key] = info.val;
    });
    session.on("close", () => {
      openChannelsCount -= 1;
    });
    session.on("exec", (acceptExec, rejectExec, info) => {
      if (isRefusing) return void rejectExec();
      const exec = { command: info.command, env, channel: acceptExec() };
      execs.push(exec);
      onExec(exec);
    });
  }

  async function listen(key: { private: string }, port: number): Promise<number> {
    server = new ssh2.Server({ hostKeys: [key.private] }, serve);
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  function drop(): void {
    for (const connection of connections) {
      (connection as unknown as { _sock: { destroy(): void } })._sock.destroy();
    }
  }

  const port = await listen(KEYS.hostA, 0);
  return {
    port,
    address: `127.0.0.1:${port}`,
    connectionsCount: () => connectionsCount,
    liveConnectionsCount: () => connections.size,
    openChannelsCount: () => openChannelsCount,
    channelsAtOnceMax: () => channelsAtOnceMax,
    execs: () => execs,
    async setHostKey(key) {
      const closed = new Promise((resolve) => server.close(resolve));
      drop();
      await closed;
      await listen(key, port);
    },
    setChannelsMax(value) {
      channelsMax = value;
    },
    setRefusing(value) {
      isRefusing = value;
    },
    holdChannels() {
      let letGo = () => {};
      held = new Promise((resolve) => (letGo = resolve));
      return letGo;
    },
    drop,
    close() {
      server.close();
      drop();
    },
  };
}
