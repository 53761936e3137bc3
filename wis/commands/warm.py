"""``wis warm``."""

from __future__ import annotations

import time

import typer


def warm() -> None:
    """Compile all kernels now, so that nobody waits for them later: two or three minutes once.

    They are kept in your cache folder, or in the folder NUMBA_CACHE_DIR. For
    a container, set it in the image, run this while the image is built, and
    keep it set.

    [bold]Example[/bold]

      NUMBA_CACHE_DIR=/opt/wis-kernels wis warm
    """
    from wis import warm as kernels

    typer.echo("Compiling takes two or three minutes the first time; what is there is not done again.", err=True)
    start = time.perf_counter()
    warmed = kernels.warm(progress=True)
    for name, reason in warmed.skipped.items():
        typer.echo(f"not compiled: {name}: {reason}", err=True)
    left = f", {len(warmed.skipped)} are not" if warmed.skipped else ""
    typer.echo(f"{warmed.ready} forms are ready{left}, in {time.perf_counter() - start:.0f} s")
