"""Uses the `openai` package as its users do, and prints what came of it as JSON. Runs in the package's environment."""

import json
import sys
import urllib.request

import openai

job = json.loads(sys.argv[1])
client = openai.OpenAI(base_url=f"{job['url']}/v1", api_key=job["key"], max_retries=0)
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}


def say(text):
    return [{"role": "user", "content": text}]


def ask(text, *, using=client, model=job["model"], **fields):
    return using.chat.completions.create(model=model, messages=say(text), **fields)


def told(completion):
    choice, usage = completion.choices[0], completion.usage
    tokens = [usage.prompt_tokens, usage.completion_tokens]
    return {"text": choice.message.content or "", "stop": choice.finish_reason, "tokens": tokens}


def create():
    completion = ask(job["prompt"])
    return told(completion) | {"request_id": completion._request_id.startswith("req_")}


def stream():
    chunks = list(ask(job["prompt"], stream=True, stream_options={"include_usage": True}))
    pieces = [piece for chunk in chunks if chunk.choices and (piece := chunk.choices[0].delta.content)]
    stop = next(chunk.choices[0].finish_reason for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason)
    usage = chunks[-1].usage
    tokens = [usage.prompt_tokens, usage.completion_tokens]
    return {"text": "".join(pieces), "stop": stop, "tokens": tokens, "pieces": len(pieces)}


def cost():
    asked = {"model": job["model"], "messages": say(job["prompt"])}
    plain = client.chat.completions.with_raw_response.create(**asked).headers["rgent-cost"]
    streamed = client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    return [plain, list(streamed)[-1].rgent_cost]


def tools():
    first = ask("[[usage tool_calls=1]]", tools=[WEATHER])
    call = first.choices[0].message.tool_calls[0]
    turns = [
        *say(job["prompt"]),
        first.choices[0].message,
        {"role": "tool", "tool_call_id": call.id, "content": "Sunny"},
        *say(job["prompt"]),
    ]
    last = client.chat.completions.create(model=job["model"], messages=turns, tools=[WEATHER])
    return {"stop": first.choices[0].finish_reason, "tool": call.function.name, "answer": told(last)}


def stream_tools():
    names, arguments, stop = "", "", None
    for chunk in ask("[[usage tool_calls=1]]", tools=[WEATHER], stream=True):
        for call in (chunk.choices and chunk.choices[0].delta.tool_calls) or []:
            names, arguments = names + (call.function.name or ""), arguments + (call.function.arguments or "")
        stop = (chunk.choices and chunk.choices[0].finish_reason) or stop
    return {"stop": stop, "tool": names, "arguments": isinstance(json.loads(arguments), dict)}


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
    except openai.APIStatusError as error:
        return [type(error).__name__, error.status_code, error.type, bool(error.request_id)]
    return "no error"


answers = {case.__name__: case() for case in (create, stream, cost, tools, stream_tools, models, retries)}
answers["errors"] = {name: error(wanted) for name, wanted in job["errors"].items()}
answers["version"] = openai.__version__
print(json.dumps(answers))
