"""Pages of the chat: conversations, what is sent from them, what comes back, and the owner's switch.

`chat.urls` routes to them; `access` says who has the page and whose a conversation is.
"""
