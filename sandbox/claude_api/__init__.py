"""A stand-alone Claude over HTTP: Messages, token counting and models, strict, deterministic and offline.

It answers as Claude's API does (shapes, headers, errors, events, prompt caching), says pleasant nonsense, and keeps a
ledger of what it served. It imports no SDK and no application. `docs/sandbox-claude.md` is its manual.

A prompt steers its answer with one directive, in any text of the last user message or (with less weight) of the system
prompt:

    directive := "[[usage" item* "]]"
    item      := whitespace (flag | name "=" value | name '="' quoted '"')       quoted: JSON string escapes

| Item | Means |
|---|---|
| `input= cache_read= cache_write_5m= cache_write_1h=` | so many input tokens; one given, other classes are 0 |
| `output=` | so many output tokens, thinking included (never more than `max_tokens`) |
| `thinking=` | a thinking block of that many tokens |
| `text="..."` | the visible text |
| `chunks=` | deltas in each content block of a stream |
| `tool_calls=` | calls of a tool that the request offers |
| `web_search=` | searches that Claude runs itself, in the answer and in `server_tool_use` |
| `stop=` | the stop reason (`tool_use` calls a tool) |
| `no_split` | usage without the 5-minute / 1-hour split of cache writes |
| `bare_delta` | `message_delta` with `output_tokens` alone |
| `error= error_type= message= retry_after_s=` | fail with that HTTP status |
| `error_after=` | after so many events of a stream an `error` event (529, or `error=`); else at once |
| `drop_after=` | after so many events close the connection (without a stream: in the middle of the body) |
| `stall_after=` | after so many events fall silent (without a stream: before the answer) |
| `delay_ms= chunk_delay_ms=` | wait before the answer; between two events |

Anything else in a directive is a 400 that says so.
"""
