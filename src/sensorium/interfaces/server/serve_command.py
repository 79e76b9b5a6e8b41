"""``sensorium serve``: a library and its models over HTTP."""

from __future__ import annotations

import ipaddress
import logging
import secrets
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from sensorium.core.config import Config
from sensorium.core.errors import MissingDependencyError, UsageError
from sensorium.core.limits import Fence

_NEEDS = ("fastapi", "uvicorn", "python_multipart", "websockets")
_LEAST_TOKEN = 16  # characters


@click.command()
@click.argument("library")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address; any other needs a token."
)
@click.option("--port", default=8000, show_default=True, help="0 takes a free one.")
@click.option(
    "--token",
    envvar="SENSORIUM_TOKEN",
    help="What clients must know; else made and printed, if --host is not this machine alone.",
)
@click.option(
    "--allow-host", multiple=True, metavar="NAME", help="A name of this server; repeatable."
)
@click.option(
    "--allow-extract",
    multiple=True,
    metavar="FOLDER",
    help="Jobs may name files of this folder; repeatable. Else files are uploaded only.",
)
@click.option(
    "--transcriber", default=Config().speech.transcriber, show_default=True, help="Model."
)
@click.option(
    "--image-encoder", default=Config().pictures.image_encoder, show_default=True, help="Model."
)
@click.option(
    "--sound-encoder", default=Config().sound.sound_encoder, show_default=True, help="Model."
)
@click.option("--threads", default=1, show_default=True, help="Of each model.")
@click.option("--copies", default=1, show_default=True, help="Of each model, to work side by side.")
@click.option("--max-upload", default=500.0, show_default=True, help="Megabytes of a request.")
@click.option("--max-seconds", default=14_400.0, show_default=True, help="Of sound in a request.")
@click.option(
    "--request-seconds", default=900.0, show_default=True, help="That a request may take."
)
@click.option(
    "--running", default=2, show_default=True, help="Requests that are computed at a time."
)
@click.option(
    "--waiting", default=8, show_default=True, help="Requests that may wait; more get 429."
)
@click.option("--live", default=8, show_default=True, help="Clients of /v1/listen at a time.")
@click.option(
    "--fence/--no-fence", default=True, show_default=True, help="A fence around clients' files."
)
@click.option(
    "--grace", default=30.0, show_default=True, help="Seconds for what is under way at the end."
)
def serve(library: str, **options: Any) -> None:
    """Serve LIBRARY: OpenAI's audio and embedding endpoints, live sound, jobs for files.

    \b
    Needs: pip install "sensorium[serve]"; endpoints and clients: docs/server.md
      sensorium serve library/
      sensorium serve library/ --host 0.0.0.0 --allow-extract /recordings
    """
    if missing := [name for name in _NEEDS if find_spec(name) is None]:
        raise MissingDependencyError(
            f'sensorium serve: needs {", ".join(missing)}, not installed; pip install "sensorium[serve]"'
        )
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)
    logging.getLogger("sensorium.serve").setLevel(logging.INFO)
    _serve(library, options.pop("host"), options.pop("port"), options.pop("token"), options)


def _serve(library: str, host: str, port: int, token: str | None, options: dict[str, Any]) -> None:
    import asyncio

    from sensorium.adapters.fencing.decoders import Decoders
    from sensorium.interfaces.server.http_app import Serving, listening, service
    from sensorium.interfaces.server.shared_models import SharedModels

    token, made = token_for(host, token)
    models = ("transcriber", "image_encoder", "sound_encoder")
    config = Config.flat(**{name: options.pop(name) for name in models})
    shared = SharedModels(config, options.pop("threads"), options.pop("copies"))
    names = (*options.pop("allow_host"), *(() if _address(host) else (host,)))
    settings = _settings(token, names, options)
    try:
        bound = listening(host, port)
    except OSError as error:
        raise UsageError(f"{host}:{port}: cannot be listened on ({error.strerror})") from None

    decoders = Decoders() if settings.fence else None
    if decoders is not None:
        threading.Thread(target=decoders.warm, daemon=True).start()

    async def main() -> None:
        serving = Serving(service(library, shared, settings, decoders))
        place = f"[{host}]" if ":" in host else host
        click.echo(f"http://{place}:{bound.getsockname()[1]}", err=True)
        if made:
            click.echo(f"token: {token}", err=True)
        await serving.serve([bound])

    with bound:
        try:
            asyncio.run(main())
        finally:
            if decoders is not None:
                decoders.close()


def _settings(token: str, names: tuple[str, ...], options: dict[str, Any]) -> Any:
    from dataclasses import replace

    from sensorium.interfaces.server.entrance import Settings

    folders = tuple(Path(each).expanduser().resolve() for each in options.pop("allow_extract"))
    if missing := [str(each) for each in folders if not each.is_dir()]:
        raise UsageError(f"--allow-extract: expected a folder, got {missing[0]}")
    limits = replace(Settings().limits, max_seconds=options.pop("max_seconds"))
    most = round(options.pop("max_upload") * 1e6)
    options["fence"] = Fence() if options["fence"] else None
    return Settings(
        token=token, hosts=names, extract_from=folders, max_upload=most, limits=limits, **options
    )


def token_for(host: str, token: str | None) -> tuple[str, bool]:
    """(token, whether it was made here): none is needed where nobody but this machine can ask.

    Raises:
        UsageError: a token that can be guessed.
    """
    if token and (len(token) < _LEAST_TOKEN or not token.isascii() or not token.isprintable()):
        raise UsageError(f"--token: expected {_LEAST_TOKEN} printable ASCII characters or more")
    address = _address(host)
    alone = host == "localhost" or (address is not None and address.is_loopback)
    if token or alone:
        return token or "", False
    return secrets.token_urlsafe(24), True


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
