"""Uses the `anthropic` package as its users do, and prints what came of it as JSON. Runs in the package's environment.

Works with every version: the JSON of its one argument tells it all.
"""

import json
import sys
import urllib.request

import anthropic

job = json.loads(sys.argv[1])
client = anthropic.Anthropic(base_url=job["url"], api_key=job["key"], max_retries=0)
WEATHER = {
    "name": "get_weather",
    "description": "Tell the weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def say(text):
    return [{"role": "user", "content": text}]


def ask(text, *, using=client, model=job["model"], **fields):
    return using.messages.create(model=model, max_tokens=500, messages=say(text), **fields)


def told(message):
    texts = [block.text for block in message.content if block.type == "text"]
    usage = message.usage
    return {"text": "".join(texts), "stop": message.stop_reason, "tokens": [usage.input_tokens, usage.output_tokens]}


def create():
    message = ask(job["prompt"])
    return told(message) | {"request_id": message._request_id.startswith("req_")}


def stream():
    with client.messages.stream(model=job["model"], max_tokens=500, messages=say(job["prompt"])) as events:
        pieces = list(events.text_stream)
        return told(events.get_final_message()) | {"pieces": len(pieces)}


def cost():
    asked = {"model": job["model"], "max_tokens": 500, "messages": say(job["prompt"])}
    plain = client.messages.with_raw_response.create(**asked).headers["rgent-cost"]
    last = list(client.messages.create(**asked, stream=True))[-1]
    return [plain, last.rgent_cost]


def tools():
    first = ask("[[usage tool_calls=1]]", tools=[WEATHER])
    call = next(block for block in first.content if block.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "Sunny"}
    turns = [
        *say("What is the weather?"),
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [result, {"type": "text", "text": job["prompt"]}]},
    ]
    last = client.messages.create(model=job["model"], max_tokens=500, messages=turns, tools=[WEATHER])
    return {"stop": first.stop_reason, "tool": call.name, "answer": told(last)}


def stream_tools():
    asked = {"model": job["model"], "max_tokens": 500, "tools": [WEATHER]}
    with client.messages.stream(messages=say("[[usage tool_calls=1]]"), **asked) as events:
        message = events.get_final_message()
    call = next(block for block in message.content if block.type == "tool_use")
    return {"stop": message.stop_reason, "tool": call.name, "arguments": isinstance(call.input, dict)}


def count():
    return client.messages.count_tokens(model=job["model"], messages=say("Hello world")).input_tokens


def models():
    return [[model.id for model in client.models.list()], client.models.retrieve(job["model"]).id]


def retries():
    """Claude fails until the server gives up on it; the client's second try is answered."""
    order = urllib.request.Request(job["faults_url"], json.dumps(job["fault"]).encode(), method="POST")
    urllib.request.urlopen(order).close()
    return told(ask(job["prompt"], using=client.with_options(max_retries=2)))


def error(wanted):
    text = "x" * wanted["bytes"] if "bytes" in wanted else wanted["prompt"]
    try:
        ask(text, using=client.with_options(api_key=wanted["key"]), model=wanted["model"])
    except anthropic.APIStatusError as error:
        kind = error.body["error"]["type"] if isinstance(error.body, dict) else error.body
        return [type(error).__name__, error.status_code, kind, bool(error.request_id)]
    return "no error"


answers = {case.__name__: case() for case in (create, stream, cost, tools, stream_tools, count, models, retries)}
answers["errors"] = {name: error(wanted) for name, wanted in job["errors"].items()}
answers["version"] = anthropic.__version__
print(json.dumps(answers))
