"""A new command: ``sensorium count LIBRARY``, how much each speaker says.

In the house it is one file in interfaces/cli/, a line in interfaces/cli/main.py, and its section in
docs/cli.md. It parses, calls one function and prints.

    python examples/new_command.py count LIBRARY
"""

import click

from sensorium.interfaces.cli.main import main


@main.command()
@click.argument("library")
def count(library: str) -> None:
    """How many words each speaker says, file by file."""
    import sensorium as sm  # heavy imports stand inside, so that --help answers at once

    words = sm.open(library).words().groupby(["uri", "speaker"], dropna=False).size()
    for (uri, speaker), number in words.items():
        click.echo(f"{number:6}  {speaker if isinstance(speaker, str) else '-'}  {uri}")


if __name__ == "__main__":
    main()
