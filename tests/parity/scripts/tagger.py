"""A bidirectional LSTM tells for each word of padded texts whether it came before."""

import numpy as np

from firstlight.engine import Input, Model, layers, optimizers

random = np.random.default_rng(2)
lengths = random.integers(3, 9, 64)
x = np.where(np.arange(8) < lengths[:, None], random.integers(1, 6, (64, 8)), 0)
y = np.array([[word in row[:place] for place, word in enumerate(row)] for row in x]).astype("float32")[..., None]

words = Input((8,), dtype="int32")
vectors = layers.Embedding(6, 5, mask_zero=True)(words)
states = layers.Bidirectional(layers.LSTM(6, return_sequences=True))(vectors)
tags = layers.TimeDistributed(layers.Dense(1, activation="sigmoid"))(states)
model = Model(words, tags)
model.set_weights([random.normal(0, 0.4, w.shape) for w in model.get_weights()])
model.compile(optimizer=optimizers.SGD(0.5, momentum=0.9), loss="binary_crossentropy")
history = model.fit(x, y, batch_size=16, epochs=25, shuffle=False, verbose=0)
result = {**history.history, "predicted": model.predict(x[:4], verbose=0)}
