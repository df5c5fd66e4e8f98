/** The lines of a stream that arrives in pieces of any size, which may end inside a line or inside a character. */

/** A line longer than the limit. */
export class LineTooLong extends Error {
  override readonly name = "LineTooLong";
}

/**
 * Yields whole lines without their line feed; empty ones are left out. What follows the last line feed was cut off on
 * its way and is dropped. Holds at most one line. Throws LineTooLong, and what the stream throws.
 */
export async function* wholeLines(chunks: AsyncIterable<Uint8Array>, limitBytes: number): AsyncGenerator<string> {
  let begun: Uint8Array[] = [];
  let bytes = 0;
  const add = (piece: Uint8Array): void => {
    bytes += piece.length;
    if (bytes > limitBytes) throw new LineTooLong(`a line of more than ${limitBytes} bytes`);
    begun.push(piece);
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(0x0a, from);
      if (end < 0) break;
      add(chunk.subarray(from, end));
      if (bytes > 0) yield Buffer.concat(begun, bytes).toString("utf8");
      begun = [];
      bytes = 0;
      from = end + 1;
    }
    if (from < chunk.length) add(chunk.subarray(from));
  }
}
