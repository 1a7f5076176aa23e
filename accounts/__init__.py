"""People, the organizations they belong to, and the keys that call in an organization's name.

Keys: `api_keys` makes and revokes them, `key_headers` finds the caller of a request, and `key_memory` remembers keys in
each process. The terms of a key (its models, its cap) are billing's: `billing.keys`. Access: `organizations` and
`members` hold the roles, `invitations` offer membership, `recent_sign_in` asks for the password again, and
`pages.access` opens a page to members.
"""
