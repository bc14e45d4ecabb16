const decimal = /^([+-]?)0*(\d*)(?:\.(\d*?)0*)?$/;
const number = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?$/;

/** Whether a text is a number in JSON's or everyday notation. */
export function isNumber(text: string): boolean {
  return text.length <= 1_000 && number.test(text);
}

function compareDigits(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * Compares two number texts: exactly, digit by digit, unless one has an exponent; those are compared as doubles.
 * @returns negative, zero or positive
 */
export function compareNumbers(left: string, right: string): number {
  if (left.length < 16 && right.length < 16) return Number(left) - Number(right);
  const one = decimal.exec(left);
  const two = decimal.exec(right);
  if (one === null || two === null) return Number(left) - Number(right);
  const [, sign1 = "", whole1 = "", fraction1 = ""] = one;
  const [, sign2 = "", whole2 = "", fraction2 = ""] = two;
  const zero1 = whole1 === "" && fraction1 === "";
  const zero2 = whole2 === "" && fraction2 === "";
  const minus1 = sign1 === "-" && !zero1;
  const minus2 = sign2 === "-" && !zero2;
  if (minus1 !== minus2) return minus1 ? -1 : 1;
  const size = whole1.length - whole2.length || compareDigits(whole1, whole2) || compareDigits(fraction1, fraction2);
  return minus1 ? -size : size;
}
