"""The world of tests/real, for what is asked about single calls."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "real"))
