/** RC2 in CBC mode (RFC 2268), for reading old PKCS#12 files: Node's OpenSSL has it no more. Never for writing. */

/** The permutation made of the digits of pi. */
const permutation = Buffer.from(
  "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2" +
    "179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82" +
    "54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626" +
    "6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7" +
    "08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec" +
    "c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731" +
    "2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9" +
    "0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad",
  "hex",
);

/** 64 words from a key whose whole length counts. */
function expandKey(key: Buffer): Uint16Array {
  const bytes = Buffer.alloc(128);
  key.copy(bytes);
  for (let at = key.length; at < 128; at++) bytes[at] = permutation[(bytes[at - 1]! + bytes[at - key.length]!) & 0xff]!;
  const last = 128 - key.length;
  bytes[last] = permutation[bytes[last]!]!;
  for (let at = last - 1; at >= 0; at--) bytes[at] = permutation[bytes[at + 1]! ^ bytes[at + key.length]!]!;
  return Uint16Array.from({ length: 64 }, (_, index) => bytes.readUInt16LE(index * 2));
}

const rotations = [1, 2, 3, 5] as const;
/** Mixing rounds, with a mashing round between two groups. */
const groups = [5, 6, 5] as const;

function unmix(words: Uint16Array, key: Uint16Array, from: number): void {
  for (let index = 3; index >= 0; index--) {
    const [one, two, three] = [words[(index + 3) & 3]!, words[(index + 2) & 3]!, words[(index + 1) & 3]!];
    const turn = rotations[index]!;
    const word = (words[index]! >>> turn) | (words[index]! << (16 - turn));
    words[index] = word - key[from - 3 + index]! - (one & two) - (~one & three);
  }
}

function unmash(words: Uint16Array, key: Uint16Array): void {
  for (let index = 3; index >= 0; index--) words[index] = words[index]! - key[words[(index + 3) & 3]! & 63]!;
}

function decryptBlock(words: Uint16Array, key: Uint16Array): void {
  let at = 63;
  for (const [group, rounds] of groups.entries()) {
    if (group > 0) unmash(words, key);
    for (let round = 0; round < rounds; round++, at -= 4) unmix(words, key, at);
  }
}

/** Decrypts whole blocks of 8 bytes; padding stays. */
export function decryptRc2(key: Buffer, iv: Buffer, encrypted: Buffer): Buffer {
  const expanded = expandKey(key);
  const plain = Buffer.alloc(encrypted.length);
  const words = new Uint16Array(4);
  for (let at = 0; at < encrypted.length; at += 8) {
    for (let index = 0; index < 4; index++) words[index] = encrypted.readUInt16LE(at + index * 2);
    decryptBlock(words, expanded);
    for (let index = 0; index < 8; index++) {
      const before = at === 0 ? iv[index]! : encrypted[at + index - 8]!;
      plain[at + index] = ((words[index >> 1]! >> ((index & 1) * 8)) & 0xff) ^ before;
    }
  }
  return plain;
}
