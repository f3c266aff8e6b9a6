/** The OpenAPI document of a woven controller equals that of a plain one. */
import { describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import {
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  DocumentBuilder,
  SwaggerModule,
} from '@nestjs/swagger';
import { Test } from '@nestjs/testing';
import { Recorded, recordingModule } from '../../support/recording-aspect.fixture.js';

class Thing {
  @ApiProperty() name: string;
}

function controller(woven: boolean): new () => object {
  const aspect: MethodDecorator = woven ? (Recorded() as MethodDecorator) : () => {};
  @Controller('things')
  class ThingsController {
    @ApiOperation({ summary: 'above and below' })
    @aspect
    @Get(':id')
    @ApiOkResponse({ type: Thing })
    async find(@Param('id') _id: string, @Query('page') _page: number): Promise<Thing> {
      return { name: 'x' };
    }

    @Post()
    @HttpCode(202)
    @aspect
    async create(@Body() _thing: Thing): Promise<void> {}
  }
  return ThingsController;
}

async function documentOf(controllerClass: new () => object): Promise<string> {
  const module = await Test.createTestingModule({
    imports: [recordingModule([])],
    controllers: [controllerClass],
  }).compile();
  const app = module.createNestApplication({ logger: false });
  const document = SwaggerModule.createDocument(app, new DocumentBuilder().build());
  await app.close();
  return JSON.stringify(document);
}

describe('OpenAPI', () => {
  it('is byte-identical with and without the library', async () => {
    const plain = await documentOf(controller(false));
    expect(plain).toContain('"/things/{id}"');
    expect(await documentOf(controller(true))).toBe(plain);
  });
});
