import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";

/** The text, which ends with a checksum, with the checksum that fits it. */
export function checksummed(text: string): string {
  const content = text.slice(0, text.lastIndexOf(',"crc":"'));
  const crc = crc32(Buffer.from(content)).toString(16).padStart(8, "0");
  return `${content},"crc":"${crc}"}\n`;
}
