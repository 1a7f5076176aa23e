"""An API client of the plainest kind: JSON over HTTP, with a key."""

import json
import urllib.request
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

from tests.flows.wire import TIMEOUT_S, Answer, send_json

HAIKU = "claude-haiku-5-5"


def using(*, input_tokens: int, output_tokens: int, **more: int) -> str:
    """Return a prompt that the sandbox's Claude answers with exactly this usage."""
    asked = {"input": input_tokens, "output": output_tokens, **more}
    return f"[[usage {' '.join(f'{name}={value}' for name, value in asked.items())}]]"


@dataclass(frozen=True)
class Client:
    """Calls the API with one key."""

    url: str
    key: str

    def chat(self, prompt: str = "Hello world", **fields: Any) -> Answer:
        """Call `POST /chat` in the guide's way: the key in the body."""
        return send_json("POST", f"{self.url}/chat", {"access_code": self.key, "prompt": prompt, **fields})

    def messages(self, prompt: str = "Hello world", *, model: str = HAIKU, **fields: Any) -> Answer:
        """Call `POST /v1/messages` in Anthropic's way."""
        headers = {"authorization": f"Bearer {self.key}"}
        return send_json("POST", f"{self.url}/v1/messages", message(prompt, model=model, **fields), headers=headers)

    def stream(self, prompt: str = "Hello world", *, model: str = HAIKU, **fields: Any) -> HTTPResponse:
        """Begin a streaming call; the caller reads and closes. Raises urllib's HTTPError for a refusal."""
        request = urllib.request.Request(
            f"{self.url}/v1/messages",
            data=json.dumps(message(prompt, model=model, stream=True, **fields)).encode(),
            headers={"authorization": f"Bearer {self.key}", "content-type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        response: HTTPResponse = opener.open(request, timeout=TIMEOUT_S)
        return response


def message(prompt: str, *, model: str = HAIKU, **fields: Any) -> dict[str, Any]:
    """Return a body of `POST /v1/messages`."""
    messages = [{"role": "user", "content": prompt}]
    return {"model": model, "max_tokens": 10_000, "messages": messages, **fields}
