"""Files in zip and tar archives, read in place: every form, many threads, forked processes, and damage."""

import io
import os
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from firstlight.data.archives import empty_folders, exists, is_archive, list_files, read_bytes
from firstlight.errors import FirstlightError

TEXT = b"a line of text, and once more a line of text\n" * 20


def pack_zip(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def pack_tar(path: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def test_a_plain_file_is_read_and_found(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(TEXT)
    assert read_bytes(tmp_path / "a.txt") == TEXT
    assert exists(tmp_path / "a.txt")
    assert not exists(tmp_path / "b.txt")
    assert not exists(tmp_path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_method_of_a_zip_is_read(tmp_path: Path, method: int) -> None:
    path = pack_zip(tmp_path / "a.zip", {"in/x.txt": TEXT, "empty": b""}, method)
    assert read_bytes(f"{path}/in/x.txt") == TEXT
    assert read_bytes(f"{path}/empty") == b""


@pytest.mark.parametrize(
    ("ending", "mode"), [("tar", "w"), ("tar.gz", "w:gz"), ("tgz", "w:gz"), ("tar.bz2", "w:bz2"), ("tar.xz", "w:xz")]
)
def test_every_kind_of_tar_is_read(tmp_path: Path, ending: str, mode: str) -> None:
    long = "folder/" * 30 + "x.txt"  # needs the extended headers
    path = pack_tar(tmp_path / f"a.{ending}", {"./x.txt": TEXT, long: b"deep"}, mode)
    assert read_bytes(f"{path}/x.txt") == TEXT
    assert read_bytes(f"{path}/{long}") == b"deep"
    assert list_files(path) == [f"{path}/{long}", f"{path}/x.txt"]


def test_a_hard_link_in_a_tar_gives_the_file(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(TEXT)
    os.link(tmp_path / "one", tmp_path / "two")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(tmp_path / "one", "one")
        archive.add(tmp_path / "two", "two")
    assert read_bytes(tmp_path / "a.tar/two") == TEXT


def test_an_archive_in_an_archive_is_read(tmp_path: Path) -> None:
    inner = pack_tar(tmp_path / "inner.tar.gz", {"x.txt": TEXT}, "w:gz")
    path = pack_zip(tmp_path / "outer.zip", {"deep/inner.tar.gz": inner.read_bytes()})
    assert list_files(path) == [f"{path}/deep/inner.tar.gz/x.txt"]
    assert read_bytes(f"{path}/deep/inner.tar.gz/x.txt") == TEXT
    assert read_bytes(f"{path}/deep/inner.tar.gz") == inner.read_bytes()


def test_list_files_goes_through_folders_and_archives_and_leaves_out_clutter(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "y.txt").write_bytes(b"y")
    (tmp_path / ".hidden").write_bytes(b"")
    (tmp_path / "Thumbs.db").write_bytes(b"")
    pack_zip(tmp_path / "a.zip", {"in/x.txt": b"x", "__MACOSX/in/._x.txt": b"", "in/.DS_Store": b""})
    assert list_files(tmp_path) == [f"{tmp_path}/a.zip/in/x.txt", f"{tmp_path}/b/y.txt"]
    assert list_files(f"{tmp_path}/a.zip/in") == [f"{tmp_path}/a.zip/in/x.txt"]


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "photos" / "a").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.txt").write_bytes(b"x")
    (tmp_path / "photos" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "photos" / "a" / "loop").symlink_to(tmp_path / "photos")
    assert list_files(tmp_path / "photos") == [f"{tmp_path}/photos/link/x.txt"]


def test_a_folder_with_the_name_of_an_archive_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "photos.zip").mkdir()
    (tmp_path / "photos.zip" / "x.txt").write_bytes(TEXT)
    assert read_bytes(tmp_path / "photos.zip" / "x.txt") == TEXT
    assert is_archive("x.TAR.GZ")
    assert not is_archive("x.zipper")


def test_an_archive_that_changes_is_read_anew(tmp_path: Path) -> None:
    path = pack_zip(tmp_path / "a.zip", {"x": b"old"})
    assert read_bytes(f"{path}/x") == b"old"
    pack_zip(path, {"x": b"newer", "y": b""})
    assert read_bytes(f"{path}/x") == b"newer"


def test_names_that_are_not_there(tmp_path: Path) -> None:
    path = pack_zip(tmp_path / "a.zip", {"x": b"x"})
    with pytest.raises(FirstlightError, match=r"Expected 'y' in .*a\.zip.*among the 1 files"):
        read_bytes(f"{path}/y")
    with pytest.raises(FirstlightError, match="Expected a readable file"):
        read_bytes(tmp_path / "none")
    with pytest.raises(FirstlightError, match="neither"):
        list_files(tmp_path / "none")
    assert not exists(f"{path}/y")


def test_a_zip_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"<html>not found</html>")
    with pytest.raises(FirstlightError, match=r"intact archive.*a\.zip.*Download or pack it again"):
        list_files(tmp_path)
    assert not exists(tmp_path / "a.zip/x")


def test_a_zip_cut_short(tmp_path: Path) -> None:
    path = pack_zip(tmp_path / "a.zip", {"x": TEXT, "y": TEXT})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(FirstlightError, match="intact archive"):
        list_files(path)


def test_a_zip_with_a_flipped_bit(tmp_path: Path) -> None:
    path = pack_zip(tmp_path / "a.zip", {"x": TEXT}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(FirstlightError, match="checksum"):
        read_bytes(f"{path}/x")


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = pack_zip(tmp_path / "a.zip", {"x": TEXT}, zipfile.ZIP_STORED)
    data = path.read_bytes()
    central = data.index(b"PK\x01\x02")
    path.write_bytes(data[: central + 8] + b"\x01" + data[central + 9 :])
    with pytest.raises(FirstlightError, match="encrypted"):
        read_bytes(f"{path}/x")


@pytest.mark.parametrize("keep", [100, 1500, 2300])
def test_a_tar_cut_short(tmp_path: Path, keep: int) -> None:
    path = pack_tar(tmp_path / "a.tar", {"x": TEXT, "y": TEXT})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(FirstlightError, match="intact archive"):
        list_files(path)


def test_a_tar_with_a_broken_header_is_not_taken_for_a_short_one(tmp_path: Path) -> None:
    path = pack_tar(tmp_path / "a.tar", {"x": b"x" * 512, "y": TEXT})
    data = bytearray(path.read_bytes())
    data[1024 + 148] ^= 7  # the checksum of the second header
    path.write_bytes(data)
    with pytest.raises(FirstlightError, match="intact archive"):
        list_files(path)


def test_a_compressed_tar_cut_short(tmp_path: Path) -> None:
    path = pack_tar(tmp_path / "a.tar.gz", {"x": os.urandom(5000)}, "w:gz")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(FirstlightError, match="intact archive"):
        list_files(path)


FORKING = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from firstlight.data.archives import list_files, read_bytes

names = list_files(sys.argv[1]) * 5

def wrong():
    with ThreadPoolExecutor(8) as pool:
        contents = pool.map(read_bytes, names)
        return sum(data[300:] != name.rsplit("/", 1)[1].encode() * 30 for name, data in zip(names, contents))

here = wrong()
children = []
for _ in range(2):
    child = os.fork()
    if child == 0:
        os._exit(int(wrong() > 0))
    children.append(child)
codes = [os.waitpid(child, 0)[1] for child in children]
sys.exit(f"wrong here: {here}, codes of the children: {codes}" if here or any(codes) else 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_threads_and_forked_processes_read_the_same_archive(tmp_path: Path) -> None:
    names = [f"{number}.bin" for number in range(200)]
    path = pack_zip(tmp_path / "a.zip", {name: os.urandom(300) + name.encode() * 30 for name in names})
    done = subprocess.run(
        [sys.executable, "-c", FORKING, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_thirty_thousand_members_are_listed_once_and_read_fast(tmp_path: Path) -> None:
    path = pack_zip(
        tmp_path / "a.zip", {f"images/{number:06}.jpg": b"x" for number in range(30_000)}, zipfile.ZIP_STORED
    )
    start = time.perf_counter()
    names = list_files(path)
    for name in names[::30]:
        assert read_bytes(name) == b"x"
    assert len(names) == 30_000
    assert time.perf_counter() - start < 10  # opening the list again for each of the 1,000 would take minutes


def test_empty_folders_are_found_on_disk_and_in_archives(tmp_path: Path) -> None:
    (tmp_path / "set" / "full").mkdir(parents=True)
    (tmp_path / "set" / "full" / "x.txt").write_bytes(TEXT)
    (tmp_path / "set" / "outer" / "inner").mkdir(parents=True)
    (tmp_path / "set" / ".hidden").mkdir()
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(tmp_path / "set", "set")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in sorted((tmp_path / "set").rglob("*")):
            archive.write(path, path.relative_to(tmp_path))
    expected = [f"{tmp_path}/{name}/outer/inner" for name in ("a.tar/set", "a.zip/set", "set")]
    assert empty_folders(tmp_path) == expected
    assert [found for name in ("a.tar", "a.zip", "set") for found in empty_folders(tmp_path / name)] == expected
    assert empty_folders(tmp_path / "a.zip" / "set") == [expected[1]]
    assert list_files(tmp_path / "a.zip") == [f"{tmp_path}/a.zip/set/full/x.txt"]
