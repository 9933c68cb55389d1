"""Every kind of image file that people have, whole and broken, read from real files written by Pillow."""

import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from firstlight.data import images
from firstlight.errors import FirstlightError

RED, BLUE, WHITE = (220, 30, 40), (30, 60, 200), (255, 255, 255)


@pytest.fixture
def picture() -> Image.Image:
    """60 wide, 40 high: red on the left, blue on the right."""
    drawn = Image.new("RGB", (60, 40), RED)
    ImageDraw.Draw(drawn).rectangle((30, 0, 59, 39), fill=BLUE)
    return drawn


def assert_red_and_blue(array: np.ndarray, tolerance: int = 8) -> None:
    height, width, channels = array.shape
    assert channels == 3
    assert array.dtype == np.uint8
    assert np.abs(array[height // 2, width // 4].astype(int) - RED).max() <= tolerance
    assert np.abs(array[height // 2, 3 * width // 4].astype(int) - BLUE).max() <= tolerance


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "bmp", "tif", "ppm"])
def test_formats(picture: Image.Image, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"flag.{suffix}"
    picture.save(path)
    array = images.read(path)
    assert array.shape == (40, 60, 3)
    assert_red_and_blue(array)
    array[0, 0] = 0  # the caller's own copy


def test_decode_equals_read(picture: Image.Image, tmp_path: Path) -> None:
    picture.save(tmp_path / "flag.png")
    np.testing.assert_array_equal(images.decode((tmp_path / "flag.png").read_bytes()), np.asarray(picture))


def test_first_frame_of_an_animation(picture: Image.Image, tmp_path: Path) -> None:
    picture.save(tmp_path / "film.gif", save_all=True, append_images=[Image.new("RGB", picture.size, "green")] * 3)
    assert_red_and_blue(images.read(tmp_path / "film.gif"))


def test_grey_and_one_bit(tmp_path: Path) -> None:
    grey = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    grey.save(tmp_path / "grey.png")
    read = images.read(tmp_path / "grey.png")
    np.testing.assert_array_equal(read, np.asarray(grey)[:, :, None].repeat(3, axis=2))
    grey.point(lambda value: 255 * (value > 99), "1").save(tmp_path / "bits.png")
    assert set(np.unique(images.read(tmp_path / "bits.png"))) == {0, 255}


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path: Path, suffix: str) -> None:
    values = np.linspace(0, 65535, 1024).astype(np.uint16).reshape(32, 32)
    Image.fromarray(values).save(tmp_path / f"deep.{suffix}")
    read = images.read(tmp_path / f"deep.{suffix}")
    np.testing.assert_allclose(read[:, :, 0], values / 257, atol=0.51)
    assert read.min() == 0
    assert read.max() == 255


def test_values_without_a_known_white_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.linspace(-3, 1e6, 64, dtype=np.float32).reshape(8, 8)).save(tmp_path / "float.tif")
    with pytest.raises(images.ImageError, match=r"float\.tif: expected 8 or 16 bits"):
        images.read(tmp_path / "float.tif")
    Image.fromarray(np.full((8, 8), 70000, np.int32)).save(tmp_path / "long.tif")
    with pytest.raises(images.ImageError, match="0 to 65535"):
        images.read(tmp_path / "long.tif")


def test_alpha_falls_on_white(picture: Image.Image, tmp_path: Path) -> None:
    mask = Image.new("L", picture.size, 255)
    ImageDraw.Draw(mask).rectangle((0, 0, 59, 9), fill=0)
    ImageDraw.Draw(mask).rectangle((0, 30, 59, 39), fill=128)
    picture.putalpha(mask)
    for suffix in ("png", "webp", "tif"):
        picture.save(tmp_path / f"glass.{suffix}", **({"lossless": True, "exact": True} if suffix == "webp" else {}))
        array = images.read(tmp_path / f"glass.{suffix}")
        assert_red_and_blue(array)
        assert (array[:10] == 255).all()
        np.testing.assert_allclose(array[35, 5], (np.array(RED) * 128 + 255 * 127) / 255, atol=1)
    np.testing.assert_array_equal(images.read(np.asarray(picture)), array)


def test_palette_with_a_transparent_colour(tmp_path: Path) -> None:
    palette = Image.new("P", (20, 10), 0)
    palette.putpalette([*RED, *BLUE])
    palette.paste(1, (10, 0, 20, 10))
    palette.save(tmp_path / "palette.png", transparency=0)
    palette.save(tmp_path / "palette.gif", transparency=0)
    for suffix in ("png", "gif"):
        array = images.read(tmp_path / f"palette.{suffix}")
        assert tuple(array[5, 5]) == WHITE
        assert tuple(array[5, 15]) == BLUE
    Image.new("L", (4, 4), 7).save(tmp_path / "grey.png", transparency=7)
    assert (images.read(tmp_path / "grey.png") == 255).all()


def test_cmyk_upright_in_tiff_and_inverted_in_adobe_jpeg(picture: Image.Image, tmp_path: Path) -> None:
    inks = picture.convert("CMYK")
    inks.save(tmp_path / "inks.tif")
    inks.save(tmp_path / "inks.jpg", quality=95)
    assert b"Adobe" in (tmp_path / "inks.jpg").read_bytes()
    assert_red_and_blue(images.read(tmp_path / "inks.tif"))
    assert_red_and_blue(images.read(tmp_path / "inks.jpg"))
    assert_red_and_blue(images.read(tmp_path / "inks.jpg", size=16))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_camera(picture: Image.Image, tmp_path: Path, orientation: int) -> None:
    """Lay the picture down the opposite way of what the tag says (EXIF 2.3, Orientation); reading stands it up."""
    lay_down = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying = picture.transpose(lay_down[orientation]) if orientation in lay_down else picture
    lying.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    array = images.read(tmp_path / "turned.jpg")
    assert array.shape == (40, 60, 3)
    assert_red_and_blue(array)
    assert_red_and_blue(images.read(tmp_path / "turned.jpg", size=(8, 12)))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow's own, which goes where the program sends warnings
def test_a_damaged_exif_block_spoils_nothing(picture: Image.Image, tmp_path: Path) -> None:
    picture.save(tmp_path / "flag.jpg", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7f\x00", quality=95)
    assert_red_and_blue(images.read(tmp_path / "flag.jpg"))


def test_broken_files_are_named_and_explained(picture: Image.Image, tmp_path: Path) -> None:
    for suffix in ("jpg", "png", "webp", "gif", "tif"):
        noisy = np.random.default_rng(0).integers(0, 256, (80, 80, 3), np.uint8)
        Image.fromarray(noisy).save(tmp_path / f"whole.{suffix}")
        data = (tmp_path / f"whole.{suffix}").read_bytes()
        for share in (0.02, 0.3, 0.7):
            (tmp_path / f"cut.{suffix}").write_bytes(data[: int(len(data) * share)])
            with pytest.raises(images.ImageError, match=rf"cut\.{suffix}: expected"):
                images.read(tmp_path / f"cut.{suffix}")
    (tmp_path / "empty.jpg").write_bytes(b"")
    with pytest.raises(images.ImageError, match=r"empty\.jpg: .*empty file"):
        images.read(tmp_path / "empty.jpg")
    (tmp_path / "page.jpg").write_text("<html>404 Not Found</html>")
    with pytest.raises(images.ImageError, match=r"page\.jpg: .*26 bytes that begin with b'<html>404"):
        images.read(tmp_path / "page.jpg")
    with pytest.raises(images.ImageError, match=r"nowhere\.jpg"):
        images.read(tmp_path / "nowhere.jpg")
    with pytest.raises(images.ImageError):
        images.read(tmp_path)


def test_no_program_is_started_for_postscript(tmp_path: Path) -> None:
    (tmp_path / "drawing.jpg").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
    )
    with pytest.raises(images.ImageError, match="expected an image"):
        images.read(tmp_path / "drawing.jpg")


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [9_500, 60_000])
@pytest.mark.parametrize("pillow_limit", [Image.MAX_IMAGE_PIXELS, None])
def test_a_bomb_is_refused_before_decoding(
    monkeypatch: pytest.MonkeyPatch, side: int, pillow_limit: int | None
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pillow_limit)  # ours holds also where a program lifts Pillow's
    with pytest.raises(images.ImageError, match=r"bomb\.png: expected an image of at most 89,478,485 pixels"):
        images.decode(png_header(side, side), "bomb.png")
    assert pillow_limit == Image.MAX_IMAGE_PIXELS


