// Axes that read well: round steps that hold the largest value.

const STEPS = [1, 2, 2.5, 5, 10];
const BINARY_STEPS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** Ticks from 0 to at least `largest`, about `wanted` of them; `binary` counts in powers of 1024. */
export function ticks(largest, { wanted = 4, binary = false } = {}) {
  if (!(largest > 0)) return [0, 1];
  const rough = largest / wanted;
  const base = binary ? 1024 ** Math.max(0, Math.floor(Math.log(rough) / Math.log(1024))) : 10 ** Math.floor(Math.log10(rough));
  const step = base * (binary ? BINARY_STEPS : STEPS).find((candidate) => candidate * base >= rough * 0.999_999);
  const count = Math.ceil(largest / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => round(index * step));
}

/** Without the dust that floating point leaves. */
function round(value) {
  return Number(value.toPrecision(12));
}
