/** All policies of one application: those `forRoot` names, and one per decorated method. */
import { InvalidOptionsError } from '../distributed.errors.js';
import { validateOptions } from '../distributed.validation.js';
import type { Engine } from './engine.js';
import { Policy, type PolicySnapshot } from './policy.js';
import { mergeParts, STANDARD } from './policy-config.js';
import { UnknownPolicyError } from './resilience.errors.js';
import { type PolicyOptions, type PolicyParts, policySchema } from './resilience.options.js';

/** What a decorated method asks for. */
export interface MethodPolicy {
  /** A policy of `forRoot`, whose state is shared. */
  readonly policy: string | undefined;
  /** Start from the application's defaults, as `@Resilient` does; the single decorators do not. */
  readonly defaults: boolean;
  readonly parts: PolicyParts;
}

/** Finds, creates and updates policies. */
export class PolicyRegistry {
  readonly #named = new Map<string, Policy>();
  readonly #methods = new Map<string, Policy>();
  readonly #defaults: PolicyParts;

  constructor(
    private readonly engine: Engine,
    options: { defaults: 'standard' | 'none'; policies: Readonly<Record<string, PolicyParts>> },
  ) {
    this.#defaults = options.defaults === 'standard' ? STANDARD : {};
    for (const [name, parts] of Object.entries(options.policies))
      this.#named.set(name, new Policy(name, mergeParts(this.#defaults, parts), engine));
  }

  /**
   * A policy of `forRoot` by its name, or that of a decorated method by `Class.method`.
   * @throws UnknownPolicyError `E_RESILIENCE_POLICY_UNKNOWN`
   */
  get(name: string): Policy {
    const policy = this.#named.get(name) ?? this.#methods.get(name);
    if (policy) return policy;
    throw new UnknownPolicyError('ResilienceService.policy()', name, [...this.#named.keys()]);
  }

  /**
   * Changes a policy for calls that begin from now on. A section is replaced as a whole; breaker
   * and bulkhead keep what they know.
   * @throws InvalidOptionsError `E_OPTIONS_INVALID`; the policy is then as it was
   */
  update(name: string, options: PolicyOptions): void {
    this.get(name).update(validateOptions(policySchema, options, `policy '${name}'`));
  }

  /** The state of every policy. */
  list(): PolicySnapshot[] {
    return [...this.#named.values(), ...this.#methods.values()].map((policy) => policy.snapshot());
  }

  /**
   * The policy of a decorated method; a plain `@Resilient('name')` is the named policy itself.
   * @throws UnknownPolicyError, InvalidOptionsError when nothing is switched on
   */
  createForMethod(label: string, method: MethodPolicy): Policy {
    const base = method.policy === undefined ? undefined : this.#base(label, method.policy);
    if (base && Object.keys(method.parts).length === 0) return base;
    const parts = method.defaults ? mergeParts(this.#defaults, method.parts) : method.parts;
    const name = this.#freeName(label);
    const policy = new Policy(name, parts, this.engine, base);
    if (policy.describe().length === 0) {
      throw new InvalidOptionsError(
        `@Resilient() on ${label}()`,
        'switches nothing on: name a policy, or set at least one strategy',
      );
    }
    this.#methods.set(name, policy);
    return policy;
  }

  #base(label: string, name: string): Policy {
    const policy = this.#named.get(name);
    if (policy) return policy;
    const where = `@Resilient('${name}') on ${label}()`;
    throw new UnknownPolicyError(where, name, [...this.#named.keys()]);
  }

  /** Two classes of one name, in different modules, are two policies. */
  #freeName(label: string): string {
    let name = label;
    for (let copy = 2; this.#methods.has(name) || this.#named.has(name); copy++)
      name = `${label}#${copy}`;
    return name;
  }
}
