/** Tells a load balancer that the gateway answers. */
import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';

/** `GET /health`. */
@Controller('health')
@ApiTags('health')
export class HealthController {
  /** Liveness only: a gateway without Redis still answers, with 503. */
  @Get()
  @ApiOkResponse({ schema: { example: { status: 'ok' } } })
  health(): { status: 'ok' } {
    return { status: 'ok' };
  }
}
