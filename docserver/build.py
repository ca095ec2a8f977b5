"""Makes the folder that is copied to the Windows machine: a wheel of docserver and of the protocol as it is here.

    python -m docserver.build [FOLDER]        default: dist/docserver

The protocol's modules are taken from pw_pipelines, so there is no second copy to keep. The same sources make the same
bytes; the wheel's version ends in their digest.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OWN = ("__init__", "__main__", "settings", "single", "word", "windows", "doctor")
PROTOCOL = (
    "__init__", "errors", "documents/__init__", "documents/docserver", "documents/jobs", "documents/pdf",
    "documents/word_worker", "documents/office", "documents/office_server",
)  # fmt: skip
NEEDS = ("obstore>=0.8", 'pywin32>=306; platform_system == "Windows"')
_THEN = (1980, 1, 1, 0, 0, 0)


def build(target: Path) -> Path:
    """Writes the folder anew, but for docserver.toml and what else is a person's. Returns the wheel."""
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("pw_docserver-*.whl"):
        old.unlink()
    for file in sorted((ROOT / "docserver" / "install").iterdir()):
        shutil.copyfile(file, target / file.name)
    files = {f"docserver/{name}.py": ROOT / "docserver" / f"{name}.py" for name in OWN}
    files |= {f"pw_pipelines/{name}.py": ROOT / "pw_pipelines" / f"{name}.py" for name in PROTOCOL}
    contents = {name: path.read_bytes() for name, path in sorted(files.items())}
    digest = hashlib.sha256(b"".join(name.encode() + b"\0" + content for name, content in contents.items()))
    number = f"0.1.0+{digest.hexdigest()[:12]}"
    about = f"pw_docserver-{number}.dist-info"
    contents[f"{about}/METADATA"] = "\n".join(
        ["Metadata-Version: 2.1", "Name: pw-docserver", f"Version: {number}", "Requires-Python: >=3.11",
         *(f"Requires-Dist: {need}" for need in NEEDS), ""]
    ).encode()  # fmt: skip
    contents[f"{about}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: docserver\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    lines = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in contents.items()]
    contents[f"{about}/RECORD"] = "\n".join([*lines, f"{about}/RECORD,,", ""]).encode()
    wheel = target / f"pw_docserver-{number}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name, _THEN), content, zipfile.ZIP_DEFLATED)
    return wheel


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


if __name__ == "__main__":
    sys.stdout.write(f"{build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / 'dist' / 'docserver')}\n")
