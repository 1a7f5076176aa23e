"""Mail to the people of an organization: a notice for each event, told once, and its mails.

Each module of an event, such as `prices`, writes its notice inside the caller's transaction and composes the letter.
`sending` mails what is due; `kinds` says which kinds people may turn off.
"""
