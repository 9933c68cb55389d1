"""A network of dense layers learns digits drawn as noise around ten patterns; with class weights and a schedule."""

import numpy as np

from firstlight.engine import Input, Sequential, layers, optimizers

random = np.random.default_rng(0)
patterns = random.normal(size=(10, 30))
y = random.integers(0, 10, 320)
x = (patterns[y] + random.normal(size=(320, 30))).astype("float32")

model = Sequential(
    [
        Input((30,)),
        layers.Dense(32, activation="relu", kernel_regularizer="l2"),
        layers.Dense(16, activation="gelu"),
        layers.Dense(10, activation="softmax"),
    ]
)
model.set_weights([random.normal(0, 0.2, w.shape) for w in model.get_weights()])
schedule = optimizers.schedules.CosineDecay(0.01, 100)
model.compile(
    optimizer=optimizers.Adam(schedule, global_clipnorm=1.0),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy", "sparse_top_k_categorical_accuracy"],
)
history = model.fit(
    x,
    y,
    batch_size=32,
    epochs=10,
    shuffle=False,
    validation_split=0.2,
    class_weight={number: 1.0 + number / 10 for number in range(10)},
    verbose=0,
)
result = {**history.history, "evaluated": model.evaluate(x, y, verbose=0), "predicted": model.predict(x[:8], verbose=0)}