def test_fits(picture: Image.Image) -> None:
    array = np.asarray(picture)
    assert_red_and_blue(images.read(array, size=(30, 20)))
    square = images.read(array, size=20, fit="crop")
    assert square.shape == (20, 20, 3)
    assert_red_and_blue(square)
    ring = np.asarray(Image.new("RGB", (100, 50), "white")).copy()
    ring[:, 25:75] = 0
    assert images.resize(ring, 32, "crop")[:, 1:-1].max() < 30  # the black middle square alone
    padded = images.read(array, size=(40, 30), fit="pad")
    assert (padded[:10] == 127).all()
    assert (padded[30:] == 127).all()
    assert_red_and_blue(padded[10:30])
    assert images.read(array, size=(40, 60)) is not array
    np.testing.assert_array_equal(images.read(array, size=(40, 60)), array)
    assert images.resize(array, 200).shape == (200, 200, 3)
    line = np.zeros((1, 3000, 3), np.uint8)
    assert images.resize(line, 8, "pad").shape == (8, 8, 3)


def test_every_shape_fits_every_shape() -> None:
    generator = np.random.default_rng(0)
    for height, width, down, across in generator.integers(1, 400, (300, 4)).tolist():
        array = np.full((height, width, 3), 200, np.uint8)
        for fit in images.FITS:
            fitted = images.resize(array, (down, across), fit)
            assert fitted.shape == (down, across, 3)
            assert fit == "pad" or (fitted == 200).all()


