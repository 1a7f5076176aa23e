"""Conversations of the chat page: Claude in the browser, on the same path as the API.

From the page to Claude: `writing` puts questions and answers into the tree, `requests` makes the request of a branch,
`answering` asks it (by `chat.completions` and `chat.streaming`, as the API does) and writes the answer down as it
comes, `following` tells pages of it. For reading: `tree`, `showing`, `costs`, `estimates`, `history`, `exports`,
`code`. `markdown` typesets answers; `failures` names what went wrong; `switches` says who has the page; `attachments`
reads files.
"""
