"""`POST /v1/chat/completions`: Claude in OpenAI's shape, for clients that speak nothing else.

Requests are translated into Claude's and metered like any other; Claude's answers are translated back. Each field is
honoured, ignored (it cannot make an answer wrong), or refused with a 400 (Claude lacks the feature). `fields.py`
holds the three lists, docs/openai.md documents them, and decision 0011 says why.
"""
