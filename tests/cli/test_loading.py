"""What is shown of downloads, in a terminal and in a pipe, and that the terminal is given back."""

import io

import pytest

from firstlight.cli import loading
from firstlight.cli.progress import progress


class Terminal(io.StringIO):
    """Text that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("total", [2_400_000, 2_000_000, 300_000])
@pytest.mark.parametrize("stream", [Terminal, io.StringIO], ids=["terminal", "pipe"])
def test_a_download_is_over_with_its_last_byte(
    total: int, stream: type[io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = stream()
    monkeypatch.setattr(loading, "progress", lambda: progress(written))
    megabytes = -(-total // 1_000_000)
    with loading.downloading() as told:
        for done in range(0, total, 100_000):
            told("photos.zip", done, total)
        assert f"photos.zip, MB  {megabytes}" not in written.getvalue(), "some of it is still to come"
        told("photos.zip", total, total)
        told("labels.zip", 5, None)
    assert written.getvalue().count(f"photos.zip, MB  {megabytes}") == 1
    assert "labels.zip" not in written.getvalue(), "nobody knows how much of it there is"
