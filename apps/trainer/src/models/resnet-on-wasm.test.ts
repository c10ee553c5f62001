// The same tests of the networks, gradients against finite differences included, on the wasm backend.
process.env['SHAMPOO_BACKEND'] = 'wasm';
await import('./resnet.test.ts');
