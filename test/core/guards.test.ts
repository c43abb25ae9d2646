import { expect, test } from "vitest";
import { holdOf } from "../../src/core/guards.ts";

const limits = { memoryBytesMax: 1e9, freeBytesMin: 2e9 };
const fine = { residentBytes: 1e9, freeBytes: 2e9 };
const disk = { on: "disk", reason: "" } as const;
const memory = { on: "memory", reason: "" } as const;

test("nothing is held while both are within their limits", () => {
  expect(holdOf(null, fine, limits)).toBeNull();
});

test("a full disk holds, and says how full it is", () => {
  expect(holdOf(null, { ...fine, freeBytes: 1.9e9 }, limits)).toEqual({
    on: "disk",
    reason: "1.9 GB are free on the disk of the home, 2.0 GB are wanted",
  });
});

test("a daemon that has grown holds, and says how large it is", () => {
  expect(holdOf(null, { ...fine, residentBytes: 1.1e9 }, limits)).toEqual({
    on: "memory",
    reason: "the daemon takes 1.1 GB of memory, more than 1.0 GB",
  });
});

test("a hold lasts until there is a tenth to spare", () => {
  expect(holdOf(disk, fine, limits)?.on).toBe("disk");
  expect(holdOf(disk, { ...fine, freeBytes: 2.3e9 }, limits)).toBeNull();
  expect(holdOf(memory, fine, limits)?.on).toBe("memory");
  expect(holdOf(memory, { ...fine, residentBytes: 0.8e9 }, limits)).toBeNull();
});

test("a daemon far above what it may take parks those that run as well", () => {
  expect(holdOf(memory, { ...fine, residentBytes: 1.14e9 }, limits)?.parks).toBeUndefined();
  expect(holdOf(memory, { ...fine, residentBytes: 1.16e9 }, limits)?.parks).toBe(true);
});
