"""Downloads from a real server on this machine that cuts off, forgets ranges, lies, and is missing."""

import hashlib
import multiprocessing
import threading
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from file_server import CHECKSUM, CONTENT, Server

from firstlight.data.files import Record, RemoteFile, adopt, cache_folder, fetch, find, is_here
from firstlight.errors import FirstlightError


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def record(*urls: str, checksum: str | None = CHECKSUM, size: int = len(CONTENT)) -> Record:
    file = RemoteFile("photos.zip", urls, checksum, size)
    return Record("photos", "captions", "", "https://example.org/photos", "", {}, "", files=(file,) if urls else ())


def assert_complete(folder: Path) -> None:
    assert (folder / "photos.zip").read_bytes() == CONTENT
    assert not (folder / ".incoming").exists()


def assert_no_half_file() -> None:
    assert not (cache_folder() / "photos" / "photos.zip").exists()


def test_a_whole_answer_with_progress_and_only_once(server: Server) -> None:
    calls = []
    folder = fetch(record(server.url()), progress=lambda *call: calls.append(call))
    assert folder == cache_folder() / "photos"
    assert_complete(folder)
    assert calls[-1] == ("photos.zip", 1_000_000, 1_000_000)
    assert [done for _, done, _ in calls] == sorted(done for _, done, _ in calls)
    assert fetch(record(server.url())) == folder
    assert len(server.requests) == 1


def test_md5_is_a_checksum_too(server: Server) -> None:
    checksum = "md5:" + hashlib.md5(CONTENT).hexdigest()
    assert_complete(fetch(record(server.url(), checksum=checksum)))


def test_a_truncated_answer_goes_on_where_it_broke_off(server: Server) -> None:
    server.cuts = [400_000, 300_000]
    assert_complete(fetch(record(server.url())))
    begins = [int(asked[6:-1]) for _, asked in server.requests[1:]]
    assert len(begins) == 2
    assert 300_000 < begins[0] <= 400_000
    assert begins[0] + 200_000 < begins[1] <= 700_000


def test_the_next_call_goes_on_where_the_last_one_gave_up(server: Server) -> None:
    server.cuts = [400_000, 0]
    with pytest.raises(FirstlightError, match=r"broke.*bytes that are here are kept"):
        fetch(record(server.url()))
    assert_no_half_file()
    part = cache_folder() / "photos" / ".incoming" / "photos.zip.part"
    kept = part.stat().st_size
    assert part.read_bytes() == CONTENT[:kept]
    assert not is_here(record(server.url()))
    assert_complete(fetch(record(server.url())))
    assert server.requests[-1][1] == f"bytes={kept}-"


def test_a_server_without_ranges_sends_all_again(server: Server) -> None:
    server.ranges = False
    server.cuts = [400_000]
    assert_complete(fetch(record(server.url())))
    assert len(server.requests) == 2


def test_a_server_that_always_cuts_is_given_up(server: Server) -> None:
    server.ranges = False
    server.cuts = [400_000] * 9
    with pytest.raises(FirstlightError, match="broke"):
        fetch(record(server.url()))
    assert len(server.requests) == 2
    assert_no_half_file()


def test_a_part_that_is_whole_already_is_not_downloaded_again(server: Server) -> None:
    incoming = cache_folder() / "photos" / ".incoming"
    incoming.mkdir(parents=True)
    (incoming / "photos.zip.part").write_bytes(CONTENT)
    assert_complete(fetch(record(server.url())))
    assert len(server.requests) == 1  # answered by 416, nothing after the end


def test_what_a_killed_process_left_is_removed(server: Server) -> None:
    incoming = cache_folder() / "photos" / ".incoming"
    incoming.mkdir(parents=True)
    (incoming / "tmpabc").write_bytes(b"half")
    (incoming / "photos.zip.part").write_bytes(CONTENT + b"longer than the file")
    assert_complete(fetch(record(server.url())))
    assert [asked for _, asked in server.requests] == [f"bytes={len(CONTENT) + 20}-", ""]


def test_a_part_of_another_file_is_found_out_and_downloaded_anew(server: Server) -> None:
    incoming = cache_folder() / "photos" / ".incoming"
    incoming.mkdir(parents=True)
    (incoming / "photos.zip.part").write_bytes(b"x" * 1000)
    assert_complete(fetch(record(server.url())))
    assert [asked for _, asked in server.requests] == ["bytes=1000-", ""]


def test_a_wrong_checksum(server: Server) -> None:
    server.content = CONTENT[:-1] + b"!"
    with pytest.raises(FirstlightError, match=f"does not have the checksum {CHECKSUM}"):
        fetch(record(server.url()))
    assert_no_half_file()
    assert len(server.requests) == 1


def test_a_404_names_everything_one_needs(server: Server) -> None:
    with pytest.raises(FirstlightError) as caught:
        fetch(record(server.url("missing.zip")))
    message = str(caught.value)
    assert "the server answered 404 Not Found" in message
    for part in (
        "photos.zip",
        str(cache_folder() / "photos"),
        "--from",
        "FIRSTLIGHT_DATA",
        "https://example.org/photos",
    ):
        assert part in message
    assert_no_half_file()


def test_offline() -> None:
    with pytest.raises(FirstlightError, match=r"no connection: refused[\s\S]*firstlight data get photos --from"):
        fetch(record("http://127.0.0.1:9/photos.zip"))
    with pytest.raises(FirstlightError, match=r"no public download[\s\S]*--from"):
        fetch(record())


