import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { deserialize, serialize } from "node:v8";

const headBytes = 4;

/** Writes a value as one frame: its length, then what `node:v8` makes of it. */
export function sendFrame(socket: Socket, value: unknown): void {
  const body = serialize(value);
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(body.length);
  socket.cork();
  socket.write(head);
  socket.write(body);
  socket.uncork();
}

/** Calls back with each value that comes, in their order. Only for a socket that we trust. */
export function takeFrames(socket: Socket, take: (value: unknown) => void): void {
  let pieces: Buffer[] = [];
  let bytes = 0;
  let wanted = headBytes;
  let isHead = true;
  socket.on("data", (chunk: Buffer) => {
    pieces.push(chunk);
    bytes += chunk.length;
    if (bytes < wanted) return;
    let whole = pieces.length === 1 ? chunk : Buffer.concat(pieces);
    while (whole.length >= wanted) {
      const part = whole.subarray(0, wanted);
      whole = whole.subarray(wanted);
      wanted = isHead ? part.readUInt32BE() : headBytes;
      if (!isHead) take(deserialize(part));
      isHead = !isHead;
    }
    pieces = [whole];
    bytes = whole.length;
  });
}
