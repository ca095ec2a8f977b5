"""Peak memory of reading a whole Form 499 file of the real size."""

from __future__ import annotations

from pathlib import Path

from pw_pipelines.bench.measure import Measure, at_most, in_fresh_process

GOAL_MB = 300.0
REAL_SIZE_BYTES = 63_800_000  # the file of 21 July 2026: 63.8 MB, 20,669 filers

# VmHWM, not getrusage: the latter keeps the peak of the process that started this one.
_OURS = r"""
import re, sys
from pw_pipelines.sources.registry import reader
from pw_pipelines.sources.report import ReadReport
report = ReadReport()
with open(sys.argv[1], "rb") as raw:
    rows = sum(1 for _ in reader("fcc_form499")(raw, report))
assert rows == report.rows > 0
print(int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) / 1024)
"""

_WHOLE_TREE = r"""
import re, sys
from xml.etree import ElementTree
tree = ElementTree.parse(sys.argv[1])
assert len(tree.getroot()) > 0
print(int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) / 1024)
"""


def form499_peak(xml: Path) -> Measure:
    """Peak resident MiB of reading `xml` as a stream, against the standard library's whole tree."""
    size = xml.stat().st_size
    if size < REAL_SIZE_BYTES:
        raise ValueError(f"{xml} has {size} bytes; the measure wants the real size, {REAL_SIZE_BYTES}.")
    return at_most(
        "form499_xml_peak_memory",
        in_fresh_process(_OURS, str(xml)),
        "MiB",
        goal=GOAL_MB,
        peer=in_fresh_process(_WHOLE_TREE, str(xml)),
        peer_is=f"xml.etree.ElementTree.parse of the same {size / 1e6:.1f} MB",
    )
