"""A process of its own for each side of a comparison: one side's threads and memory do not disturb the other's."""

import json
import subprocess
from typing import Any


class Worker:
    """Another process, which answers one line of JSON for each line that it is asked."""

    def __init__(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.state = self._answer()

    def ask(self, *task: Any) -> Any:
        print(json.dumps(task), file=self.process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Any:
        return json.loads(self.process.stdout.readline() or '"the process ended early"')

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()
