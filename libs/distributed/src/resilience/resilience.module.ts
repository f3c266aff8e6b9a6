/** Wires the capability; imported by `DistributedModule.forRoot({ resilience })`. */
import { type DynamicModule, Module } from '@nestjs/common';
import { ResilienceAspect } from './resilience.aspect.js';
import { ResilienceService } from './resilience.service.js';

@Module({})
export class ResilienceModule {
  /** @param imports modules that provide Clock, Random and the options of `resilience` */
  static register(...imports: DynamicModule[]): DynamicModule {
    return {
      module: ResilienceModule,
      imports,
      providers: [ResilienceService, ResilienceAspect],
      exports: [ResilienceService, ResilienceAspect],
    };
  }
}
