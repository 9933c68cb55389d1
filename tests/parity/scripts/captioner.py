"""A GRU with attention over regions learns captions by heart: two inputs, an initial state, weights for words."""

import numpy as np

from firstlight.engine import Input, Model, layers, optimizers

random = np.random.default_rng(3)
regions = random.normal(size=(48, 9, 6)).astype("float32")
captions = random.integers(1, 12, (48, 6))
weights = (np.arange(5) < random.integers(2, 6, 48)[:, None]).astype("float32")

seen = Input((9, 6), name="regions")
words = Input((None,), dtype="int32", name="words")
memory = layers.Dense(16, activation="relu")(seen)
first = layers.Dense(16, activation="tanh")(layers.GlobalAveragePooling1D()(seen))
read = layers.GRU(16, return_sequences=True)(layers.Embedding(12, 8)(words), initial_state=first)
looked = layers.Attention(use_scale=True)([read, memory])
hidden = layers.Dense(24, activation="tanh")(layers.Concatenate()([read, looked]))
model = Model({"regions": seen, "words": words}, layers.Dense(12, activation="softmax")(hidden))
model.set_weights([random.normal(0, 0.3, w.shape) if w.ndim else w for w in model.get_weights()])
model.compile(
    optimizer=optimizers.SGD(0.2, momentum=0.9, nesterov=True, clipnorm=1.0), loss="sparse_categorical_crossentropy"
)
inputs = {"regions": regions, "words": captions[:, :-1]}
history = model.fit(inputs, captions[:, 1:], sample_weight=weights, batch_size=12, epochs=25, shuffle=False, verbose=0)
result = {**history.history, "predicted": model.predict(inputs, verbose=0)}
