"""The layouts in which labelled images come, in the order in which they are preferred.

To add one, write two functions, which files hold its labels and what images they give, and add a line to `LAYOUTS`.
"""

from firstlight.data import label_arrays, label_binaries, label_folders, label_tables
from firstlight.data.contents import LabelledImage
from firstlight.data.layouts import Layout

__all__ = ["LAYOUTS"]

LAYOUTS: dict[str, Layout[LabelledImage]] = {
    layout.name: layout
    for layout in (
        Layout(
            "idx",
            "MNIST's train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-..., packed by gzip or not",
            label_binaries.find_idx,
            label_binaries.read_idx,
        ),
        Layout(
            "cifar",
            "the binary version of CIFAR-10: data_batch_1.bin, ..., test_batch.bin, batches.meta.txt",
            label_binaries.find_cifar,
            label_binaries.read_cifar,
        ),
        Layout(
            "numpy",
            "an .npz with x_train, y_train, x_test, y_test, or images and labels, or such arrays as .npy files",
            label_arrays.find_numpy,
            label_arrays.read_numpy,
        ),
        Layout(
            "imagefolder",
            "metadata.csv, .jsonl or .parquet with columns file_name and label, in the folder or in train/, test/",
            label_tables.find_imagefolder,
            label_tables.read_tables,
        ),
        Layout(
            "table",
            "a CSV, TSV, JSON lines or Parquet table with names of images, their labels and by choice a split",
            label_tables.find_tables,
            label_tables.read_tables,
        ),
        Layout(
            "folders",
            "a folder a class, cat/1.jpg, or train/cat/1.jpg and test/cat/2.jpg",
            label_folders.find_folders,
            label_folders.read_folders,
        ),
    )
}
