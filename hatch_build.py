"""Compiles `pw_pipelines/native` when the package is installed; without a compiler it is installed all the same."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from Cython.Build import cythonize
from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from setuptools import Distribution, Extension
from setuptools.command.build_ext import build_ext

PACKAGE = "pw_pipelines.native"


class CompileNative(BuildHookInterface):
    """Puts the compiled modules beside their sources, where an installation from a checkout finds them too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        folder = Path(self.root, *PACKAGE.split("."))
        for stale in [*folder.glob("*.so"), *folder.glob("*.pyd")]:
            stale.unlink()
        try:
            self._compile(folder)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the compiler, plain Python does the same work
            print(f"{PACKAGE} is not compiled, so registers load more slowly: {error}", file=sys.stderr)  # noqa: T201
            return
        build_data["artifacts"] += [f"/{'/'.join(PACKAGE.split('.'))}/*.so", f"/{'/'.join(PACKAGE.split('.'))}/*.pyd"]
        build_data["pure_python"], build_data["infer_tag"] = False, True

    def _compile(self, folder: Path) -> None:
        flags = [] if sys.platform == "win32" else ["-O3"]
        with TemporaryDirectory() as scratch:
            modules = cythonize(
                [
                    Extension(f"{PACKAGE}.{source.stem}", [str(source)], extra_compile_args=flags)
                    for source in sorted(folder.glob("*.pyx"))
                ],
                build_dir=scratch,
                quiet=True,
            )
            command = build_ext(Distribution({"name": "pw-pipelines-native", "ext_modules": modules}))
            command.build_temp = command.build_lib = scratch
            command.ensure_finalized()
            command.run()
            for built in Path(scratch, *PACKAGE.split(".")).glob("*"):
                if built.suffix in (".so", ".pyd"):
                    (folder / built.name).write_bytes(built.read_bytes())
