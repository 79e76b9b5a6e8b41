"""``sensorium mcp``: a library as tools for an agent, by the Model Context Protocol."""

from __future__ import annotations

from importlib.util import find_spec

import click

from sensorium.core.errors import MissingDependencyError


@click.command()
@click.argument("library")
@click.option(
    "--allow-extract",
    multiple=True,
    metavar="FOLDER",
    help="The agent may add files of this folder to the library; repeatable. Else it only reads.",
)
@click.option(
    "--http",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="Streamable HTTP at http://127.0.0.1:PORT/mcp; else standard input and output.",
)
def mcp(library: str, allow_extract: tuple[str, ...], http: int | None) -> None:
    """Serve a library to an agent (MCP): files, transcripts, who appears, search, pictures.

    \b
    Needs: pip install "sensorium[mcp]"; how clients are told of it: docs/mcp.md
    """
    if find_spec("mcp") is None:
        raise MissingDependencyError(
            'sensorium mcp: needs the package mcp, not installed; pip install "sensorium[mcp]"'
        )
    from sensorium.interfaces.agent.library_tools import LibraryTools
    from sensorium.interfaces.agent.mcp_server import mcp_server
    from sensorium.library.library import open_library

    server = mcp_server(LibraryTools(open_library(library), allow_extract))
    if http is None:
        server.run("stdio")
        return
    click.echo(f"http://127.0.0.1:{http}/mcp", err=True)
    server.run("streamable-http", host="127.0.0.1", port=http)
