/** Measured figures as nested objects: the dotted name `a.b` is `{ a: { b } }`. */

/** A tree of numbers. */
export interface Figures {
  readonly [name: string]: number | Figures;
}

/** Both trees in one; of two numbers at one place the later wins. */
export function merged(a: Figures, b: Figures): Figures {
  const result: Record<string, number | Figures> = { ...a };
  for (const [name, value] of Object.entries(b)) {
    const old = result[name];
    result[name] =
      typeof old === 'object' && typeof value === 'object' ? merged(old, value) : value;
  }
  return result;
}

/** The number at a dotted name; undefined when nothing was measured there. */
export function figureAt(figures: Figures, name: string): number | undefined {
  let place: number | Figures | undefined = figures;
  for (const part of name.split('.')) {
    place = typeof place === 'object' && Object.hasOwn(place, part) ? place[part] : undefined;
  }
  return typeof place === 'number' ? place : undefined;
}

/** The dotted names of all numbers, in the order they were written. */
export function namesOf(figures: Figures, prefix = ''): string[] {
  return Object.entries(figures).flatMap(([name, value]) =>
    typeof value === 'number' ? [`${prefix}${name}`] : namesOf(value, `${prefix}${name}.`),
  );
}
