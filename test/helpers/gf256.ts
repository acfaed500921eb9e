/** GF(2^8) with 0x11b by shift and XOR, and Lagrange's formula over it: slow and plain, sharing nothing with the library. */

export function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 0; bit < 8; bit++) {
    if (b & (1 << bit)) product ^= a << bit;
  }
  for (let bit = 14; bit >= 8; bit--) {
    if (product & (1 << bit)) product ^= 0x11b << (bit - 8);
  }
  return product;
}

/** a^254. */
export function inverse(a: number): number {
  let power = 1;
  for (let i = 0; i < 254; i++) power = multiply(power, a);
  return power;
}

/**
 * Through points at `xs` goes one polynomial of degree below their number. Its value at `at` is the sum of the points' values, each
 * times its weight.
 */
export function weightsAt(xs: readonly number[], at: number): number[] {
  return xs.map((x, i) =>
    xs.reduce((weight, other, j) => (i === j ? weight : multiply(weight, multiply(at ^ other, inverse(x ^ other)))), 1),
  );
}

/** The same for the coefficient of the highest power, x^(number of points - 1). */
export function topWeights(xs: readonly number[]): number[] {
  return xs.map((x, i) =>
    xs.reduce((weight, other, j) => (i === j ? weight : multiply(weight, inverse(x ^ other))), 1),
  );
}

export function sum(weights: readonly number[], values: readonly number[]): number {
  return weights.reduce((total, weight, i) => total ^ multiply(weight, values[i] as number), 0);
}