def test_a_large_jpeg_read_small_is_close_to_the_exact_way(tmp_path: Path) -> None:
    """The fast way (decoding at a fraction, two-step shrinking) against full decoding and one bicubic step."""
    generator = np.random.default_rng(1)
    waves = np.add.outer(np.sin(np.arange(900) / 40), np.cos(np.arange(1200) / 55))[:, :, None] * (30, 40, 50) + 128
    photo = (waves + generator.normal(0, 5, waves.shape)).clip(0, 255).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / "large.jpg", quality=92)
    with Image.open(tmp_path / "large.jpg") as whole:
        exact = whole.convert("RGB").resize((96, 96), Image.Resampling.BICUBIC)
    difference = images.read(tmp_path / "large.jpg", size=96).astype(float) - np.asarray(exact)
    assert np.sqrt((difference**2).mean()) < 1.0
    assert images.read(tmp_path / "large.jpg").shape == (900, 1200, 3)


def test_arrays_are_checked() -> None:
    assert images.read(np.zeros((4, 5), np.uint8)).shape == (4, 5, 3)
    assert images.read(np.zeros((4, 5, 1), np.uint8)).shape == (4, 5, 3)
    with pytest.raises(images.ImageError, match="float32"):
        images.read(np.zeros((4, 5, 3), np.float32))
    for shape in ((5,), (4, 5, 2), (1, 4, 5, 3), (0, 5, 3)):
        with pytest.raises(images.ImageError, match=r"Expected an image array \(height, width\)"):
            images.read(np.zeros(shape, np.uint8))


def test_settings_are_checked(picture: Image.Image) -> None:
    array = np.asarray(picture)
    with pytest.raises(FirstlightError, match=r"squash, crop, pad.*'crob'.*Did you mean 'crop'"):
        images.read(array, 8, "crob")
    for size in (0, (3,), (3, -1), (2.5, 3)):
        with pytest.raises(FirstlightError, match=r"side or \(height, width\)"):
            images.read(array, size)
    with pytest.raises(FirstlightError, match="thread"):
        list(images.read_many([array], threads=0))


def test_read_many_keeps_order_and_hands_over_broken_ones(picture: Image.Image, tmp_path: Path) -> None:
    paths = []
    for index in range(60):
        path = tmp_path / f"{index:02d}.png"
        Image.new("RGB", (30 + 20 * (index % 7), 20), (index, 0, 0)).save(path)
        paths.append(str(path))
    Path(paths[7]).write_bytes(b"no image")
    results = list(images.read_many(paths, 8, threads=3))
    assert [index for index, _ in results] == list(range(60))
    assert isinstance(results[7][1], images.ImageError)
    assert all(array[0, 0, 0] == index for index, array in results if index != 7)


def test_read_many_runs_a_bounded_way_ahead_and_stops_when_left() -> None:
    asked = 0

    def many() -> Iterator[np.ndarray]:
        nonlocal asked
        for _ in range(2000):
            asked += 1
            yield np.zeros((2, 2, 3), np.uint8)

    before = threading.active_count()
    results = images.read_many(many(), threads=2)
    for _ in range(10):
        next(results)
    assert asked <= 10 + 8 * 2
    results.close()
    assert threading.active_count() == before


def test_a_path_through_a_zip(picture: Image.Image, tmp_path: Path) -> None:
    picture.save(tmp_path / "flag.png")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.write(tmp_path / "flag.png", "Images/flag.png")
    assert_red_and_blue(images.read(f"{tmp_path}/photos.zip/Images/flag.png"))
    with pytest.raises(images.ImageError, match=r"gone\.png"):
        images.read(f"{tmp_path}/photos.zip/Images/gone.png")
