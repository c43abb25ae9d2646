import { Buffer } from "node:buffer";
import { constants } from "node:os";

/** What the filter needs to know of a processor family: system call numbers differ. */
interface Abi {
  readonly audit: number;
  /** From this number on calls belong to another ABI (x32); null where there is none. */
  readonly foreignFrom: number | null;
  readonly clone: number;
  readonly unshare: number;
  readonly socket: number;
  readonly ioctl: number;
  /** Pairs of [call, index of the mode argument]. */
  readonly chmods: readonly (readonly [number, number])[];
  /** Triples of [call, index of the flags, index of the mode, which counts only for new files]. */
  readonly opens: readonly (readonly [number, number, number])[];
  /** Mounting, namespaces, keyrings, kernel programs and settings, and other large surfaces. */
  readonly denied: readonly number[];
}

/** The same numbers on every processor family: calls newer than 2019. */
const deniedEverywhere = [
  425, 426, 427, // io_uring: it opens sockets behind the filter's back
  428, 429, 430, 431, 432, 433, 442, 443, 467, // the new mount calls, quotactl_fd
]; // biome-ignore format: above

const abis: Partial<Record<NodeJS.Architecture, Abi>> = {
  x64: {
    audit: 0xc000003e,
    foreignFrom: 0x40000000,
    clone: 56,
    unshare: 272,
    socket: 41,
    ioctl: 16,
    // With creat, mknod and mknodat, which make files with a mode as well.
    chmods: [[90, 1], [91, 1], [268, 2], [452, 2], [85, 1], [133, 1], [259, 2]], // biome-ignore format: a table
    opens: [[2, 1, 2], [257, 2, 3]], // biome-ignore format: a table
    denied: [
      103, 154, 155, 159, 163, 164, 165, 166, 167, 168, 169, 172, 173, 175, 176, 179, 227, 246,
      248, 249, 250, 298, 304, 305, 308, 313, 320, 321, 323,
    ], // biome-ignore format: a table
  },
  arm64: {
    audit: 0xc00000b7,
    foreignFrom: null,
    clone: 220,
    unshare: 97,
    socket: 198,
    ioctl: 29,
    chmods: [[52, 1], [53, 2], [452, 2], [33, 2]], // biome-ignore format: a table
    opens: [[56, 2, 3]], // biome-ignore format: a table
    denied: [
      39, 40, 41, 60, 89, 104, 105, 106, 112, 116, 142, 170, 171, 217, 218, 219, 224, 225, 241,
      265, 266, 268, 273, 280, 282, 294,
    ], // biome-ignore format: a table
  },
};

const clone3 = 435;
/** Its mode lies in memory, where a filter cannot look; who gets ENOSYS takes openat. */
const openat2 = 437;
/** O_CREAT and O_TMPFILE. */
const creatingFlags = 0o20000100;
/** Every CLONE_NEW* flag: mount, cgroup, uts, ipc, user, pid, net; and time, for unshare only. */
const namespaceFlags = 0x7e020000;
const timeNamespaceFlag = 0x80;
const setuidBit = 0o4000;
const terminalInjections = [0x5412, 0x541c]; // TIOCSTI, TIOCLINUX
const families = { unix: 1, inet: 2, inet6: 10, netlink: 16 };
const offsets = { call: 0, architecture: 4, arguments: 16 };
const allow = 0x7fff0000;
const { EPERM, ENOSYS, EAFNOSUPPORT } = constants.errno;

type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, value: number];

/** Null where we do not know the processor's call numbers: then there is no sandbox either. */
export function seccompFilter(
  architecture: NodeJS.Architecture,
  options: { readonly unixSockets: boolean },
): Buffer | null {
  const abi = abis[architecture];
  if (abi === undefined) return null;
  const program: Instruction[] = [
    load(offsets.architecture),
    [0x15, 1, 0, abi.audit],
    refuse(EPERM),
    load(offsets.call),
    ...(abi.foreignFrom === null ? [] : [[0x35, 0, 1, abi.foreignFrom] as const, refuse(EPERM)]),
    // glibc falls back to clone, whose flags can be looked at.
    ...when(clone3, [refuse(ENOSYS)]),
    ...when(openat2, [refuse(ENOSYS)]),
    ...[...abi.denied, ...deniedEverywhere].flatMap((call) => when(call, [refuse(EPERM)])),
    ...when(abi.clone, refuseBits(0, namespaceFlags)),
    ...when(abi.unshare, refuseBits(0, namespaceFlags | timeNamespaceFlag)),
    ...abi.chmods.flatMap(([call, index]) => when(call, refuseBits(index, setuidBit))),
    ...abi.opens.flatMap(([call, flags, mode]) => when(call, openRules(flags, mode))),
    ...when(abi.ioctl, [
      load(offsets.arguments + 8),
      ...terminalInjections.flatMap((request) => when(request, [refuse(EPERM)])),
      [0x06, 0, 0, allow],
    ]),
    ...when(abi.socket, socketRules(options.unixSockets)),
    [0x06, 0, 0, allow],
  ];
  return encode(program);
}

/** Only the internet families, netlink (to list interfaces) and, on demand, Unix sockets. */
function socketRules(unixSockets: boolean): Instruction[] {
  const allowed = [families.inet, families.inet6, families.netlink];
  if (unixSockets) allowed.push(families.unix);
  return [
    load(offsets.arguments),
    ...allowed.flatMap((family) => when(family, [[0x06, 0, 0, allow]])),
    ...when(families.unix, [refuse(EPERM)]),
    refuse(EAFNOSUPPORT),
  ];
}

/** Like chmod, a new file may not be setuid. Without O_CREAT the mode is whatever lay there. */
function openRules(flags: number, mode: number): Instruction[] {
  return [
    load(offsets.arguments + 8 * flags),
    [0x45, 1, 0, creatingFlags],
    [0x06, 0, 0, allow],
    ...refuseBits(mode, setuidBit),
  ];
}

function refuseBits(argument: number, bits: number): Instruction[] {
  return [
    load(offsets.arguments + 8 * argument),
    [0x45, 0, 1, bits >>> 0],
    refuse(EPERM),
    [0x06, 0, 0, allow],
  ];
}

function when(value: number, then: readonly Instruction[]): Instruction[] {
  return [[0x15, 0, then.length, value], ...then];
}

function load(offset: number): Instruction {
  return [0x20, 0, 0, offset];
}

function refuse(errno: number): Instruction {
  return [0x06, 0, 0, 0x00050000 | errno];
}

function encode(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, jumpTrue, jumpFalse, value], index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(jumpTrue, index * 8 + 2);
    bytes.writeUInt8(jumpFalse, index * 8 + 3);
    bytes.writeUInt32LE(value, index * 8 + 4);
  });
  return bytes;
}
