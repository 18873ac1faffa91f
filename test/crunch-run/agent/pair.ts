import { Duplex } from "node:stream";

/** Two ends of one stream, without a socket. */
export function pair(): [Duplex, Duplex] {
  const ends: Duplex[] = [];
  const make = (other: number): Duplex =>
    new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        // Later, as over any wire.
        setImmediate(() => {
          if (!ends[other]?.destroyed) ends[other]?.push(chunk);
          done();
        });
      },
      final(done) {
        setImmediate(() => {
          if (!ends[other]?.destroyed) ends[other]?.push(null);
          done();
        });
      },
    });
  ends.push(make(1), make(0));
  return ends as [Duplex, Duplex];
}
