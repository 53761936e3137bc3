"""The command line: ``wis``, or ``python -m experiments``."""

import sys


def run() -> None:
    """Run the command line; Ctrl-C while it is being loaded ends it as quietly as later."""
    try:
        from wis.cli import app

        app(prog_name="wis")
    except KeyboardInterrupt:
        sys.stderr.write("\nwis: stopped\n")
        sys.exit(130)


if __name__ == "__main__":
    run()
