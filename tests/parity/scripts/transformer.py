"""A Transformer block that may only look back predicts the next of four kinds of steps; two outputs, two losses."""

import numpy as np

from firstlight.engine import Input, Model, layers, optimizers

random = np.random.default_rng(4)
x = np.cumsum(random.integers(0, 2, (64, 7)), axis=1) % 4
following = (x + 1) % 4

steps = Input((7,), dtype="int32")
vectors = layers.Embedding(4, 8)(steps)
asked = layers.LayerNormalization()(vectors)
own = layers.MultiHeadAttention(2, 4)(asked, asked, use_causal_mask=True)
added = layers.Add()([vectors, own])
wide = layers.Dense(16, activation="gelu")(layers.LayerNormalization()(added))
told = layers.Add()([added, layers.Dense(8)(wide)])
model = Model(
    steps,
    {
        "next": layers.Dense(4, activation="softmax")(told),
        "sum": layers.Dense(1)(layers.GlobalAveragePooling1D()(told)),
    },
)
model.set_weights([random.normal(0, 0.4, w.shape) for w in model.get_weights()])
model.compile(
    optimizer=optimizers.SGD(0.1, momentum=0.9),
    loss={"next": "sparse_categorical_crossentropy", "sum": "huber"},
    loss_weights={"next": 1.0, "sum": 0.1},
)
targets = {"next": following, "sum": x.sum(1, keepdims=True).astype("float32")}
history = model.fit(x, targets, batch_size=16, epochs=25, shuffle=False, verbose=0)
result = {"loss": history.history["loss"], **model.predict(x[:4], verbose=0)}
