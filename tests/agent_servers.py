"""A model that does what it is told, with OpenAI's interface, and a search server with SearXNG's JSON."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

from small_server import reply


def answer(name, *quotes):
    evidence = [{"quote": quote, "url": url} for quote, url in quotes]
    return ("answer", {"name": name, "evidence": evidence, "reason": "as it seems"})


def quoted(page):
    return page["content"], page["url"]


def model(*steps):
    """A model that does these steps, the last of them for ever; `asked` holds what it was sent."""
    asked = []

    def respond(handler):
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        step = steps[min(len(asked), len(steps) - 1)]
        asked.append(body)
        if callable(step):
            step(handler)
            return
        name, given = step
        if name == "answer":
            name = next(
                tool["function"]["name"]
                for tool in body["tools"]
                if "evidence" in tool["function"]["parameters"]["properties"]
            )
        text = given if isinstance(given, str) else json.dumps(given)
        call = {
            "id": str(len(asked)),
            "type": "function",
            "function": {"name": name, "arguments": text},
        }
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        about = {"id": "x", "object": "chat.completion", "created": 1, "model": "small"}
        reply(handler, {**about, "choices": [choice], "usage": usage})

    respond.asked = asked
    return respond


def engine(*pages):
    """A search server of our own that speaks SearXNG's JSON."""
    asked = []

    def respond(handler):
        query = parse_qs(urlsplit(handler.path).query)
        assert query["format"] == ["json"]
        asked.append(query["q"][0])
        reply(handler, {"results": list(pages)})

    respond.asked = asked
    return respond
