"""Files to arrays to batches: data sets by name or from your own folder, with NumPy and Pillow alone.

`load("flickr8k")` or `load("my/photos")` gives splits of images with captions or labels, `load("my.csv", task="table")`
a table; `check` says what is wrong with images.
"""

from firstlight.data.batches import ahead, batched, grouped_by_length, pad, shuffled
from firstlight.data.catalogue import CATALOGUE
from firstlight.data.check import Report, check
from firstlight.data.corpus import Corpus, load_corpus
from firstlight.data.files import Record, RemoteFile, cache_folder
from firstlight.data.frames import Frame
from firstlight.data.images import ImageError, decode, read, read_many, resize
from firstlight.data.loading import load
from firstlight.data.splits import stratified
from firstlight.data.table import Dataset, Problem, Split
from firstlight.data.vocabulary import Vocabulary

__all__ = [
    "CATALOGUE",
    "Corpus",
    "Dataset",
    "Frame",
    "ImageError",
    "Problem",
    "Record",
    "RemoteFile",
    "Report",
    "Split",
    "Vocabulary",
    "ahead",
    "batched",
    "cache_folder",
    "check",
    "decode",
    "grouped_by_length",
    "load",
    "load_corpus",
    "pad",
    "read",
    "read_many",
    "resize",
    "shuffled",
    "stratified",
]
