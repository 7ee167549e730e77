"""`gilscope replay`: a recorded run on its page, to be played again."""

from __future__ import annotations

import os

from app.cli.kept import RunOrFile, asked
from app.cli.serve import Host, InsecureHttp, OpenBrowser, Port, TlsCert, TlsKey, start
from app.runs.archive import Archive
from app.runs.settings import Settings


def replay(
    run: RunOrFile,
    host: Host = "127.0.0.1",
    port: Port = 0,
    open_browser: OpenBrowser = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    insecure_http: InsecureHttp = False,
) -> None:
    """Start a dashboard on a recorded run, and print its address; a file is imported first."""

    is_file = os.path.exists(run)

    async def found(archive: Archive) -> str:
        if is_file:
            return (await archive.import_file(run, known=True)).id
        return (await archive.get(await archive.resolve(run))).id

    settings = Settings.load(tls_cert=tls_cert, tls_key=tls_key, insecure_http=insecure_http or None)
    start(settings, host, port, open_browser, page=f"/runs/{asked(found)}")
