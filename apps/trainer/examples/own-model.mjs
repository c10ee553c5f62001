// A network of one's own: shampoo-train train --model ./own-model.mjs
export default {
  imageSize: 32,
  batchSize: 32,
  cropScale: 0.5,
  learningRates: { shampoo: 0.01 },
  create({ tf, nn, classes, seed }) {
    let next = seed;
    const normal = (name, shape, deviation) => {
      next += 1;
      return tf.variable(tf.randomNormal(shape, 0, deviation, 'float32', next), true, name);
    };
    const filters = [3, 16, 32].map((inputs, i) => normal(`filter${i}`, [3, 3, inputs, 16 << i], (2 / (9 * inputs)) ** 0.5));
    const kernel = normal('head.kernel', [64, classes], 0.01);
    const bias = tf.variable(tf.zeros([classes]), true, 'head.bias');
    return {
      name: 'three-convolutions',
      variables: [...filters, kernel, bias],
      // `parameter` hands a variable's gradient on as soon as it is complete.
      forward(images, { parameter }) {
        const features = filters.reduce((x, filter) => {
          return nn.relu(nn.convolution(x, parameter(filter), { stride: 2, padding: 1 }));
        }, images);
        return nn.dense(nn.globalAveragePool(features), { kernel: parameter(kernel), bias: parameter(bias) });
      },
    };
  },
};
