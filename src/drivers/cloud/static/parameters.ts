import { z } from "zod";
import { key, section, text } from "../../../config/fields.ts";
import { isHostKey } from "./host-key.ts";

const HOST_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

const required = (expected: string) =>
  z.string({ error: expected }).refine((value) => value !== "", { error: expected });

const host = section({
  address: key("Address", required("an address, as host or host:port"), "host, or host:port"),
  user: key("User", text("root"), "The login; containers run as it"),
  instanceType: key("InstanceType", required("one of InstanceTypes"), "One of InstanceTypes"),
  hostKey: key(
    "HostKey",
    z.string({ error: "a host key" }).refine(isHostKey, {
      error:
        "the host's key: SHA256:… as ssh-keygen -lf shows it, or a line such as ssh-ed25519 AAAA…",
    }),
    "Its fingerprint (SHA256:…) or public key",
  ),
});

/** `Containers.CloudVMs.DriverParameters` of the static driver. */
export const staticParameters = section({
  hosts: key(
    "Hosts",
    z.record(
      z.string().refine((name) => HOST_NAME.test(name), {
        error: "a host's name of letters, digits, dots and dashes",
      }),
      host,
      { error: "a map from names to hosts" },
    ),
    "The machines, by names of your own",
  ),
  claimDirectory: key(
    "ClaimDirectory",
    text(""),
    "Where on a host its claim stands; by default /var/lib/dispatch-cloud, without root ~/.local/state/dispatch-cloud",
  ),
  lockDirectory: key(
    "LockDirectory",
    text(""),
    "Where the runner on a host keeps its locks, if CRUNCH_RUN_LOCK_DIR of its login names another place than /var/lock",
  ),
});

export type StaticParameters = z.infer<typeof staticParameters>;
export type HostParameters = StaticParameters["hosts"][string];
