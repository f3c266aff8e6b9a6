/** Options of the decorators, and how several decorators of one method become one pipeline. */
import { type MethodAspect, weave } from '../aspects/index.js';
import { InvalidOptionsError } from '../distributed.errors.js';
import { validateOptions } from '../distributed.validation.js';
import type { MethodPolicy } from './policy-registry.js';
import { type PolicyOptions, policySchema } from './resilience.options.js';

/** Makes a decorator that adds one or more sections to the method's pipeline. */
export function weaveSections(
  decorator: string,
  options: () => PolicyOptions,
  base: Pick<MethodPolicy, 'policy' | 'defaults'> = { policy: undefined, defaults: false },
  order?: number,
): MethodAspect {
  return weave<MethodPolicy>({
    kind: 'resilience',
    decorator,
    order,
    options: (path) => ({ ...base, parts: validateOptions(policySchema, options(), path) }),
    combine: merge,
  });
}

/** Order does not matter, so nothing may be said twice: there would be no telling which one wins. */
function merge(existing: MethodPolicy, added: MethodPolicy, path: string): MethodPolicy {
  for (const section of Object.keys(added.parts)) {
    if (section in existing.parts)
      throw new InvalidOptionsError(path, `\`${section}\` is set by two decorators; keep one`);
  }
  if (isResilient(existing) && isResilient(added))
    throw new InvalidOptionsError(path, 'stands twice on this method; merge the two into one');
  return {
    policy: existing.policy ?? added.policy,
    defaults: existing.defaults || added.defaults,
    parts: { ...existing.parts, ...added.parts },
  };
}

function isResilient(method: MethodPolicy): boolean {
  return method.defaults || method.policy !== undefined;
}
