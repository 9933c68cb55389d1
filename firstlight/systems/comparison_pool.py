"""Several processes that train at the same time, each with its share of the cores.

Each is a fresh Python, whose threads are fixed by its environment before Keras is imported. A process that dies takes
with it the run that it was at, and another one goes on.
"""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

__all__ = ["Told", "available_cores", "environment", "run_jobs"]

_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
# Processes that share a graphics card must not each take all of its memory.
_SHARING = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
_WORKER = "firstlight.systems.comparison_worker"
_LAST_WORDS = 400  # characters of what a dead process wrote last


@dataclass(frozen=True)
class Told:
    """What a process says of a job, by its place in the list: `share` that is done, or that it is over.

    `problem` is set where the process died; otherwise the job's file is there.
    """

    job: int
    share: float = 0.0
    over: bool = False
    problem: str | None = None


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def environment(threads: int) -> dict[str, str]:
    """The environment of a process with so many threads; it finds the same modules as this one."""
    places = [place or os.getcwd() for place in sys.path]
    return {
        **os.environ,
        **_SHARING,
        **dict.fromkeys(_THREADS, str(threads)),
        "PYTHONPATH": os.pathsep.join(places),
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3"),
    }


def run_jobs(jobs: Sequence[dict[str, Any]], processes: int, told: Callable[[Told], object]) -> None:
    """Do all jobs of `comparison_worker`; `told` is called in this thread. Ctrl-C ends every process at once."""
    waiting: queue.Queue[int] = queue.Queue()
    for place in range(len(jobs)):
        waiting.put(place)
    processes = max(1, min(processes, len(jobs)))
    threads = max(1, available_cores() // processes)
    news: queue.Queue[Told | BaseException] = queue.Queue()
    workers = [_Worker(threads) for _ in range(processes)]
    with _serving(workers, lambda worker: _serve(worker, jobs, waiting, news.put)):
        left = len(jobs)
        while left:
            said = news.get()
            if isinstance(said, BaseException):
                raise said
            told(said)
            left -= said.over


class _Worker:
    """One process at a time; a new one where the last has died."""

    def __init__(self, threads: int):
        self.threads = threads
        self.process: subprocess.Popen[str] | None = None
        self.errors: Any = None
        self.closed = False
        self.lock = threading.Lock()

    def do(self, job: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Give it a job, and pass on what it tells until that is done; a last word without "done" is its death."""
        process = self._started()
        if process is None:
            return
        given: Any = process.stdin
        heard: Any = process.stdout
        try:
            given.write(json.dumps(job) + "\n")
            given.flush()
        except BrokenPipeError:
            return
        for line in heard:
            words = json.loads(line)
            yield words
            if "done" in words:
                return

    def last_words(self) -> str:
        """How the process ended, and the end of what it wrote to standard error."""
        if self.process is None:
            return "The process could not be started."
        code = self.process.wait()
        self.errors.seek(0)
        text = self.errors.read().decode(errors="replace").strip()[-_LAST_WORDS:]
        self.release()
        killed = "It may have needed more memory than there is: try fewer processes. " if code == -9 else ""
        return f"The process ended with exit code {code}. {killed}{text}".strip()

    def close(self) -> None:
        """End the process; what it was at is lost."""
        with self.lock:
            self.closed = True
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def release(self) -> None:
        """Close what led to a process that has ended."""
        if self.process is None:
            return
        for file in (self.process.stdin, self.process.stdout, self.errors):
            with suppress(BrokenPipeError):
                file.close()
        self.process = None

    def _started(self) -> "subprocess.Popen[str] | None":
        """The process, a new one where there is none; None after `close`, which another thread may call."""
        with self.lock:
            if self.process is None and not self.closed:
                self.errors = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as the process
                # In a session of its own: Ctrl-C comes to us alone, and we end it.
                self.process = subprocess.Popen(
                    [sys.executable, "-m", _WORKER],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self.errors,
                    text=True,
                    encoding="utf-8",
                    env=environment(self.threads),
                    start_new_session=True,
                )
            return self.process


@contextmanager
def _serving(workers: Sequence[_Worker], serve: Callable[[_Worker], object]) -> Iterator[None]:
    """A thread for each worker; at the end, whatever it is, no thread and no process is left."""
    threads = [threading.Thread(target=serve, args=(worker,), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.close()
        for thread in threads:
            thread.join()
        for worker in workers:
            worker.release()


def _serve(
    worker: _Worker, jobs: Sequence[dict[str, Any]], waiting: "queue.Queue[int]", say: Callable[[Any], object]
) -> None:
    """Let one worker do jobs until none is left."""
    try:
        while not worker.closed:
            try:
                place = waiting.get_nowait()
            except queue.Empty:
                return
            done = False
            for words in worker.do(jobs[place]):
                done = "done" in words
                say(Told(place, words.get("share", 1.0), done))
            if not done and not worker.closed:
                say(Told(place, over=True, problem=worker.last_words()))
    except BaseException as error:  # told to the thread that waits
        say(error)
