"""``sensorium export``: a library as data for other tools."""

from __future__ import annotations

import sys

import click

from sensorium.interfaces.cli.terminal.console import (
    EXIT_SOME_FAILED,
    echo_json,
    json_option,
    painted,
)


@click.command()
@click.argument("library")
@click.option("--out", required=True, metavar="FOLDER", help="The data: new or empty.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("parquet", "webdataset")),
    default="parquet",
    show_default=True,
    help="A folder for datasets, DuckDB and Polars, or tar shards.",
)
@click.option("--table", "tables", multiple=True, help="Only this table; repeatable; else all.")
@click.option("--feature", "features", multiple=True, help="Only this feature; repeatable.")
@click.option("--no-features", is_flag=True, help="Tables alone.")
@click.option("--originals", is_flag=True, help="The files themselves, too (webdataset).")
@click.option("--shard-mb", default=256.0, show_default=True, help="Size of a file, about.")
@json_option("Print one JSON summary on stdout.")
def export(
    library: str,
    out: str,
    form: str,
    tables: tuple[str, ...],
    features: tuple[str, ...],
    no_features: bool,
    **choices: float,
) -> None:
    """Write tables and features of a library for other tools.

    \b
    Exit codes: 0 all done; 2 wrong usage; 3 done, but some files were left out.
    """
    from sensorium.learn.data_out import TABLES, export_library

    told = export_library(
        library,
        out,
        form,
        tables or TABLES,
        () if no_features else features or None,
        bool(choices["originals"]),
        round(choices["shard_mb"] * 1e6),
    )
    left_out = told.get("left_out", {})
    if choices["as_json"]:
        echo_json(told)
    elif form == "parquet":
        click.echo(f"{out}: " + ", ".join(f"{num} {name}" for name, num in told["rows"].items()))
    else:
        click.echo(f"{out}: {told['files']} files in {told['shards']} shards")
        for uri, why in left_out.items():
            click.echo(painted(f"left out  {uri}  {why}", "warning"), err=True)
    sys.exit(EXIT_SOME_FAILED if left_out else 0)
