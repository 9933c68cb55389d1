"""Web pages that stand alone: one file, pictures inside, nothing fetched, light and dark, readable offline."""

from firstlight.pages.document import Metric
from firstlight.pages.gallery import Example, gallery

__all__ = ["Example", "Metric", "gallery"]
