/**
 * `import 'nestjs-distributed/testing/pass-through'` in a setup file of unit tests: decorated
 * methods of hand-made instances (`new OrdersService(mock)`) run their bodies bare, in this process
 * only. Instances that belong to an application keep their protection. Never import it elsewhere.
 */
Object.defineProperty(globalThis, Symbol.for('nestjs-distributed:unbound-pass-through'), {
  value: true,
  configurable: true,
});

export {};
