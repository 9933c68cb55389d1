"""A convolutional network with batch normalization tells where the bright half of a small picture is."""

import numpy as np

from firstlight.engine import Input, Sequential, layers, optimizers

random = np.random.default_rng(1)
y = random.integers(0, 2, 160)
x = random.normal(size=(160, 8, 8, 2)).astype("float32")
x[y == 1, :4] += 1
x[y == 0, 4:] += 1

model = Sequential(
    [
        Input((8, 8, 2)),
        layers.Conv2D(6, 3, padding="same", use_bias=False),
        layers.BatchNormalization(momentum=0.9),
        layers.Activation("relu"),
        layers.MaxPooling2D(),
        layers.SeparableConv2D(8, 3, padding="same", activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.set_weights([random.normal(0, 0.3, w.shape) if w.ndim > 1 else w for w in model.get_weights()])
model.compile(
    optimizer=optimizers.SGD(0.1, momentum=0.9, nesterov=True), loss="binary_crossentropy", metrics=["accuracy"]
)
history = model.fit(x, y.astype("float32"), batch_size=32, epochs=20, shuffle=False, verbose=0)
result = {**history.history, "predicted": model.predict(x[:8], verbose=0)}
