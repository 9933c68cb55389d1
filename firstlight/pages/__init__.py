"""Web pages that stand alone: one file, pictures inside, nothing fetched, light and dark, readable offline."""

from firstlight.pages.autoencoder_report import AutoencoderReport, PictureRows, autoencoder_report
from firstlight.pages.cases import Case
from firstlight.pages.class_tables import ClassRow, Pair
from firstlight.pages.classifier_report import ClassifierReport, Gallery, classifier_report
from firstlight.pages.comparison_page import Column, comparison_page
from firstlight.pages.document import Metric
from firstlight.pages.explanations import explanations
from firstlight.pages.gallery import Example, gallery
from firstlight.pages.gan_report import GanReport, PictureTable, gan_report
from firstlight.pages.linear_report import LinearReport, Picture, linear_report
from firstlight.pages.paths_page import descent_page
from firstlight.pages.search_page import Hit, Search, search_page

__all__ = [
    "AutoencoderReport",
    "Case",
    "ClassRow",
    "ClassifierReport",
    "Column",
    "Example",
    "Gallery",
    "GanReport",
    "Hit",
    "LinearReport",
    "Metric",
    "Pair",
    "Picture",
    "PictureRows",
    "PictureTable",
    "Search",
    "autoencoder_report",
    "classifier_report",
    "comparison_page",
    "descent_page",
    "explanations",
    "gallery",
    "gan_report",
    "linear_report",
    "search_page",
]
