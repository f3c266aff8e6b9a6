/** Gives `@Partitioned()` its behaviour: key → `PartitionService.run`. */
import { Injectable } from '@nestjs/common';
import {
  type AspectCall,
  type AspectHandler,
  type AspectMethod,
  methodLabel,
} from '../aspects/index.js';
import { PartitionKeySourceError } from './partition.errors.js';
import { PartitionService } from './partition.service.js';
import type { KeySource, PartitionedAspectOptions } from './partitioned.decorator.js';
import { slotOf } from './slot.js';

@Injectable()
export class PartitionedAspect implements AspectHandler<PartitionedAspectOptions> {
  readonly kind = 'partition';

  constructor(private readonly partitions: PartitionService) {}

  async run(
    options: PartitionedAspectOptions,
    call: AspectCall,
    next: () => Promise<unknown>,
  ): Promise<unknown> {
    const source = onlySource(options, call);
    const slot = slotOf(source.read(call.args), `${methodLabel(call)}(), ${source.written}:`);
    return this.partitions.runOnSlot(slot, next);
  }

  validate(options: PartitionedAspectOptions, method: AspectMethod): void {
    onlySource(options, method);
  }
}

function onlySource({ sources }: PartitionedAspectOptions, method: AspectMethod): KeySource {
  const [source, second] = sources;
  const where = `@Partitioned() on ${methodLabel(method)}()`;
  if (!source) throw new PartitionKeySourceError(where, 'it has no partition key');
  if (second)
    throw new PartitionKeySourceError(
      where,
      `it has more than one partition key (${sources.map(({ written }) => written).join(', ')})`,
    );
  return source;
}
