/** Every way Nest calls a method runs the woven one: HTTP, RPC, hybrid, enhancers, middleware. */
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type ArgumentMetadata,
  type CallHandler,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  type INestApplication,
  type INestMicroservice,
  type MiddlewareConsumer,
  Module,
  type NestInterceptor,
  type NestMiddleware,
  type NestModule,
  Param,
  type PipeTransform,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import {
  type ClientProxy,
  ClientProxyFactory,
  MessagePattern,
  Payload,
  Transport,
} from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { firstValueFrom, type Observable } from 'rxjs';
import request from 'supertest';
import { freePort } from '../../../src/servers/index.js';
import { Recorded, recordingModule } from '../../support/recording-aspect.fixture.js';

@Injectable()
class AskingGuard implements CanActivate {
  @Recorded()
  async canActivate(): Promise<boolean> {
    return true;
  }
}

@Injectable()
class TrimPipe implements PipeTransform<string, Promise<string>> {
  @Recorded()
  async transform(value: string, _metadata: ArgumentMetadata): Promise<string> {
    return value.trim();
  }
}

@Injectable()
class PassingInterceptor implements NestInterceptor {
  @Recorded()
  async intercept(_context: ExecutionContext, next: CallHandler): Promise<never> {
    return (await this.forward(next)) as never;
  }

  /** Interceptors hand an Observable on; only their asynchronous parts can be decorated. */
  protected async forward(next: CallHandler): Promise<unknown> {
    return next.handle();
  }
}

/** The useful form: the decorated part is a promise, the hook itself stays an Observable. */
@Injectable()
class CountingInterceptor implements NestInterceptor {
  async intercept(_context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    await this.count();
    return next.handle();
  }

  @Recorded()
  protected async count(): Promise<void> {}
}

@Injectable()
class SlowMiddleware implements NestMiddleware {
  @Recorded()
  async use(_request: unknown, _response: unknown, next: () => void): Promise<void> {
    next();
  }
}

@Controller('things')
class ThingsController {
  @Get(':id')
  @Recorded()
  async find(@Param('id') id: string): Promise<{ id: string }> {
    return { id };
  }

  @MessagePattern('things.find')
  @Recorded()
  async findByMessage(@Payload() id: string): Promise<{ id: string }> {
    return { id };
  }

  @Get('guarded/:id')
  @UseGuards(AskingGuard)
  async guarded(): Promise<string> {
    return 'ok';
  }

  @Get('piped/:id')
  @UsePipes(TrimPipe)
  async piped(@Param('id') id: string): Promise<string> {
    return id;
  }

  @Get('intercepted/:id')
  @UseInterceptors(CountingInterceptor)
  async intercepted(): Promise<string> {
    return 'ok';
  }

  @Get('broken/:id')
  @UseInterceptors(PassingInterceptor)
  async broken(): Promise<string> {
    return 'ok';
  }

  @Get('behind-middleware/:id')
  async behindMiddleware(): Promise<string> {
    return 'ok';
  }
}

const journal: string[] = [];

@Module({ imports: [recordingModule(journal)], controllers: [ThingsController] })
class AppModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(SlowMiddleware).forRoutes('things/behind-middleware/*id');
  }
}

describe('a woven method runs at every entry point', () => {
  let app: INestApplication | undefined;
  let service: INestMicroservice | undefined;
  let client: ClientProxy | undefined;

  afterEach(async () => {
    await client?.close();
    await service?.close();
    await app?.close();
    app = service = client = undefined;
    journal.length = 0;
  });

  const module = () => Test.createTestingModule({ imports: [AppModule] }).compile();
  const http = async (path: string) => {
    app = (await module()).createNestApplication({ logger: false });
    await app.init();
    return request(app.getHttpServer() as never).get(path);
  };
  const send = (port: number, id: string) => {
    client = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port },
    });
    return firstValueFrom(client.send<{ id: string }>('things.find', id));
  };

  it('HTTP handler', async () => {
    const response = await http('/things/7');
    expect(response.body).toEqual({ id: '7' });
    expect(journal).toEqual(['lock>', '<lock']);
  });

  it('RPC handler of a microservice', async () => {
    const port = await freePort();
    service = (await module()).createNestMicroservice({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port },
      logger: false,
    });
    await service.listen();
    expect(await send(port, '8')).toEqual({ id: '8' });
    expect(journal).toEqual(['lock>', '<lock']);
  });

  it.each([true, false])(
    'hybrid application, microservice connected before init (deferInitialization: %s)',
    async (deferInitialization) => {
      const port = await freePort();
      app = (await module()).createNestApplication({ logger: false });
      app.connectMicroservice(
        { transport: Transport.TCP, options: { host: '127.0.0.1', port } },
        { deferInitialization },
      );
      await app.startAllMicroservices();
      await app.init();
      expect(await send(port, '9')).toEqual({ id: '9' });
      await request(app.getHttpServer() as never)
        .get('/things/9')
        .expect(200);
      expect(journal).toEqual(['lock>', '<lock', 'lock>', '<lock']);
    },
  );

  it.each(['guarded', 'piped', 'intercepted', 'behind-middleware'])(
    'enhancer class: %s',
    async (route) => {
      const response = await http(`/things/${route}/1`);
      expect(response.status).toBe(200);
      expect(journal).toEqual(['lock>', '<lock']);
    },
  );

  it('an interceptor hook that hands on its Observable is refused, not silently unprotected', async () => {
    const response = await http('/things/broken/1');
    expect(response.status).toBe(500);
  });
});
