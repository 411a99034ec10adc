"""A hub of this machine: as much of Hugging Face's HTTP interface as its client asks for to push and fetch a model.

Small files come in the commit, base64; those that the server calls "lfs" are uploaded on their own, and the commit
names their SHA-256. The storage xet is not played: a client is told HF_HUB_DISABLE_XET=1.
"""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN, SHA = "hf_of_a_test", "a" * 40


class Hub(ThreadingHTTPServer):
    """`files` of the one repository `name`, "" before it is made; `stored` by SHA-256; `asked` in order."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.name, self.files = "", dict[str, bytes]()
        self.stored, self.asked = dict[str, bytes](), list[str]()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def hub() -> Iterator[Hub]:
    """One that answers until the end of the block."""
    with Hub() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


class _Answers(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = self._body()
        if self.headers.get("authorization") != f"Bearer {TOKEN}":
            self._say({"error": "Invalid credentials in Authorization header"}, 401)
        elif self.path == "/api/repos/create":
            said = json.loads(body)
            self.server.name = f"{said['organization']}/{said['name']}"
            self._say({"url": f"{self.server.address}/{self.server.name}"})
        elif self.path == "/api/validate-yaml":
            self._say({"errors": [], "warnings": []})
        elif self.path == f"/api/models/{self.server.name}/preupload/main":
            self._say({"files": [self._mode(each["path"]) for each in json.loads(body)["files"]]})
        elif self.path == f"/{self.server.name}.git/info/lfs/objects/batch":
            self._say({"transfer": "basic", "objects": [self._place(each) for each in json.loads(body)["objects"]]})
        elif self.path == f"/api/models/{self.server.name}/commit/main":
            self._commit([json.loads(line) for line in body.splitlines()])
        else:
            self._say({"error": "not played"}, 404)

    def do_PUT(self) -> None:
        body = self._body()
        self.server.stored[hashlib.sha256(body).hexdigest()] = body
        self._say({})

    def do_GET(self) -> None:
        self._body()
        root = f"/api/models/{self.server.name}"
        rows = [{"type": "file", "path": path, "rfilename": path, "size": len(data), "oid": _etag(data)}
                for path, data in self.server.files.items()]  # fmt: skip
        if self.path.startswith(f"{root}/tree/"):
            self._say(rows)
        elif self.path.startswith(root):
            self._say({"id": self.server.name, "sha": SHA, "siblings": rows, "tags": [], "private": False})
        elif (data := self.server.files.get(self.path.rpartition(f"/resolve/{SHA}/")[2])) is not None:
            self._send(data, "application/octet-stream", {"ETag": f'"{_etag(data)}"', "X-Repo-Commit": SHA})
        else:
            self._say({"error": "not played"}, 404)

    do_HEAD = do_GET

    def _mode(self, path: str) -> dict[str, Any]:
        return {
            "path": path,
            "uploadMode": "lfs" if path.endswith(".safetensors") else "regular",
            "shouldIgnore": False,
        }

    def _place(self, wanted: dict[str, Any]) -> dict[str, Any]:
        return {**wanted, "actions": {"upload": {"href": f"{self.server.address}/upload/{wanted['oid']}"}}}

    def _commit(self, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                self.server.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                self.server.files[value["path"]] = self.server.stored[value["oid"]]
        self._say({"commitOid": SHA, "commitUrl": f"{self.server.address}/{self.server.name}/commit/{SHA}"})

    def _body(self) -> bytes:
        self.server.asked.append(f"{self.command} {self.path}")
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def _say(self, value: Any, status: int = 200) -> None:
        self._send(json.dumps(value).encode(), "application/json", {}, status)

    def _send(self, data: bytes, kind: str, headers: dict[str, str], status: int = 200) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def _etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
