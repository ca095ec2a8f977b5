"""The forced command of the stand-in off-site machine's only key: rsync and sha256sum below one folder, and removing
single files of a backup set and its empty folder there; nothing else.

Run by sshd as `python -I offsite_door.py FOLDER` with the client's wish in SSH_ORIGINAL_COMMAND; imports nothing of the
project, so that it starts at once.
"""

import os
import re
import shlex
import sys
from pathlib import Path

ALLOWED = ("rsync --server …", "sha256sum [--] FILE…", "rm -f -- FILE… of a set", "rmdir -- FOLDER… of sets")
# <subject>/<set>/<file>, if need be below one more folder: never the pool, never the journal, never a folder.
_SET = r"(?:[A-Za-z0-9_-]+/)?(?:postgres|mariadb|objects|forgejo)/[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}"
_OF_A_SET = re.compile(_SET + r"/[A-Za-z0-9_][A-Za-z0-9._-]*")
_FOLDER_OF_A_SET = re.compile(_SET)


def refusal(words: list[str], root: Path) -> str | None:
    """Why these words are not run in `root`; None when they are."""
    if words[:2] == ["rsync", "--server"]:
        options = [word for word in words[2:] if word.startswith("-")]
        if any("=/" in one or ".." in one for one in options):
            return "an option of rsync leads out of the folder"
        paths = [word for word in words[2:] if not word.startswith("-")][1:]  # the first is rsync's own "."
    elif words[:1] == ["sha256sum"]:
        if any(word.startswith("-") and word not in ("--", "-b", "-z", "--zero") for word in words[1:]):
            return "sha256sum takes no options here"
        paths = [word for word in words[1:] if not word.startswith("-")]
    elif words[:3] == ["rm", "-f", "--"]:
        paths = words[3:]
        if any(not _is_of_a_set(path, root) for path in paths):
            return "only single files of a backup set are removed here"
    elif words[:2] == ["rmdir", "--"]:
        paths = words[2:]
        if any(not _is_of_a_set(path, root, _FOLDER_OF_A_SET) for path in paths):
            return "only folders of backup sets are removed here"
    else:
        return f"only {', '.join(ALLOWED)} are run here"
    outside = [path for path in paths if not (root / path).resolve().is_relative_to(root)]
    return f"{outside[0]} is outside of the folder" if outside else None


def _is_of_a_set(path: str, root: Path, what: re.Pattern[str] = _OF_A_SET) -> bool:
    whole = root / path
    return (
        ".." not in whole.parts
        and whole.is_relative_to(root)
        and what.fullmatch(str(whole.relative_to(root))) is not None
        and (what is _FOLDER_OF_A_SET or not whole.is_dir())
    )


def main() -> None:
    """Becomes the program that was asked for, in the folder; exit 126 and a sentence when it may not."""
    root = Path(sys.argv[1]).resolve()
    try:
        words = shlex.split(os.environ.get("SSH_ORIGINAL_COMMAND", ""))
    except ValueError:
        words = []
    why = refusal(words, root)
    if why is not None:
        sys.stderr.write(f"off-site: {why}.\n")
        raise SystemExit(126)
    os.chdir(root)
    os.execvp(words[0], words)  # noqa: S606 - the shell is what the door keeps out


if __name__ == "__main__":
    main()
