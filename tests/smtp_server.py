"""A mail server on a socket, as strict as a test needs: it takes mail, or refuses an address as real ones do."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class SmtpServer:
    """`refuses` maps an address to the server's words, such as `550 5.1.1 no such user`; `accepted` are whole mails."""

    refuses: dict[str, str] = field(default_factory=dict)
    accepted: list[str] = field(default_factory=list)
    port: int = 0

    def set_up(self, settings: Any) -> None:
        """Have Django send its mail here."""
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", self.port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""


@contextmanager
def smtp_server() -> Iterator[SmtpServer]:
    """Run a mail server in a thread."""
    state = SmtpServer()

    class Session(socketserver.StreamRequestHandler):
        """One connection (https://www.rfc-editor.org/rfc/rfc5321)."""

        def handle(self) -> None:
            self.say("220 test")
            while line := self.rfile.readline().decode().strip():
                verb, _, rest = line.partition(" ")
                if verb.upper() == "RCPT":
                    address = rest.partition("<")[2].partition(">")[0]
                    self.say(state.refuses.get(address, "250 ok"))
                elif verb.upper() == "DATA":
                    self.say("354 go on")
                    state.accepted.append(self.read_mail())
                    self.say("250 taken")
                else:
                    self.say("221 bye" if verb.upper() == "QUIT" else "250 ok")

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def read_mail(self) -> str:
            lines = iter(self.rfile.readline, b".\r\n")
            return b"".join(lines).decode()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        state.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield state
        server.shutdown()
