/** Which routes can be cached at all, from the metadata that Nest's decorators leave. */
import 'reflect-metadata';
import type { ExecutionContext } from '@nestjs/common';
import type { HttpRequest } from './http-exchange.js';

/** Metadata of @nestjs/common (its constants are not part of its public face). */
const ROUTE_ARGUMENTS = '__routeArguments__';
/** `@Res({ passthrough: true })`: the handler returns a body after all. */
const PASSTHROUGH = '__responsePassthrough__';
const VERSION = '__version__';
/** `@Sse()`, `@Render()` and `@Redirect()`: what they return is not the body. */
const NO_BODY = ['__sse__', '__renderTemplate__', '__redirect__'];
/** `@Res()` and `@Next()` in the names of `__routeArguments__`: the handler answers by itself. */
const BY_ITSELF = /^[12]:/;

/** Names a route; versions and controllers of one name are told apart by it. */
export function routeOf(context: ExecutionContext): string {
  const handler = context.getHandler();
  const targetClass = context.getClass();
  const version: unknown =
    Reflect.getMetadata(VERSION, handler) ?? Reflect.getMetadata(VERSION, targetClass);
  const versions = version === undefined ? '' : `@${[version].flat().map(String).join(',')}`;
  return `${targetClass.name}.${handler.name}${versions}`;
}

/** Whether the handler returns a body that can be sent again. */
export function returnsBody(context: ExecutionContext): boolean {
  const handler = context.getHandler();
  if (NO_BODY.some((name) => Reflect.getMetadata(name, handler) !== undefined)) return false;
  const targetClass = context.getClass();
  const method = methodNameOf(targetClass.prototype as object, handler);
  const parameters = Reflect.getMetadata(ROUTE_ARGUMENTS, targetClass, method) as
    | Readonly<Record<string, unknown>>
    | undefined;
  const answersByItself = Object.keys(parameters ?? {}).some((name) => BY_ITSELF.test(name));
  return !answersByItself || Reflect.getMetadata(PASSTHROUGH, targetClass, method) === true;
}

/** Under which name the class has it: a decorator may have given the function another one. */
function methodNameOf(prototype: object | null, handler: unknown): string {
  for (let level = prototype; level; level = Object.getPrototypeOf(level) as object | null) {
    const found = Object.entries(Object.getOwnPropertyDescriptors(level)).find(
      ([, { value }]) => value === handler,
    );
    if (found) return found[0];
  }
  return (handler as { name: string }).name;
}

/** Whether a request asks for something that has one answer. */
export function isCacheableRequest({ method, headers }: HttpRequest): boolean {
  const hasBody =
    headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  return (method === 'GET' || method === 'HEAD') && headers['range'] === undefined && !hasBody;
}
