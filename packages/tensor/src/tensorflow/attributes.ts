import { TensorError } from '../errors.ts';
import type { Pointer, TensorFlowApi } from './c-api.ts';
import { dataType } from './data-types.ts';
import type { Status } from './status.ts';

/** The kinds of attribute that TensorFlow.js's kernels name (`tf_attrtype.h`). */
export const attributeType = {
  TF_ATTR_STRING: 0,
  TF_ATTR_INT: 1,
  TF_ATTR_FLOAT: 2,
  TF_ATTR_BOOL: 3,
  TF_ATTR_TYPE: 4,
  TF_ATTR_SHAPE: 5,
  TF_ATTR_RESOURCE: 20,
} as const;

/** One attribute of an operation, in the form that TensorFlow.js's kernels write it. */
export interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: boolean | number | string | object | readonly number[] | readonly boolean[];
}

/** TensorFlow.js's names of element types. */
export type ElementType = 'float32' | 'float64' | 'int32' | 'bool' | 'complex64' | 'string' | 'int64' | 'uint8';

const types: Readonly<Record<ElementType, number>> = {
  float32: dataType.TF_FLOAT,
  float64: dataType.TF_DOUBLE,
  int32: dataType.TF_INT32,
  bool: dataType.TF_BOOL,
  complex64: dataType.TF_COMPLEX64,
  string: dataType.TF_STRING,
  int64: dataType.TF_INT64,
  uint8: dataType.TF_UINT8,
};

/** Writes attributes for `executeRaw`: `attribute.float('epsilon', 1e-5)`, `attribute.ints('strides', [1, 2, 2, 1])`. */
export const attribute = {
  type: (name: string, value: ElementType): Attribute => ({ name, type: attributeType.TF_ATTR_TYPE, value: types[value] }),
  int: (name: string, value: number): Attribute => ({ name, type: attributeType.TF_ATTR_INT, value }),
  ints: (name: string, value: readonly number[]): Attribute => ({ name, type: attributeType.TF_ATTR_INT, value }),
  float: (name: string, value: number): Attribute => ({ name, type: attributeType.TF_ATTR_FLOAT, value }),
  floats: (name: string, value: readonly number[]): Attribute => ({ name, type: attributeType.TF_ATTR_FLOAT, value }),
  bool: (name: string, value: boolean): Attribute => ({ name, type: attributeType.TF_ATTR_BOOL, value }),
  string: (name: string, value: string): Attribute => ({ name, type: attributeType.TF_ATTR_STRING, value }),
  shape: (name: string, value: readonly number[]): Attribute => ({ name, type: attributeType.TF_ATTR_SHAPE, value }),
} as const;

/** Sets one attribute of an operation under construction. */
export type SetAttribute = (operation: Pointer, attribute: Attribute, name: string) => void;

/** @returns a function that sets attributes; it reuses its buffers, as TensorFlow copies what it is handed. */
export function attributeSetter(api: TensorFlowApi, status: Status): SetAttribute {
  const encoder = new TextEncoder();
  let text = new Uint8Array(256);
  let integers = new BigInt64Array(8);
  const int64s = (values: readonly number[]) => {
    if (values.length > integers.length) integers = new BigInt64Array(values.length);
    for (let i = 0; i < values.length; i++) integers[i] = BigInt(values[i] as number);
    return integers;
  };

  const setters: Readonly<Record<number, (op: Pointer, name: string, value: Attribute['value'], operation: string) => void>> = {
    [attributeType.TF_ATTR_STRING](op, name, value) {
      const string = String(value);
      // UTF-8 takes at most three bytes for a UTF-16 unit.
      if (text.length < 3 * string.length) text = new Uint8Array(3 * string.length);
      api.TFE_OpSetAttrString(op, name, text, encoder.encodeInto(string, text).written);
    },
    [attributeType.TF_ATTR_INT](op, name, value) {
      if (Array.isArray(value)) api.TFE_OpSetAttrIntList(op, name, int64s(value), value.length);
      else api.TFE_OpSetAttrInt(op, name, value as number);
    },
    [attributeType.TF_ATTR_FLOAT](op, name, value) {
      if (Array.isArray(value)) api.TFE_OpSetAttrFloatList(op, name, Float32Array.from(value), value.length);
      else api.TFE_OpSetAttrFloat(op, name, value as number);
    },
    [attributeType.TF_ATTR_BOOL](op, name, value) {
      if (Array.isArray(value)) api.TFE_OpSetAttrBoolList(op, name, Uint8Array.from(value, Number), value.length);
      else api.TFE_OpSetAttrBool(op, name, value ? 1 : 0);
    },
    [attributeType.TF_ATTR_TYPE](op, name, value) {
      if (Array.isArray(value)) api.TFE_OpSetAttrTypeList(op, name, Int32Array.from(value), value.length);
      else api.TFE_OpSetAttrType(op, name, value as number);
    },
    [attributeType.TF_ATTR_SHAPE](op, name, value, operation) {
      const shape = value as readonly number[];
      api.TFE_OpSetAttrShape(op, name, int64s(shape), shape.length, status.pointer);
      status.check(operation);
    },
  };

  return (op, { name, type, value }, operation) => {
    const set = setters[type];
    if (set === undefined) {
      throw new TensorError(
        'unsupported',
        `${operation}: attribute "${name}" is of kind ${type}, which this binding doesn't set.`,
        {
          operation,
          attribute: name,
        },
      );
    }
    set(op, name, value, operation);
  };
}
