const FORM = /^([0-9]{8})-([0-9]{8})$/;
const SPARE = /^[0-9]{8}-[0-9]{8}\.spare$/;

function pad(value: number): string {
  return String(value).padStart(8, "0");
}

/** The log file `number` of an epoch: `00000003-00000017`. */
export function walFileName(epoch: number, number: number): string {
  return `${pad(epoch)}-${pad(number)}`;
}

/** True for names of log files; a spare is none. */
export function isWalFileName(name: string): boolean {
  return FORM.test(name);
}

/** The preallocated file that the named one will be made of. It holds zeros and no record. */
export function spareFileName(file: string): string {
  return `${file}.spare`;
}

/** True for names of spare files. */
export function isSpareFileName(name: string): boolean {
  return SPARE.test(name);
}
