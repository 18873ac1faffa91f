import ssh2 from "ssh2";

/** Both in OpenSSH's formats; `public` is one authorized_keys line. */
export interface KeyPair {
  readonly private: string;
  readonly public: string;
}

/**
 * A fresh ed25519 key. ssh2 1.17 drops the first byte of a public key where that is 0, one in 256: the key that it then
 * writes can be read by nobody, so it makes another one.
 */
export function makeKeyPair(comment = ""): KeyPair {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync("ed25519", { comment });
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return pair;
  }
}
