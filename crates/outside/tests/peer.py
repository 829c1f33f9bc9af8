"""A mail server (aiosmtpd) for one test: keeps letters as files, and refuses what its recipient's name asks for.

Usage: peer.py FOLDER [CERTIFICATE KEY]. Prints its port; ends when standard input does.
"""
import asyncio
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Keep:
    def __init__(self, folder):
        self.folder, self.count = folder, 0

    async def handle_MAIL(self, server, session, envelope, address, options):
        # As submission servers do: whoever signs in writes in a name of theirs.
        if address in ("", "<>") and session.auth_data is not None and session.auth_data.login == b"strict":
            return "553 5.7.1 <>: sender address rejected: not owned by user strict"
        envelope.mail_from = address
        return "250 2.1.0 ok"

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name == "later":
            return "450 4.2.1 mailbox busy, try again"
        if name == "nobody":
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        name = envelope.rcpt_tos[0].split("@")[0]
        if name == "full":
            return "452 4.3.1 out of storage"
        if name == "spam":
            return "554 5.7.1 not wanted here"
        self.count += 1
        head = f"{session.peer[1]} {envelope.mail_from or '<>'} {','.join(envelope.rcpt_tos)}\n".encode()
        (self.folder / f"{self.count:04}").write_bytes(head + envelope.original_content)
        return "250 2.0.0 kept"


def sign_in(server, session, envelope, mechanism, data):
    # Not handled here: the server itself says 535.
    known = data.login in (b"desk", b"strict") and data.password == b"secret"
    return AuthResult(success=known, handled=False, auth_data=data)


async def main():
    folder = pathlib.Path(sys.argv[1])
    tls = None
    if len(sys.argv) > 2:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(sys.argv[2], sys.argv[3])
    keep = Keep(folder)

    def session():
        return SMTP(keep, hostname="peer.test", tls_context=tls, require_starttls=tls is not None,
                    authenticator=sign_in, auth_require_tls=tls is not None, enable_SMTPUTF8=True)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
