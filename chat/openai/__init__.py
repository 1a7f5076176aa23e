"""`POST /v1/chat/completions`: Claude in OpenAI's shape, for clients that speak nothing else.

What is asked is translated into a request of Claude's and metered as any other; what Claude answers is translated back.
A field is honoured, ignored (it cannot make an answer wrong), or refused with a 400 (an answer without it would not be
what was asked for). `fields.py` holds the three lists, docs/openai.md tells them to users, decision 0011 why.
"""
