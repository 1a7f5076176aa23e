"""The laptop mode: the product without Redis, keys or a mail server.

`supervisor` starts and ends the processes of `./run`: `processes` knows how each is started, `guarded` ends each with
the supervisor, `state_lock` keeps VAR_DIR for one supervisor, `database` migrates. `file_broker` carries Celery's
messages in files, `demo` makes the first customer, and `mailbox` shows the mail that was sent.
"""
