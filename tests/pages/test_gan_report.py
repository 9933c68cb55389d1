"""The report of a GAN as a file: everything in it, nothing fetched, every text escaped."""

from pathlib import Path

import numpy as np

from firstlight import pages


def report(**more: object) -> pages.GanReport:
    metrics = [pages.Metric("Fréchet distance", 1.5, form=".2f")]
    return pages.GanReport(metrics, "10 pictures", "near enough", **more)  # type: ignore[arg-type]


def test_every_part_that_is_given_is_there(tmp_path: Path) -> None:
    pictures = list(np.random.default_rng(0).integers(0, 255, (3, 8, 8, 3), np.uint8))
    table = pages.PictureTable("Samples", "by <chance>", [("seven & eight", pictures)])
    history = {"frechet_distance": ["3", "2"], "real_accuracy": ["0.5", "0.6"], "fake_accuracy": ["0.5", "0.7"]}
    pages.gan_report(
        tmp_path / "page.html",
        "runs/<digits>",
        report(
            tables=[table],
            film=b"GIF89a",
            shares={"0": 0.25, "<1>": 0.75},
            history=history,
            facts={"Seed": "0"},
            passed_over=["broken.png: <no>"],
            checks=[{"name": "variety", "passed": False, "message": "12 %"}],
        ),
    )
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    for text in ("runs/&lt;digits&gt;", "by &lt;chance&gt;", "seven &amp; eight", "&lt;1&gt;", "75.0%", "variety"):
        assert text in page
    assert page.count("data:image/png;base64,") == 3
    assert "data:image/gif;base64,R0lGODlh" in page
    assert "Told rightly by the discriminator" in page
    assert "&lt;no&gt;" in page
    assert "http://" not in page
    assert "https://" not in page


def test_parts_that_are_not_given_are_not_there(tmp_path: Path) -> None:
    pages.gan_report(tmp_path / "page.html", "run", report())
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "near enough" in page
    for heading in ("How they came to be", "Classes", "How it was trained", "Passed over"):
        assert f"<h2>{heading}" not in page
