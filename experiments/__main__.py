"""The command line: ``wis``, or ``python -m experiments``."""

import sys

from wis.extras import needed_for


def run() -> None:
    """Run the command line; Ctrl-C while it is being loaded ends it as quietly as later."""
    try:
        with needed_for("the command line", "cli"):
            from wis.experiments.commands.app import app
        app(prog_name="wis")
    except ImportError as error:
        sys.exit(f"wis: error: {error}")
    except KeyboardInterrupt:
        sys.stderr.write("\nwis: stopped\n")
        sys.exit(130)


if __name__ == "__main__":
    run()
