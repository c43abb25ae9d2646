/** The one function we use of a package that ships no types. */
declare module "fs-native-extensions" {
  /** False when another descriptor holds the lock. The kernel frees it when this one is closed. */
  export function tryLock(fd: number): boolean;
}
