"""A PostgreSQL server of the run's own."""
import glob
import os
import pwd
import shutil
import signal
import subprocess
import time

import psycopg

from services import Service

SETTINGS = """
listen_addresses = '{address}'
port = {port}
unix_socket_directories = ''
max_connections = 60
shared_buffers = 64MB
# A machine that loses its power is no part of the run, and nothing else loses what the system's cache holds.
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
timezone = 'UTC'
log_line_prefix = '%m [%p] '
# The proxy would otherwise change numbers that nothing protects.
ssl = on
"""


def programs():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), key=lambda path: int(path.split("/")[4]))
    return os.path.dirname(found[-1]) if found else os.path.dirname(shutil.which("postgres") or "")


def make_certificate(path, name, account=()):
    """PATH.key and PATH.crt, which vouch for nobody but themselves."""
    subprocess.run(
        [*account, "openssl", "req", "-new", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", f"{path}.key", "-out", f"{path}.crt"],
        check=True, capture_output=True, cwd="/")
    os.chmod(f"{path}.key", 0o600)


class Database:
    """Started by `start`, at `address`; `inside` puts the words in front of a command that run it on its host."""

    def __init__(self, folder, address, environment, inside=lambda command: command, port=5432):
        self.folder, self.address, self.port = os.path.join(folder, "postgres"), address, port
        self.data = os.path.join(self.folder, "data")
        os.makedirs(self.folder, mode=0o700)
        # PostgreSQL refuses to run as root.
        self.account = []
        if os.geteuid() == 0:
            user = next(user for user in pwd.getpwall() if user.pw_name in ("postgres", "nobody") and user.pw_uid)
            self.account = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self.run("initdb", "-D", self.data, "-U", "alphagrid", "-E", "UTF8", "--locale=C", "--no-sync", "--auth=trust")
        make_certificate(os.path.join(self.data, "server"), "database", self.account)
        with open(os.path.join(self.data, "postgresql.auto.conf"), "a", encoding="utf-8") as file:
            file.write(SETTINGS.format(address=address, port=port))
        with open(os.path.join(self.data, "pg_hba.conf"), "w", encoding="utf-8") as file:
            file.write("hostssl all alphagrid samenet trust\nhostssl all alphagrid 127.0.0.1/32 trust\n")
        command = inside([*self.account, os.path.join(programs(), "postgres"), "-D", self.data])
        self.service = Service("database", command, os.path.join(folder, "database.log"), environment)

    def run(self, program, *words):
        done = subprocess.run([*self.account, os.path.join(programs(), program), *words], capture_output=True, text=True, cwd="/")
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stderr.strip()}")

    def url(self, address=None, name="alphagrid"):
        return f"postgresql://alphagrid@{address or self.address}:{self.port}/{name}?sslmode=require&gssencmode=disable"

    def connect(self, name="alphagrid"):
        return psycopg.connect(
            self.url(name=name), autocommit=True, connect_timeout=5, application_name="onlooker",
            options="-c statement_timeout=20000", tcp_user_timeout=5000)

    def start(self):
        self.service.start()
        deadline = time.monotonic() + 60
        while True:
            try:
                with self.connect("postgres") as connection:
                    return connection.execute("CREATE DATABASE alphagrid")
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def restart(self, immediately):
        """Ends it; the supervisor starts it again."""
        return self.service.send(signal.SIGQUIT if immediately else signal.SIGINT)