def test_the_first_mirror_is_down_and_the_second_good(server: Server) -> None:
    urls = ("http://127.0.0.1:9/photos.zip", server.url("missing.zip"), server.url())
    assert_complete(fetch(record(*urls)))
    assert [path for path, _ in server.requests] == ["/missing.zip", "/photos.zip"]


def test_a_second_mirror_continues_what_the_first_began(server: Server) -> None:
    server.cuts = [400_000, 0]
    assert_complete(fetch(record(server.url("first"), server.url("second"))))
    path, asked = server.requests[-1]
    assert path == "/second"
    assert asked.startswith("bytes=")


def test_a_file_without_a_published_checksum_is_trusted_once(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    unknown = record(server.url(), checksum=None)
    assert_complete(fetch(unknown))
    assert CHECKSUM in caplog.text
    assert (cache_folder() / "photos" / ".photos.zip.checksum").read_text().startswith(CHECKSUM)
    assert find(unknown) == cache_folder() / "photos"
    (cache_folder() / "photos" / "photos.zip").write_bytes(b"something else")
    with pytest.raises(FirstlightError, match=rf"photos\.zip[\s\S]*{CHECKSUM}[\s\S]*damaged or another file"):
        find(unknown)


def test_without_a_checksum_nothing_is_resumed(server: Server) -> None:
    server.cuts = [400_000]
    with pytest.raises(FirstlightError, match="broke"):
        fetch(record(server.url(), checksum=None))
    assert_complete(fetch(record(server.url(), checksum=None)))
    assert [asked for _, asked in server.requests] == ["", ""]


def test_a_file_put_into_the_cache_by_hand_is_used(server: Server) -> None:
    folder = cache_folder() / "photos"
    folder.mkdir()
    (folder / "photos.zip").write_bytes(CONTENT)
    assert is_here(record(server.url()))
    assert fetch(record(server.url())) == folder
    assert server.requests == []
    (folder / "photos.zip").write_bytes(CONTENT[:1000])
    with pytest.raises(FirstlightError, match="delete it, and it is downloaded again"):
        fetch(record(server.url()))


def test_a_folder_laid_into_the_cache_by_hand_is_used(server: Server) -> None:
    folder = cache_folder() / "photos"
    folder.mkdir()
    (folder / "captions.csv").write_text("image,caption\n")
    assert fetch(record(server.url())) == folder
    assert server.requests == []


def test_an_own_file_is_checked_and_copied(server: Server, tmp_path: Path) -> None:
    own = tmp_path / "photos.zip"
    own.write_bytes(CONTENT[:-1])
    with pytest.raises(FirstlightError, match=r"photos\.zip[\s\S]*checksum"):
        adopt(record(server.url()), own)
    assert not is_here(record(server.url()))
    own.write_bytes(CONTENT)
    adopt(record(server.url()), own)
    assert fetch(record(server.url())) == cache_folder() / "photos"
    assert server.requests == []


def test_an_own_folder_stays_where_it_is(server: Server, tmp_path: Path) -> None:
    own = tmp_path / "my photos"
    own.mkdir()
    adopt(record(server.url()), own)
    assert fetch(record(server.url())) == own
    assert server.requests == []
    own.rmdir()
    with pytest.raises(FirstlightError, match=r"my photos[\s\S]*--from PATH"):
        fetch(record(server.url()))
    with pytest.raises(FirstlightError, match="There is nothing"):
        adopt(record(server.url()), tmp_path / "nowhere")


def test_a_full_disk_is_told_before_downloading(server: Server) -> None:
    with pytest.raises(FirstlightError, match="free bytes"):
        fetch(record(server.url(), size=10**18))
    assert server.requests == []


def _fetch_in_a_process(url: str, together: Barrier, answers: "multiprocessing.Queue[str]") -> None:
    together.wait(60)
    answers.put(str(fetch(record(url))))


@pytest.mark.slow
def test_two_processes_at_once_download_once(server: Server) -> None:
    server.gate = threading.Event()
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(3)
    answers: multiprocessing.Queue[str] = context.Queue()
    arguments = (server.url(), together, answers)
    processes = [context.Process(target=_fetch_in_a_process, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    together.wait(60)
    threading.Timer(0.5, server.gate.set).start()  # the server answers when both have had time to ask
    folders = {answers.get(timeout=60) for _ in processes}
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert folders == {str(cache_folder() / "photos")}
    assert_complete(cache_folder() / "photos")
    assert len(server.requests) == 1


def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTLIGHT_DATA", "~/photos")
    assert cache_folder() == Path.home() / "photos"
    monkeypatch.delenv("FIRSTLIGHT_DATA")
    assert "firstlight" in str(cache_folder())


def test_what_was_given_last_is_meant(tmp_path: Path) -> None:
    own = tmp_path / "own.zip"
    own.write_bytes(b"mine")
    (tmp_path / "photos.zip").write_bytes(CONTENT)
    assert adopt(record("http://127.0.0.1/photos.zip"), own) == own
    assert find(record("http://127.0.0.1/photos.zip")) == own
    copied = adopt(record("http://127.0.0.1/photos.zip"), tmp_path / "photos.zip")
    assert copied == cache_folder() / "photos" / "photos.zip"
    assert find(record("http://127.0.0.1/photos.zip")) == cache_folder() / "photos"
