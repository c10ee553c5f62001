import type { TFJSBinding } from '@tensorflow/tfjs-node/dist/tfjs_binding.js';
import type { TensorFlowBinding } from './binding.ts';

/**
 * What the package declares and ours gives, but for two classes that it never uses, and for values that its addon returns against its own
 * declaration: strings as byte arrays and int64 as BigInt64Array.
 */
type Declared = Omit<TFJSBinding, 'TensorMetadata' | 'TFEOpAttr' | 'tensorDataSync'>;

declare const ours: TensorFlowBinding;
ours satisfies Declared;
