"""What the tests of data share lies beside them as plain modules: `caption_files` and `file_server`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
