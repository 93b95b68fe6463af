// NumPy's format for one array (version 1.0): a magic word, a header that Python could evaluate, padded so that the
// numbers begin at a multiple of 64 bytes, and the numbers.
import type { Code } from "../api/types.ts";

/** float32 [codes, latent tokens, latent size]; all codes have the same shape. */
export function npyOf(codes: readonly Code[]): Uint8Array<ArrayBuffer> {
  const tokens = codes[0]?.length ?? 0;
  const size = codes[0]?.[0]?.length ?? 0;
  const shape = `(${codes.length}, ${tokens}, ${size})`;
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`;
  const before = 10; // magic, version, length of the header
  const header = dictionary.padEnd(Math.ceil((before + dictionary.length + 1) / 64) * 64 - before - 1) + "\n";
  const numbers = codes.flat(2);
  const bytes = new Uint8Array(before + header.length + numbers.length * 4);
  const view = new DataView(bytes.buffer);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0]);
  view.setUint16(8, header.length, true);
  bytes.set(new TextEncoder().encode(header), before);
  numbers.forEach((value, i) => view.setFloat32(before + header.length + i * 4, value, true));
  return bytes;
}
