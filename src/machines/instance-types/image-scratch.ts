const IMAGE = /^[0-9a-f]{32}\+(\d+)$/;
/** A manifest of one block has at least this many bytes, of which a part names the file and the rest the blocks. */
const SMALLEST_MANIFEST = 122n;
const MANIFEST_OVERHEAD = 80n;
const MANIFEST_PER_BLOCK = 42n;
const BLOCK = 67_108_864n;

/**
 * Bytes that unpacking the image may take, estimated from the manifest size in its content address
 * (specification §5.1); 0 where the address does not tell.
 */
export function scratchOfImage(containerImage: string): bigint {
  const size = BigInt(IMAGE.exec(containerImage)?.[1] ?? 0);
  if (size < SMALLEST_MANIFEST) return 0n;
  return ((size - MANIFEST_OVERHEAD) / MANIFEST_PER_BLOCK) * BLOCK;
}
