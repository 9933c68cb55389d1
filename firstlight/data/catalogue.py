"""Every data set that firstlight knows by name: what it is, whose it is, where it comes from, and what reads it.

A plain dict. To add a data set, add a record here and, where no loader fits, a loader beside the others.
"""

from pathlib import Path

from firstlight.data.files import Record, RemoteFile

__all__ = ["CATALOGUE"]

_CAPTIONS = "firstlight.data.captions:load_captions"
_LABELS = "firstlight.data.labels:load_labels"

_FLICKR8K = "https://github.com/jbrownlee/Datasets/releases/download/Flickr8k"
_COCO = ("http://images.cocodataset.org", "https://s3.amazonaws.com/images.cocodataset.org")
_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"
_ZALANDO = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"

CATALOGUE: dict[str, Record] = {
    "scenes": Record(
        name="scenes",
        task="captions",
        description="Picture-book scenes drawn from a seed, five captions each and the facts behind them.",
        page="firstlight/data/scenes/",
        licence="none needed: drawn on this machine",
        splits={"train": 4000, "validation": 400, "test": 400, "unseen": 400},
        loader="firstlight.data.scenes:load",
        drawn=True,
    ),
    "flickr8k": Record(
        name="flickr8k",
        task="captions",
        description="Photos of people and animals doing something, five captions each by people. Hodosh et al. 2013.",
        page="https://github.com/jbrownlee/Datasets/releases/tag/Flickr8k",
        licence="research and education; the photos belong to their authors",
        splits={"train": 6000, "validation": 1000, "test": 1000},
        loader=_CAPTIONS,
        files=(
            RemoteFile(
                "Flickr8k_text.zip",
                (f"{_FLICKR8K}/Flickr8k_text.zip",),
                "md5:bf6c1abcb8e4a833b7f922104de18627",
                2_300_000,
            ),
            RemoteFile(
                "Flickr8k_Dataset.zip",
                (f"{_FLICKR8K}/Flickr8k_Dataset.zip",),
                "md5:f18a1e2920de5bd84dae7cf08ec78978",
                1_100_000_000,
            ),
        ),
    ),
    "flickr30k": Record(
        name="flickr30k",
        task="captions",
        description="As Flickr8k, four times as many. Given on request: point at your copy. Young et al. 2014.",
        page="https://shannon.cs.illinois.edu/DenotationGraph/",
        licence="research and education; the photos belong to their authors",
        splits={"train": 29000, "validation": 1014, "test": 1000},
        loader=_CAPTIONS,
    ),
    "coco": Record(
        name="coco",
        task="captions",
        description="Everyday scenes with common objects, five captions each. Lin et al. 2014, the 2017 splits.",
        page="https://cocodataset.org/#download",
        licence="captions CC BY 4.0; the photos under the Flickr licence of each",
        splits={"train": 118_287, "validation": 5000},
        loader=_CAPTIONS,
        files=tuple(
            RemoteFile(Path(path).name, tuple(f"{server}/{path}" for server in _COCO), f"sha256:{checksum}", size)
            for path, checksum, size in (
                (
                    "annotations/annotations_trainval2017.zip",
                    "113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268",
                    252_907_541,
                ),
                (
                    "zips/val2017.zip",
                    "4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
                    815_585_330,
                ),
                (
                    "zips/train2017.zip",
                    "69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929",
                    19_336_861_798,
                ),
            )
        ),
    ),
    "digits": Record(
        name="digits",
        task="labels",
        description="Handwritten digits of 8 x 8 pixels, as scikit-learn carries them. Alpaydin and Kaynak 1998.",
        page="https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
        licence="CC BY 4.0",
        splits={"train": 1438, "test": 359},
        loader="firstlight.data.label_sets:load_digits",
        drawn=True,
    ),
    "mnist": Record(
        name="mnist",
        task="labels",
        description="Handwritten digits of 28 x 28 grey pixels. LeCun et al. 1998, the file of keras.datasets.",
        page="https://keras.io/api/datasets/mnist/",
        licence="CC BY-SA 3.0",
        splits={"train": 60_000, "test": 10_000},
        loader=_LABELS,
        files=(
            RemoteFile(
                "mnist.npz",
                (f"{_KERAS}/mnist.npz",),
                "sha256:731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
                11_490_434,
            ),
        ),
    ),
    "fashion_mnist": Record(
        name="fashion_mnist",
        task="labels",
        description="Ten kinds of clothes in 28 x 28 grey pixels, in the place of MNIST. Xiao et al. 2017.",
        page="https://github.com/zalandoresearch/fashion-mnist",
        licence="MIT",
        splits={"train": 60_000, "test": 10_000},
        loader="firstlight.data.label_sets:load_fashion_mnist",
        # Keras states no checksums; these are the authors', on the page above.
        files=tuple(
            RemoteFile(name, (f"{_KERAS}/{name}", f"{_ZALANDO}/{name}"), f"md5:{checksum}", size)
            for name, checksum, size in (
                ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880),
                ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe", 29_515),
                ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79", 4_422_102),
                ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310", 5_148),
            )
        ),
    ),
    "cifar10": Record(
        name="cifar10",
        task="labels",
        description="Photos of ten kinds of animals and vehicles in 32 x 32 pixels. Krizhevsky 2009.",
        page="https://www.cs.toronto.edu/~kriz/cifar.html",
        licence="none stated; made for research, cite Krizhevsky 2009",
        splits={"train": 50_000, "test": 10_000},
        loader="firstlight.data.label_sets:load_cifar10",
        files=(
            # The binary version: the other one is made of pickles, which are programs.
            RemoteFile(
                "cifar-10-binary.tar.gz",
                ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
                "md5:c32a1d4ab5d03f1284b67883e8d87530",
                170_052_171,
            ),
        ),
    ),
    "flowers": Record(
        name="flowers",
        task="labels",
        description="Photos of five kinds of flowers in class folders. The TensorFlow team 2019.",
        page="https://www.tensorflow.org/datasets/catalog/tf_flowers",
        licence="CC BY 2.0; LICENSE.txt in the archive names the photographers",
        splits={"train": 2936, "validation": 367, "test": 367},
        loader=_LABELS,
        files=(
            RemoteFile(
                "flower_photos.tgz",
                ("https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz",),
                "md5:6f87fb78e9cc9ab41eff2015b380011d",
                228_813_984,
            ),
        ),
    ),
}
