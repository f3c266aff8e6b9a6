/** Runs decorated methods through the policy that their decorators amount to. */
import { Injectable } from '@nestjs/common';
import {
  type AspectCall,
  type AspectHandler,
  type AspectMethod,
  methodLabel,
} from '../aspects/index.js';
import type { Policy } from './policy.js';
import type { MethodPolicy } from './policy-registry.js';
import { ResilienceService } from './resilience.service.js';

/** One policy per decorated method and class: a subclass talks to another dependency. */
@Injectable()
export class ResilienceAspect implements AspectHandler<MethodPolicy> {
  readonly kind = 'resilience';
  /** Keyed by class, so that a class made at run time does not live for ever because of us. */
  readonly #policies = new WeakMap<object, Map<MethodPolicy, Policy>>();

  constructor(private readonly service: ResilienceService) {}

  run(options: MethodPolicy, call: AspectCall, next: () => Promise<unknown>): Promise<unknown> {
    return this.#policyOf(options, call).execute(next, {}, call);
  }

  /** @throws UnknownPolicyError, InvalidOptionsError */
  validate(options: MethodPolicy, method: AspectMethod): void {
    this.#policyOf(options, method);
  }

  #policyOf(options: MethodPolicy, method: AspectMethod): Policy {
    let ofClass = this.#policies.get(method.targetClass);
    if (!ofClass) this.#policies.set(method.targetClass, (ofClass = new Map()));
    let policy = ofClass.get(options);
    if (!policy) {
      policy = this.service.registry.createForMethod(methodLabel(method), options);
      ofClass.set(options, policy);
    }
    return policy;
  }
}
