"""The path to Claude: a caller's request in, Claude's answer out, metered on the way.

A request goes from `api` (or `openai`) by way of `claude_request`, which reads it, to `completions` (one answer) or
`streaming` (a stream, and what becomes of it when its client leaves), and by `claude` to Anthropic.

- Before the call: `input_bound`, `input_kinds` and `input_count` bound the input it may be billed for; `price_rules`
  and `betas` refuse what changes the price.
- On the way back: `usage` reads Claude's figures; `sse` and `stream_meter` read a stream's events; `partial_output` and
  `output_count` count an answer that has no figures; `served_as_sold` checks that Claude served it as it is sold.
- Shapes: `answers`, `plain_chat`, `model_list`, `rate_headers`, and `openai` for OpenAI's.
"""
